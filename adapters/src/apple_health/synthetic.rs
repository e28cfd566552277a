//! Made-up exports for the demo, tests and benchmarks: the shape of real ones, the data of nobody.
//!
//! An iPhone and a watch that overlap, nights with stages, heart rates through the day, blood pressures with their twins,
//! weights, workouts, typed steps, and a type that nothing maps. The same seed gives the same bytes.

use std::io::{self, Write};

use model::environment::SeededRandomness;
use model::time::{DAY_MS, LocalDay};

/// What to make.
#[derive(Clone, Debug)]
pub struct Synthetic {
    /// The same seed gives the same data.
    pub seed: u64,
    /// First day of data.
    pub first_day: LocalDay,
    /// Number of days.
    pub days: u32,
    /// Last day is also the export's day when `None`.
    pub exported: Option<LocalDay>,
    /// Heart rates a day, evenly spread; a watch makes 250 to 1,500.
    pub heart_rates: u32,
    /// A watch beside the phone.
    pub with_watch: bool,
    /// Records of all types and days mixed, instead of type after type as real exports are.
    pub unsorted: bool,
}

const PHONE: (&str, &str) = (
    "iPhone",
    "&lt;&lt;HKDevice: 0x{}&gt;, name:iPhone, manufacturer:Apple Inc., model:iPhone, hardware:iPhone14,2, software:17.5&gt;",
);
const WATCH: (&str, &str) = (
    "Apple\u{a0}Watch",
    "&lt;&lt;HKDevice: 0x{}&gt;, name:Apple Watch, manufacturer:Apple Inc., model:Watch, hardware:Watch6,2, software:10.5&gt;",
);
const CUFF: (&str, &str) = ("血圧計", "");

/// The parts of a day, in the order in which types follow each other in a file.
const PARTS: usize = 11;

/// Writes the XML of an export.
///
/// # Errors
/// What `out` reports.
pub fn write_export(out: &mut dyn Write, wanted: &Synthetic) -> io::Result<()> {
    let exported = wanted.exported.unwrap_or(wanted.first_day.plus(wanted.days as i32));
    writeln!(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE HealthData [\n<!-- HealthKit Export Version: 14 -->\n\
         <!ELEMENT HealthData (ExportDate,Me,(Record|Correlation|Workout)*)>\n]>\n<HealthData locale=\"ja_JP\">\n \
         <ExportDate value=\"{exported} 12:00:00 +0900\"/>\n <Me HKCharacteristicTypeIdentifierDateOfBirth=\"\" \
         HKCharacteristicTypeIdentifierBiologicalSex=\"HKBiologicalSexNotSet\"/>"
    )?;
    let days = 0..wanted.days as i32;
    if wanted.unsorted {
        let count = u64::from(wanted.days.max(1)) * PARTS as u64;
        for place in mixed(count) {
            let (day, part) = ((place / PARTS as u64) as i32, (place % PARTS as u64) as usize);
            Day::new(out, wanted, day, part).write(part)?;
        }
    } else {
        for part in 0..PARTS {
            for day in days.clone() {
                Day::new(out, wanted, day, part).write(part)?;
            }
        }
    }
    writeln!(out, "</HealthData>")
}

/// Writes an export as the Health app does: a ZIP with the XML under its Japanese name.
///
/// # Errors
/// What `out` reports.
pub fn write_zip(out: impl Write, wanted: &Synthetic) -> io::Result<()> {
    let mut archive = rawzip::ZipArchiveWriter::new(out);
    let (mut entry, config) = archive
        .new_file("apple_health_export/書き出したデータ.xml")
        .compression_method(rawzip::CompressionMethod::DEFLATE)
        .start()
        .map_err(io::Error::other)?;
    let encoder = flate2::write::DeflateEncoder::new(&mut entry, flate2::Compression::fast());
    let mut writer = config.wrap(encoder);
    write_export(&mut writer, wanted)?;
    let (encoder, descriptor) = writer.finish().map_err(io::Error::other)?;
    encoder.finish()?;
    entry.finish(descriptor).map_err(io::Error::other)?;
    archive.finish().map_err(io::Error::other)?;
    Ok(())
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// All numbers below `count` in a fixed order whose neighbours lie far apart.
fn mixed(count: u64) -> impl Iterator<Item = u64> {
    let stride = (count * 5 / 8) | 1;
    let stride = (stride..).find(|stride| gcd(*stride, count) == 1).unwrap_or(1);
    (0..count).map(move |step| step.wrapping_mul(stride) % count)
}

struct Day<'a> {
    out: &'a mut dyn Write,
    wanted: &'a Synthetic,
    date: LocalDay,
    random: SeededRandomness,
}

impl<'a> Day<'a> {
    fn new(out: &'a mut dyn Write, wanted: &'a Synthetic, day: i32, part: usize) -> Self {
        let seed = wanted.seed ^ ((day as u64) << 20) ^ ((part as u64) << 56);
        Self {
            out,
            wanted,
            date: wanted.first_day.plus(day),
            random: SeededRandomness::new(seed),
        }
    }

    fn write(&mut self, part: usize) -> io::Result<()> {
        match part {
            0 => self.heart_rates(),
            1 => self.steps(),
            2 => self.distances(),
            3 => self.energy(),
            4 => self.floors(),
            5 => self.exercise(),
            6 => self.sleep(),
            7 => self.weight(),
            8 => self.pressure(),
            9 => self.workout(),
            _ => self.rest(),
        }
    }

    /// A date as Apple writes it, so many seconds after this day's midnight in Japan.
    fn at(&self, second: i64) -> String {
        let day = self.date.plus(second.div_euclid(DAY_MS / 1_000) as i32);
        let second = second.rem_euclid(DAY_MS / 1_000);
        format!(
            "{day} {:02}:{:02}:{:02} +0900",
            second / 3_600,
            second / 60 % 60,
            second % 60
        )
    }

    fn open(
        &mut self,
        kind: &str,
        unit: &str,
        source: (&str, &str),
        start: i64,
        end: i64,
        value: &str,
    ) -> io::Result<()> {
        let device = source
            .1
            .replace("{}", &format!("{:x}", 0x2800_0000 + self.random.below(0xff_ffff)));
        let device = if device.is_empty() {
            String::new()
        } else {
            format!(" device=\"{device}\"")
        };
        let unit = if unit.is_empty() {
            String::new()
        } else {
            format!(" unit=\"{unit}\"")
        };
        let (created, start, end) = (self.at(end + 30), self.at(start), self.at(end));
        write!(
            self.out,
            " <Record type=\"{kind}\" sourceName=\"{}\" sourceVersion=\"17.5\"{device}{unit} creationDate=\"{created}\" \
             startDate=\"{start}\" endDate=\"{end}\" value=\"{value}\"",
            source.0
        )
    }

    fn quantity(
        &mut self,
        kind: &str,
        unit: &str,
        source: (&str, &str),
        start: i64,
        end: i64,
        value: &str,
    ) -> io::Result<()> {
        self.open(
            &format!("HKQuantityTypeIdentifier{kind}"),
            unit,
            source,
            start,
            end,
            value,
        )?;
        writeln!(self.out, "/>")
    }

    fn main_source(&self) -> (&'static str, &'static str) {
        if self.wanted.with_watch { WATCH } else { PHONE }
    }

    fn heart_rates(&mut self) -> io::Result<()> {
        if !self.wanted.with_watch {
            return Ok(());
        }
        let count = i64::from(self.wanted.heart_rates);
        let measured: Vec<(i64, u64, u64)> = (0..count)
            .map(|index| {
                let second = 86_400 * index / count.max(1) + self.random.below(40) as i64;
                let rate = 58 + self.random.below(30) + if (28_000..72_000).contains(&second) { 14 } else { 0 };
                (second, rate, 1 + self.random.below(2))
            })
            .collect();
        let order: Vec<usize> = if self.wanted.unsorted {
            mixed(measured.len() as u64).map(|index| index as usize).collect()
        } else {
            (0..measured.len()).collect()
        };
        for index in order {
            let (second, rate, context) = measured[index];
            self.open(
                "HKQuantityTypeIdentifierHeartRate",
                "count/min",
                WATCH,
                second,
                second,
                &rate.to_string(),
            )?;
            if index % 4 == 0 {
                writeln!(
                    self.out,
                    ">\n  <MetadataEntry key=\"HKHeartRateMotionContext\" value=\"{context}\"/>\n </Record>"
                )?;
            } else {
                writeln!(self.out, "/>")?;
            }
        }
        Ok(())
    }

    /// Walks of a day: (start, seconds); the same for all metrics of the day.
    fn walks(&self) -> Vec<(i64, i64)> {
        let random = SeededRandomness::new(self.wanted.seed ^ self.date.0 as u64);
        (0..24)
            .map(|walk| {
                (
                    25_200 + walk * 2_200 + random.below(600) as i64,
                    300 + random.below(600) as i64,
                )
            })
            .collect()
    }

    /// Writes something for each walk, from the phone and, shifted by seconds, from the watch.
    fn each_walk(
        &mut self,
        write: fn(&mut Self, (&'static str, &'static str), i64, i64) -> io::Result<()>,
    ) -> io::Result<()> {
        for (index, (start, length)) in self.walks().into_iter().enumerate() {
            write(self, PHONE, start, start + length)?;
            // The watch lies on its charger in every sixth walk.
            if self.wanted.with_watch && index % 6 != 5 {
                for minute in 0..length / 60 {
                    write(self, WATCH, start + 7 + minute * 60, start + 67 + minute * 60)?;
                }
            }
        }
        Ok(())
    }

    fn steps(&mut self) -> io::Result<()> {
        self.each_walk(|day, source, start, end| {
            let steps = (end - start) * 7 / 10 + day.random.below(9) as i64;
            day.quantity("StepCount", "count", source, start, end, &steps.to_string())
        })?;
        if self.date.0 % 5 == 0 {
            self.open(
                "HKQuantityTypeIdentifierStepCount",
                "count",
                ("ヘルスケア", ""),
                75_600,
                75_600,
                "500",
            )?;
            writeln!(
                self.out,
                ">\n  <MetadataEntry key=\"HKWasUserEntered\" value=\"1\"/>\n </Record>"
            )?;
        }
        Ok(())
    }

    fn distances(&mut self) -> io::Result<()> {
        self.each_walk(|day, source, start, end| {
            let metres = (end - start) / 2 + day.random.below(7) as i64;
            day.quantity(
                "DistanceWalkingRunning",
                "km",
                source,
                start,
                end,
                &format!("0.{metres:03}{}", day.random.below(10)),
            )
        })
    }

    fn energy(&mut self) -> io::Result<()> {
        self.each_walk(|day, source, start, end| {
            let value = format!("{}.{:03}", (end - start) / 25, day.random.below(1_000));
            day.quantity("ActiveEnergyBurned", "kcal", source, start, end, &value)
        })
    }

    fn floors(&mut self) -> io::Result<()> {
        for (start, length) in self.walks().into_iter().step_by(4) {
            self.quantity("FlightsClimbed", "count", PHONE, start, start + length, "1")?;
        }
        Ok(())
    }

    fn exercise(&mut self) -> io::Result<()> {
        if self.wanted.with_watch {
            for (start, length) in self.walks().into_iter().step_by(3) {
                for minute in 0..length / 60 {
                    self.quantity(
                        "AppleExerciseTime",
                        "min",
                        WATCH,
                        start + minute * 60,
                        start + minute * 60 + 60,
                        "1",
                    )?;
                }
            }
        }
        Ok(())
    }

    /// The night that ends on this day.
    fn sleep(&mut self) -> io::Result<()> {
        let from = -3_600 + self.random.below(3_600) as i64;
        let category = "HKCategoryTypeIdentifierSleepAnalysis";
        let stage = |day: &mut Self, source, start, end, value: &str| {
            day.open(
                category,
                "",
                source,
                start,
                end,
                &format!("HKCategoryValueSleepAnalysis{value}"),
            )?;
            writeln!(
                day.out,
                ">\n  <MetadataEntry key=\"HKTimeZone\" value=\"Asia/Tokyo\"/>\n </Record>"
            )
        };
        stage(self, PHONE, from - 600, from + 27_000, "InBed")?;
        if !self.wanted.with_watch {
            return stage(self, PHONE, from, from + 25_200, "AsleepUnspecified");
        }
        let mut at = from;
        while at < from + 25_200 {
            for (value, minutes) in [("AsleepCore", 25), ("AsleepDeep", 30), ("AsleepREM", 20), ("Awake", 4)] {
                let length = minutes * 60 + self.random.below(300) as i64;
                stage(self, WATCH, at, at + length, value)?;
                at += length;
            }
        }
        Ok(())
    }

    fn weight(&mut self) -> io::Result<()> {
        let grams = 650 + self.random.below(12);
        self.quantity(
            "BodyMass",
            "kg",
            ("体組成計", ""),
            25_500,
            25_500,
            &format!("{}.{}0", grams / 10, grams % 10),
        )?;
        self.quantity(
            "BodyFatPercentage",
            "%",
            ("体組成計", ""),
            25_500,
            25_500,
            &format!("0.{}", 240 + self.random.below(9)),
        )
    }

    /// A correlation, and its two children once more at top level, as real exports have them.
    fn pressure(&mut self) -> io::Result<()> {
        for second in [25_800, 77_400] {
            let (systolic, diastolic) = (
                (118 + self.random.below(22)).to_string(),
                (72 + self.random.below(14)).to_string(),
            );
            let (created, at) = (self.at(second + 30), self.at(second));
            writeln!(
                self.out,
                " <Correlation type=\"HKCorrelationTypeIdentifierBloodPressure\" sourceName=\"{}\" creationDate=\"{created}\" \
                 startDate=\"{at}\" endDate=\"{at}\">",
                CUFF.0
            )?;
            for inside in [true, false] {
                self.quantity("BloodPressureSystolic", "mmHg", CUFF, second, second, &systolic)?;
                self.quantity("BloodPressureDiastolic", "mmHg", CUFF, second, second, &diastolic)?;
                if inside {
                    writeln!(self.out, " </Correlation>")?;
                }
            }
        }
        Ok(())
    }

    fn workout(&mut self) -> io::Result<()> {
        if self.date.0 % 3 != 0 {
            return Ok(());
        }
        let (name, device) = self.main_source();
        let device = device.replace("{}", "1f");
        let (start, end) = (self.at(64_800), self.at(66_900));
        writeln!(
            self.out,
            " <Workout workoutActivityType=\"HKWorkoutActivityTypeWalking\" duration=\"34.5\" durationUnit=\"min\" \
             sourceName=\"{name}\" device=\"{device}\" creationDate=\"{end}\" startDate=\"{start}\" endDate=\"{end}\">\n  \
             <WorkoutStatistics type=\"HKQuantityTypeIdentifierActiveEnergyBurned\" startDate=\"{start}\" endDate=\"{end}\" \
             sum=\"141.2\" unit=\"kcal\"/>\n  <WorkoutStatistics type=\"HKQuantityTypeIdentifierDistanceWalkingRunning\" \
             startDate=\"{start}\" endDate=\"{end}\" sum=\"2.81\" unit=\"km\"/>\n  <WorkoutRoute sourceName=\"{name}\" \
             startDate=\"{start}\" endDate=\"{end}\">\n   <FileReference path=\"/workout-routes/route_1.gpx\"/>\n  \
             </WorkoutRoute>\n </Workout>"
        )
    }

    /// A variability with its list of beats, which nothing maps: a minute of them, a few times a day.
    fn beats(&mut self, second: i64) -> io::Result<()> {
        let variability = format!("{}.{:04}", 28 + self.random.below(40), self.random.below(10_000));
        self.open(
            "HKQuantityTypeIdentifierHeartRateVariabilitySDNN",
            "ms",
            WATCH,
            second,
            second + 60,
            &variability,
        )?;
        writeln!(self.out, ">\n  <HeartRateVariabilityMetadataList>")?;
        let mut hundredths = second * 100;
        for _ in 0..60 {
            let bpm = 58 + self.random.below(8);
            hundredths += 6_000 / bpm as i64 + self.random.below(9) as i64;
            let (seconds, rest) = (hundredths / 100, hundredths % 100);
            writeln!(
                self.out,
                "   <InstantaneousBeatsPerMinute bpm=\"{bpm}\" time=\"{}:{:02}:{:02}.{rest:02}\"/>",
                seconds / 3_600,
                seconds / 60 % 60,
                seconds % 60
            )?;
        }
        writeln!(self.out, "  </HeartRateVariabilityMetadataList>\n </Record>")
    }

    fn rest(&mut self) -> io::Result<()> {
        if self.wanted.with_watch {
            for list in 0..5 {
                self.beats(14_400 + list * 13_000)?;
            }
            for hour in 0..6 {
                self.quantity("OxygenSaturation", "%", WATCH, hour * 3_600, hour * 3_600, "0.97")?;
                self.quantity(
                    "RespiratoryRate",
                    "count/min",
                    WATCH,
                    hour * 3_600,
                    hour * 3_600 + 60,
                    "14.5",
                )?;
            }
            self.quantity("RestingHeartRate", "count/min", WATCH, 0, 80_000, "58")?;
        }
        self.quantity(
            "NikeFuel",
            "count",
            ("Nike", ""),
            64_800,
            68_400,
            &(200 + self.random.below(99)).to_string(),
        )
    }
}
