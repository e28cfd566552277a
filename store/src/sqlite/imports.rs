//! The intake of a delivery: samples gathered by series within a memory budget, and handed to the writer in short units.
//!
//! The adapter's thread gathers and sorts; the writer's thread merges, compresses and seals. A series that comes in order is
//! handed over as soon as it fills a unit, or when it has come to rest and the writer has nothing to do; one that does not
//! waits until memory is short, since each hand-over of scattered samples rewrites many leaves.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use model::checkup::Checkup;
use model::{Accounting, BatchId, Identified, Metric, Outcome, PersonId, Sample, Source, UtcMillis, Value};

use super::database::{Database, Pending};
use super::leaves::{self, Merged, Series};
use super::people::{Commit, Living, OneCommit};
use super::writer::Writing;
use super::zone::HomeZone;
use super::{batches, by_id, checkups, parked, payloads, people, raw, sources, totals};
use crate::checkup::PackedCheckup;
use crate::imports::SaidAgain;
use crate::packing::Packed;
use crate::parked::ParkedSeries;
use crate::reads::StoredSource;
use crate::{BatchStart, CheckupEnded, ImportReport, NewPayload, Parked, Raw, Result, StoreError};

/// Bytes of gathered samples at which the largest series are handed over.
const BUDGET: usize = 16 << 20;
/// Samples of one unit at most (but equal starts stay together): some tens of milliseconds of the writer's time.
const UNIT: usize = 64 << 10;
/// Samples that are worth a unit while the writer has nothing to do.
const WORTH_IT: usize = 8 << 10;
/// Records, or samples of them, of one unit of words at most.
const IDENTIFIED_UNIT: usize = 2_048;
/// Why a record can be refused here.
const TOO_MANY: &str = "more than 4,096 records of one second";
/// Units under way at most; the adapter waits beyond it.
const UNDER_WAY: usize = 2;
/// Bytes of kept text gathered before it is handed over.
const TEXT_BUDGET: usize = 1 << 20;

/// The samples of one series, gathered.
#[derive(Default)]
struct Gathered {
    samples: Vec<Sample>,
    /// True while no sample came before the one ahead of it.
    in_order: bool,
    bytes: usize,
    /// The push that brought the last of them.
    touched: u64,
}

/// What a unit answers.
enum Done {
    Samples(Merged),
    Parked(Merged),
    Identified(by_id::Ended),
    /// The numbers of texts that were kept before.
    Text(Vec<i64>),
    Checkup(CheckupEnded),
}

/// A delivery under way.
pub(crate) struct Intake {
    database: Database,
    person: PersonId,
    /// Keeps the ids of one vendor apart from another's: the adapter's name.
    space: Arc<str>,
    start: BatchStart,
    /// When it came.
    came: UtcMillis,
    /// Its number, and when it came beside the others of its person: once something is written of it. What is little begins and ends in
    /// one transaction.
    begun: Option<Begun>,
    /// When the vendor said what follows, where it was said.
    asserted: Option<UtcMillis>,
    zone: HomeZone,
    /// What of the person is read again, where it is.
    again: Option<SaidAgain>,
    sources: Vec<StoredSource>,
    /// Words that wait for more: the last of them are carried out in the transaction that ends the delivery.
    held: Vec<Identified>,
    gathered: BTreeMap<Series, Gathered>,
    bytes: usize,
    pushes: u64,
    parked_types: parked::Types,
    /// Where records stood that are neither stored nor parked.
    places: batches::Places,
    /// Parked series that are samples once the delivery ends.
    promoted: Vec<Series>,
    piece: raw::Piece,
    pieces: Vec<raw::Piece>,
    pieces_bytes: usize,
    under_way: VecDeque<Pending<Done>>,
    counts: Counts,
}

/// A delivery's number, and when it came.
type Begun = (BatchId, UtcMillis);

/// How records ended, and what that came to.
#[derive(Default)]
struct Counts {
    accounting: Accounting,
    /// Records there were, where that was said.
    read: Option<u64>,
    merged: Merged,
    parked_new: u64,
    /// What of it is kept.
    kept: batches::Kept,
}

/// What ends a delivery.
struct End {
    person: PersonId,
    batch: BatchId,
    counts: Counts,
    places: batches::Places,
    promoted: Vec<Series>,
    push: Option<NewPayload>,
}

impl End {
    /// How its records ended, and what it is answered where it is kept.
    fn write(mut self, writing: &Writing<'_>, commit: Commit) -> Result<(Counts, Vec<u8>)> {
        if let Some(read) = self.counts.read {
            self.counts.accounting.received = read;
        }
        let counts = &self.counts.accounting;
        let kept = self.push.map(|push| payloads::keep(writing, self.person, push, counts));
        let (payload, answer) = kept.transpose()?.unzip();
        let kept = batches::Kept {
            payload,
            ..std::mem::take(&mut self.counts.kept)
        };
        let counts = &self.counts.accounting;
        for series in self.promoted {
            parked::delete(writing, self.person, series)?;
        }
        batches::finish(writing, self.person, self.batch, (counts, &self.places), kept, commit)?;
        Ok((self.counts, answer.unwrap_or_default()))
    }
}

/// How far the last transaction came.
enum Ended {
    /// With its number, and how many months it computed.
    Whole(BatchId, Box<(Counts, Vec<u8>)>, u64),
    /// There are too many days to compute for one transaction.
    BeforeItsDays(Box<End>),
}

impl Intake {
    /// Begins a delivery.
    pub(crate) fn begin(database: Database, person: PersonId, start: BatchStart) -> Result<Self> {
        if start.adapter.is_empty() || start.adapter.len() > 64 {
            return Err(StoreError::Invalid {
                what: "an adapter's name has 1 to 64 bytes",
            });
        }
        let space = Arc::from(start.adapter.as_str());
        let (home_zone, sources, parked_types) = database.read_blocking(|snapshot| {
            let zone = people::profile(snapshot, person)?.home_zone;
            let sources = sources::sources(snapshot, person)?;
            Ok((zone, sources, parked::Types::read(snapshot, person)?))
        })?;
        Ok(Self {
            came: database.now(),
            database,
            person,
            space,
            start,
            begun: None,
            asserted: None,
            zone: HomeZone::new(&home_zone),
            again: None,
            sources,
            held: Vec::new(),
            gathered: BTreeMap::new(),
            bytes: 0,
            pushes: 0,
            parked_types,
            places: batches::Places::default(),
            promoted: Vec::new(),
            piece: raw::Piece::default(),
            pieces: Vec::new(),
            pieces_bytes: 0,
            under_way: VecDeque::new(),
            counts: Counts::default(),
        })
    }

    /// Begins the delivery where that is not done yet.
    fn begun(&mut self) -> Result<Begun> {
        if let Some(begun) = self.begun {
            return Ok(begun);
        }
        let (person, start, came) = (self.person, self.start.clone(), self.came);
        let begun = self
            .database
            .queue("begin import", true, move |writing| {
                batches::begin(writing, person, &start, came)
            })?
            .wait()?;
        Ok(*self.begun.insert(begun))
    }

    /// When the vendor said what follows. What was gathered before is handed over first, dated as it was.
    pub(crate) fn set_asserted(&mut self, asserted: UtcMillis) -> Result<()> {
        self.hand_over_all()?;
        self.asserted = Some(asserted);
        let (person, (batch, _)) = (self.person, self.begun()?);
        self.database
            .queue("date import", true, move |writing| {
                batches::assert(writing, person, batch, asserted)
            })?
            .wait()
    }

    /// What it says was said before, and read by an older mapping.
    pub(crate) fn say_again(&mut self, again: SaidAgain) {
        self.again = Some(again);
    }

    /// The zone in which the person lives.
    pub(crate) fn home(&self) -> jiff::tz::TimeZone {
        self.zone.zone().clone()
    }

    /// The person's number for a source.
    pub(crate) fn source(&mut self, source: &Source) -> Result<u16> {
        if source.key.is_empty() || source.key.len() > 512 {
            return Err(StoreError::Invalid {
                what: "a source's key has 1 to 512 bytes",
            });
        }
        if let Some(known) = self.sources.iter().find(|known| known.source == *source) {
            return Ok(known.number);
        }
        let (person, (batch, _), source) = (self.person, self.begun()?, source.clone());
        let (number, sources) = self
            .database
            .queue("number source", true, move |writing| {
                let key = writing.person_key(person)?;
                let mut commit = OneCommit::of(person, batch);
                let number = sources::ensure(writing, &key, person, &mut commit, &source)?;
                Ok((number, sources::sources(writing, person)?))
            })?
            .wait()?;
        self.sources = sources;
        Ok(number)
    }

    /// Takes samples.
    pub(crate) fn push(&mut self, samples: Vec<Sample>) -> Result<()> {
        for mut sample in samples {
            self.check(sample.source, sample.start, sample.end)?;
            if sample.metric == Metric::NONE {
                return Err(StoreError::Invalid {
                    what: "a sample has a metric",
                });
            }
            self.zone.settle(&mut sample);
            self.gather(Series::sample(sample.metric, sample.source), sample)?;
        }
        self.occupy_writer()
    }

    /// Takes records that their vendor names by ids, in the order in which they come.
    pub(crate) fn push_identified(&mut self, records: Vec<Identified>) -> Result<()> {
        let (mut unit, mut samples) = (Vec::new(), 0);
        for mut record in records {
            if record.id.is_empty() || record.id.len() > 512 {
                return Err(StoreError::Invalid {
                    what: "a vendor's id has 1 to 512 bytes",
                });
            }
            for sample in record.what.samples_mut() {
                self.check(sample.source, sample.start, sample.end)?;
                if sample.metric == Metric::NONE {
                    return Err(StoreError::Invalid {
                        what: "a sample has a metric",
                    });
                }
                self.zone.settle(sample);
            }
            samples += record.what.samples().len();
            unit.push(record);
            if samples >= IDENTIFIED_UNIT || unit.len() >= IDENTIFIED_UNIT {
                samples = 0;
                self.send_identified(std::mem::take(&mut unit))?;
            }
        }
        self.send_identified(unit)
    }

    fn send_identified(&mut self, records: Vec<Identified>) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let before = std::mem::replace(&mut self.held, records);
        self.send_words(before)
    }

    fn send_words(&mut self, records: Vec<Identified>) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        self.wait_until(UNDER_WAY - 1)?;
        let (person, begun, space) = (self.person, self.begun()?, Arc::clone(&self.space));
        let (records, again) = (heard(records, begun), self.again.clone());
        let pending = self.database.queue("carry out words", true, move |writing| {
            let commit = people::next_commit(writing, person, Some(begun.0))?;
            let (ended, touched) = by_id::apply(writing, person, &space, records, again.as_ref(), commit)?;
            totals::mark(writing, person, touched)?;
            Ok(Done::Identified(ended))
        })?;
        self.under_way.push_back(pending);
        Ok(())
    }

    /// Takes a checkup and the document that told it.
    pub(crate) fn checkup(&mut self, source: u16, checkup: Checkup, original: Vec<u8>) -> Result<()> {
        self.check(source, UtcMillis(0), UtcMillis(0))?;
        self.wait_until(UNDER_WAY - 1)?;
        let (person, (batch, _)) = (self.person, self.begun()?);
        let (told, original) = (PackedCheckup::of(checkup)?, Packed::of(&original)?);
        let pending = self.database.queue("keep checkup", true, move |writing| {
            let living = Living::of(writing, person)?;
            let mut commit = OneCommit::of(person, batch);
            checkups::keep(writing, &living, (source, &mut commit), &told, &original).map(Done::Checkup)
        })?;
        self.under_way.push_back(pending);
        Ok(())
    }

    /// Takes numbers of unmapped types.
    pub(crate) fn park(&mut self, numbers: Vec<Parked>) -> Result<()> {
        for number in numbers {
            self.check(number.source, number.start, number.end)?;
            let kind = match self.parked_types.find(&number.vendor_type, &number.unit) {
                Some(kind) => kind,
                None => self.parked_types.add(&self.database, self.person, &number)?,
            };
            let mut sample = parked::sample(&number);
            self.zone.settle(&mut sample);
            self.gather(Series::parked(kind, number.source), sample)?;
        }
        Ok(())
    }

    /// Keeps a record that is neither stored nor parked.
    pub(crate) fn raw(&mut self, raw: &Raw) -> Result<()> {
        let places = self.places.entry((raw.outcome, raw.reason.clone())).or_default();
        if places.len() < batches::MOST_PLACES {
            places.push(raw.line);
        }
        if self.piece.add(raw) {
            self.end_piece()?;
        }
        Ok(())
    }

    /// What is parked of the person. Asked of the writer: a rehearsed delivery parks what no reader sees.
    pub(crate) fn parked(&self) -> Result<Vec<ParkedSeries>> {
        let person = self.person;
        self.database
            .queue("read what is parked", true, move |writing| parked::of(writing, person))?
            .wait()
    }

    /// Takes parked numbers as samples.
    pub(crate) fn promote(
        &mut self,
        parked: &ParkedSeries,
        mut make: impl FnMut(Sample) -> std::result::Result<Sample, Raw>,
    ) -> Result<()> {
        let (person, series) = (self.person, Series::parked(parked.kind, parked.source));
        let mut after = 0;
        loop {
            let next = self.database.queue("read what is parked", true, move |writing| {
                parked::next_leaf(writing, person, series, after)
            })?;
            let Some((number, said, numbers)) = next.wait()? else {
                break;
            };
            after = number;
            self.set_asserted(said)?;
            let mut samples = Vec::with_capacity(numbers.len());
            for number in numbers {
                match make(number) {
                    Ok(sample) => samples.push(sample),
                    Err(raw) => self.raw(&raw)?,
                }
            }
            self.push(samples)?;
        }
        self.promoted.push(series);
        Ok(())
    }

    /// Adds how records ended that were not pushed.
    pub(crate) fn account(&mut self, accounting: &Accounting) {
        self.counts.accounting.add(accounting);
    }

    /// Says how many records there were.
    pub(crate) fn read(&mut self, records: u64) {
        self.counts.read = Some(records);
    }

    /// Hands everything over and waits for it.
    pub(crate) fn checkpoint(&mut self) -> Result<()> {
        self.hand_over_all()?;
        self.wait_until(0)
    }

    /// Hands everything over, computes what it touched, and ends the delivery with a synced commit.
    pub(crate) fn finish(mut self, push: Option<NewPayload>) -> Result<(ImportReport, Vec<u8>)> {
        let words = std::mem::take(&mut self.held);
        self.checkpoint()?;
        let (person, space, again) = (self.person, Arc::clone(&self.space), self.again);
        let (begun, start, came) = (self.begun, self.start, self.came);
        let (counts, places, promoted) = (self.counts, self.places, self.promoted);
        // What is little is carried out and computed in the transaction that ends it.
        let little = self.database.queue("end import", false, move |writing| {
            let begun = match begun {
                Some(begun) => begun,
                None => batches::begin(writing, person, &start, came)?,
            };
            let mut end = End {
                person,
                batch: begun.0,
                counts,
                places,
                promoted,
                push,
            };
            let commit = people::next_commit(writing, person, Some(end.batch))?;
            let mut touched = Vec::new();
            if !words.is_empty() {
                let (ended, months) =
                    by_id::apply(writing, person, &space, heard(words, begun), again.as_ref(), commit)?;
                end.counts.count(Done::Identified(ended));
                touched = months;
            }
            match totals::compute_little(writing, person, commit, &touched)? {
                Some(months) => end
                    .write(writing, commit)
                    .map(|ended| Ended::Whole(begun.0, Box::new(ended), months)),
                None => Ok(Ended::BeforeItsDays(Box::new(end))),
            }
        })?;
        let (batch, (counts, answer), months_recomputed) = match little.wait()? {
            Ended::Whole(batch, ended, months) => (batch, *ended, months),
            Ended::BeforeItsDays(end) => {
                let batch = end.batch;
                let months = totals::compute_dirty(&self.database, person, Some(batch))?;
                let ending = self.database.queue("end import", false, move |writing| {
                    let commit = people::next_commit(writing, person, Some(batch))?;
                    end.write(writing, commit)
                })?;
                (batch, ending.wait()?, months)
            }
        };
        let report = ImportReport {
            batch,
            accounting: counts.accounting,
            samples_new: counts.merged.new,
            versions_new: counts.merged.versions,
            samples_refined: counts.merged.refined,
            samples_gone: counts.merged.gone,
            parked_new: counts.parked_new,
            months_recomputed,
        };
        Ok((report, answer))
    }

    fn check(&self, source: u16, start: UtcMillis, end: UtcMillis) -> Result<()> {
        let what = if end < start {
            "a sample ends before it starts"
        } else if start < UtcMillis::EARLIEST || end >= UtcMillis::LATEST {
            "a sample lies outside the years 1900 to 2199"
        } else if source == 0 || self.sources.last().is_none_or(|last| source > last.number) {
            "a sample names a source that has no number yet"
        } else {
            return Ok(());
        };
        Err(StoreError::Invalid { what })
    }

    fn gather(&mut self, series: Series, sample: Sample) -> Result<()> {
        let gathered = self.gathered.entry(series).or_insert_with(|| Gathered {
            in_order: true,
            ..Gathered::default()
        });
        gathered.touched = self.pushes;
        gathered.in_order &= gathered.samples.last().is_none_or(|last| last.start <= sample.start);
        let bytes = size_of::<Sample>()
            + match &sample.value {
                Value::Components(components) => size_of_val::<[_]>(components) + 16,
                Value::Quantity(_) | Value::Code(_) => 0,
            };
        if gathered.samples.len() == gathered.samples.capacity() {
            // Doubling would hold up to twice the budget.
            gathered.samples.reserve_exact((gathered.samples.len() / 4).max(2_048));
        }
        gathered.samples.push(sample);
        gathered.bytes += bytes;
        self.bytes += bytes;
        if gathered.in_order && gathered.samples.len() > UNIT {
            self.hand_over_in_order(series)
        } else if self.bytes > BUDGET {
            self.make_room()
        } else {
            Ok(())
        }
    }

    /// Gives a writer that has nothing to do a series in order to which this push added nothing: in a file that goes type by
    /// type it is complete.
    fn occupy_writer(&mut self) -> Result<()> {
        self.pushes += 1;
        while let Some(answer) = self.under_way.front().and_then(Pending::try_wait) {
            self.under_way.pop_front();
            self.counts.count(answer?);
        }
        if !self.under_way.is_empty() {
            return Ok(());
        }
        let rested = |gathered: &Gathered| {
            gathered.in_order && gathered.samples.len() >= WORTH_IT && gathered.touched + 1 < self.pushes
        };
        let largest = self
            .gathered
            .iter()
            .filter(|(_, gathered)| rested(gathered))
            .max_by_key(|(series, gathered)| (gathered.bytes, **series))
            .map(|(series, _)| *series);
        largest.map_or(Ok(()), |series| self.hand_over(series))
    }

    /// Hands over a series that came in order, but for its last start: more of it may follow.
    fn hand_over_in_order(&mut self, series: Series) -> Result<()> {
        let Some(gathered) = self.gathered.get_mut(&series) else {
            return Ok(());
        };
        let last = gathered.samples.last().map(|sample| sample.start);
        let cut = gathered
            .samples
            .iter()
            .rposition(|sample| Some(sample.start) != last)
            .map_or(0, |place| place + 1);
        if cut == 0 {
            return self.hand_over(series);
        }
        let rest = gathered.samples.split_off(cut);
        let whole = std::mem::replace(&mut gathered.samples, rest);
        let left = gathered.samples.len() * size_of::<Sample>();
        self.bytes -= gathered.bytes.saturating_sub(left);
        gathered.bytes = left;
        self.send(series, whole)
    }

    fn make_room(&mut self) -> Result<()> {
        while self.bytes > BUDGET / 2 {
            let largest = self
                .gathered
                .iter()
                .max_by_key(|(_, gathered)| gathered.bytes)
                .map(|(series, _)| *series);
            match largest {
                Some(series) => self.hand_over(series)?,
                None => break,
            }
        }
        Ok(())
    }

    fn hand_over_all(&mut self) -> Result<()> {
        let words = std::mem::take(&mut self.held);
        self.send_words(words)?;
        // In one order, so that the same delivery makes the same commits.
        for series in self.gathered.keys().copied().collect::<Vec<_>>() {
            self.hand_over(series)?;
        }
        self.end_piece()?;
        self.send_pieces()
    }

    fn hand_over(&mut self, series: Series) -> Result<()> {
        let Some(gathered) = self.gathered.remove(&series) else {
            return Ok(());
        };
        self.bytes -= gathered.bytes;
        let mut samples = gathered.samples;
        if !gathered.in_order {
            samples.sort_by_key(|sample| sample.start);
        }
        while samples.len() > UNIT {
            let border = samples[samples.len() - UNIT].start;
            let cut = samples.partition_point(|sample| sample.start < border);
            if cut == 0 {
                break;
            }
            let unit = samples.split_off(cut);
            samples.shrink_to_fit();
            self.send(series, unit)?;
        }
        self.send(series, samples)
    }

    fn send(&mut self, series: Series, samples: Vec<Sample>) -> Result<()> {
        self.wait_until(UNDER_WAY - 1)?;
        let (person, (batch, obtained)) = (self.person, self.begun()?);
        let asserted = self.asserted.unwrap_or(obtained);
        let pending = self.database.queue("merge samples", true, move |writing| {
            let commit = people::next_commit(writing, person, Some(batch))?;
            let merged = leaves::merge(writing, person, series, samples, commit, asserted)?;
            Ok(if series.is_parked() {
                Done::Parked(merged)
            } else {
                totals::mark(writing, person, totals::touched(series, &merged))?;
                Done::Samples(merged)
            })
        })?;
        self.under_way.push_back(pending);
        Ok(())
    }

    fn end_piece(&mut self) -> Result<()> {
        if !self.piece.is_empty() {
            let piece = std::mem::take(&mut self.piece);
            self.pieces_bytes += piece.bytes();
            self.pieces.push(piece);
        }
        if self.pieces_bytes > TEXT_BUDGET {
            self.send_pieces()?;
        }
        Ok(())
    }

    fn send_pieces(&mut self) -> Result<()> {
        if self.pieces.is_empty() {
            return Ok(());
        }
        self.wait_until(UNDER_WAY - 1)?;
        self.pieces_bytes = 0;
        let pieces = std::mem::take(&mut self.pieces);
        let (person, (batch, _)) = (self.person, self.begun()?);
        let pending = self.database.queue("keep text", true, move |writing| {
            let mut known = Vec::new();
            for piece in &pieces {
                known.extend(raw::keep(writing, person, batch, piece)?);
            }
            Ok(Done::Text(known))
        })?;
        self.under_way.push_back(pending);
        Ok(())
    }

    /// Waits until at most so many units are under way, and counts how their samples ended.
    fn wait_until(&mut self, most: usize) -> Result<()> {
        while self.under_way.len() > most {
            let Some(pending) = self.under_way.pop_front() else {
                break;
            };
            self.counts.count(pending.wait()?);
        }
        Ok(())
    }
}

/// Nothing was said after it was heard: a clock that goes ahead must not outlive what is said later.
fn heard(mut records: Vec<Identified>, (_, obtained): Begun) -> Vec<Identified> {
    for record in &mut records {
        record.said = record.said.min(obtained);
    }
    records
}

impl Counts {
    fn count(&mut self, done: Done) {
        match done {
            Done::Samples(merged) => {
                self.accounting.count_many(Outcome::Stored, "", merged.new);
                self.accounting
                    .count_many(Outcome::Stored, "new version", merged.versions);
                self.accounting.count_many(Outcome::Duplicate, "known", merged.known);
                self.accounting
                    .count_many(Outcome::Duplicate, "superseded", merged.superseded);
                self.accounting.count_many(Outcome::Rejected, TOO_MANY, merged.refused);
                self.merged.add(&merged);
            }
            Done::Parked(merged) => self.parked_new += merged.new,
            Done::Identified(ended) => {
                for (outcome, reason, count) in [
                    (Outcome::Stored, "", ended.new),
                    (Outcome::Stored, "new version", ended.versions),
                    (Outcome::Stored, "deletion", ended.deletions),
                    (Outcome::Duplicate, "known", ended.known),
                    (Outcome::Duplicate, "superseded", ended.superseded),
                    (Outcome::Rejected, TOO_MANY, ended.refused),
                ] {
                    self.accounting.count_many(outcome, reason, count);
                }
                self.merged.add(&ended.samples);
            }
            Done::Checkup(ended) => {
                ended.count(&mut self.accounting);
                self.merged.new += ended.new;
                self.merged.versions += ended.versions;
            }
            Done::Text(known) => known.into_iter().for_each(|number| self.kept.text(number)),
        }
    }
}
