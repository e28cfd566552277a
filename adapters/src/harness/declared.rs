//! What adapters declare is what their fixtures show: no type is declared that nothing shows, and nothing comes out undeclared. So a row of a
//! table that reads a wrong member, in a wrong unit or under a wrong code, breaks a snapshot.

use std::collections::BTreeSet;

use model::{Metric, Source};

use super::{bytes, fixtures, read};
use crate::{Adapter, Handed, all};

/// Whose table is the vocabulary's own, of hundreds of items that are read alike: tests beside it write and read every one of them
/// (`every_item_goes_in_and_comes_out_once`, `every_item_of_a_screening_goes_in_and_comes_out_once_by_whichever_system`).
const EVERY_ITEM_ELSEWHERE: &[&str] = &["checkup"];

/// What the fixtures of an adapter hold, and what they gave.
struct Shown {
    text: String,
    metrics: BTreeSet<Metric>,
    sources: Vec<Source>,
}

impl Shown {
    fn by(adapter: &dyn Adapter) -> Self {
        let mut shown = Self {
            text: String::new(),
            metrics: BTreeSet::new(),
            sources: Vec::new(),
        };
        for (_, path) in fixtures(adapter) {
            let bytes = bytes(&path);
            shown.text.push_str(&String::from_utf8_lossy(&bytes));
            let (collected, _) = read(adapter, &bytes);
            shown
                .metrics
                .extend(collected.samples().into_iter().map(|sample| sample.metric));
            for piece in collected.pieces {
                match piece {
                    Handed::Source(source) => shown.sources.push(source),
                    Handed::Checkup(brought) => {
                        let findings = &brought.checkup.findings;
                        shown
                            .metrics
                            .extend(findings.iter().map(|finding| finding.item.metric()));
                    }
                    _ => {}
                }
            }
        }
        shown
    }
}

#[test]
fn every_declared_type_stands_in_a_fixture_and_comes_out_of_one() {
    for &adapter in all() {
        if EVERY_ITEM_ELSEWHERE.contains(&adapter.name()) {
            continue;
        }
        let shown = Shown::by(adapter);
        for covered in adapter.coverage().types {
            let (name, metric) = (&covered.vendor_type, covered.metric);
            // What stands behind the first space is our words for which of several it is.
            let first = name.split(' ').next().unwrap();
            let absent = first.split(['.', ',', ':']).find(|part| !shown.text.contains(part));
            assert_eq!(absent, None, "{}: no fixture holds `{name}`", adapter.name());
            assert!(
                shown.metrics.contains(&metric),
                "{}: `{name}` is declared to become {}, which no fixture gives",
                adapter.name(),
                metric.key()
            );
        }
    }
}

#[test]
fn everything_that_comes_out_of_a_fixture_is_declared() {
    for &adapter in all() {
        let types = adapter.coverage().types;
        let declared: BTreeSet<Metric> = types.iter().map(|covered| covered.metric).collect();
        let shown = Shown::by(adapter).metrics;
        let undeclared: Vec<&str> = shown.difference(&declared).map(|metric| metric.key()).collect();
        assert!(undeclared.is_empty(), "{}: {undeclared:?}", adapter.name());
    }
}

/// What both of two vendors have counts once only where the one's sources are known by how the other's keys begin: a typing error there
/// would count it twice, and nothing else would notice.
#[test]
fn whatever_a_source_may_be_a_copy_of_is_how_the_keys_of_real_ones_begin() {
    let sources = |adapter: &&'static dyn Adapter| (adapter.name(), adapter.coverage(), Shown::by(*adapter).sources);
    let shown: Vec<_> = all().iter().map(sources).collect();
    let begins = |own: &str, but: &str| {
        let mut others = shown.iter().filter(|(name, ..)| *name != but);
        others.any(|(.., sources)| sources.iter().any(|source| source.key.starts_with(own)))
    };
    for (name, coverage, sources) in &shown {
        for writer in coverage.re_exporters.iter().filter(|writer| !writer.own.is_empty()) {
            for own in writer.own {
                assert!(
                    begins(own, name),
                    "{name}: no fixture of another vendor has a source that begins with {own}"
                );
            }
            let is_shown = sources.iter().any(|source| source.copies == writer.own);
            assert!(is_shown, "{name}: no fixture has a source that {} wrote", writer.vendor);
        }
        for copied in sources.iter().flat_map(|source| &source.copies) {
            let own = copied.strip_prefix('!').unwrap_or(copied);
            assert!(
                begins(own, ""),
                "{name}: no fixture has a source that begins with {own}"
            );
        }
    }
}
