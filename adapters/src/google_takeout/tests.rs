//! Archives as accounts download them, with folders and files as real ones have them and values that nobody measured.

use std::io::Write as _;

use super::*;
use crate::harness::{Collected, read};

type File<'a> = (&'a str, &'a str);

fn zip(files: &[File<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut archive = rawzip::ZipArchiveWriter::new(&mut bytes);
    let written = rawzip::time::UtcDateTime::from_components(2026, 9, 20, 0, 0, 0, 0).unwrap();
    for (name, content) in files {
        let method = rawzip::CompressionMethod::DEFLATE;
        let options = archive.new_file(name).compression_method(method).last_modified(written);
        let (mut entry, config) = options.start().unwrap();
        let encoder = flate2::write::DeflateEncoder::new(&mut entry, flate2::Compression::best());
        let mut writer = config.wrap(encoder);
        writer.write_all(content.as_bytes()).unwrap();
        let (encoder, output) = writer.finish().unwrap();
        encoder.finish().unwrap();
        entry.finish(output).unwrap();
    }
    archive.finish().unwrap();
    bytes
}

fn told(files: &[File<'_>]) -> (Vec<String>, Vec<String>) {
    let (collected, reading) = read(&GoogleTakeout, &zip(files));
    let reading = reading.unwrap();
    assert!(reading.accounting.adds_up());
    assert_eq!(reading.samples, collected.records());
    let reasons = reading.accounting.reasons.iter();
    let reasons = reasons.map(|((outcome, reason), count)| format!("{outcome}: {reason} {count}"));
    (collected.lines(), reasons.collect())
}

const STREAM: &str = r#"{"Data Source":"derived:com.google.step_count.delta:com.google.android.gms:merge_step_deltas","Data Points":[
{"fitValue":[{"value":{"intVal":90}}],"originDataSourceId":"raw:com.google.step_count.cumulative:com.google.android.gms:Maker:Phone 9:u:steps","startTimeNanos":1789358400000000000,"endTimeNanos":1789358460000000000,"dataTypeName":"com.google.step_count.delta"}]}"#;
const RAW: &str = r#"{"Data Source":"raw:com.google.step_count.cumulative:com.google.android.gms:Maker:Phone 9:u:steps","Data Points":[
{"fitValue":[{"value":{"intVal":90}}],"startTimeNanos":1789358400000000000,"endTimeNanos":1789358460000000000,"dataTypeName":"com.google.step_count.cumulative"}]}"#;
const AGAIN: &str = r#"{"Data Source":"derived:com.google.step_count.delta:com.google.android.gms:estimated_steps","Data Points":[
{"fitValue":[{"value":{"intVal":91}}],"startTimeNanos":1789358400000000000,"endTimeNanos":1789358460000000000,"dataTypeName":"com.google.step_count.delta"}]}"#;
const WALK: &str = r#"{"fitnessActivity":"walking","startTime":"2026-09-13T18:00:00.000+09:00","endTime":"2026-09-13T18:30:00.000+09:00","duration":"1740.5s",
"segment":[],"aggregate":[{"metricName":"com.google.step_count.delta","intValue":3100},{"metricName":"com.google.distance.delta","floatValue":2310.5},{"metricName":"com.google.calories.expended","floatValue":120}]}"#;

/// The folder's name follows the account's language; files are told by what they hold.
#[test]
fn fit_is_read_in_any_language_and_its_steps_once() {
    let english = [
        (
            "Takeout/Fit/All Data/derived_com.google.step_count.delta_com.google(1).json",
            STREAM,
        ),
        (
            "Takeout/Fit/All Data/raw_com.google.step_count.cumulative_com.goog.json",
            RAW,
        ),
        (
            "Takeout/Fit/All Data/derived_com.google.step_count.delta_com.google.json",
            AGAIN,
        ),
        ("Takeout/Fit/All Sessions/2026-09-13T18_00_00+09_00_WALKING.json", WALK),
        (
            "Takeout/Fit/Activities/2026-09-13T18_00_00+09_00_PT30M_Walking.tcx",
            "<x/>",
        ),
        (
            "Takeout/Fit/Daily activity metrics/Daily activity metrics.csv",
            "Date\n",
        ),
        ("Takeout/Fit/Daily activity metrics/2026-09-13.csv", "Start time\n"),
        ("Takeout/Fit/Activities/notes.json", "{}"),
        ("Takeout/archive_browser.html", "<x/>"),
        ("Takeout/Tasks/Tasks.json", "{}"),
        ("Takeout/Maps/walk.tcx", "<x/>"),
        ("Takeout/Contacts/all.csv", "Name\n"),
    ];
    let japanese = english.map(|(name, content)| {
        let name = name.replace("Fit/All Data", "フィット/すべてのデータ");
        let name = name.replace("Fit/All Sessions", "フィット/すべてのセッション");
        let name = name.replace("Fit/Daily activity metrics", "フィット/毎日の活動の指標");
        (name.replace("Fit/Activities", "フィット/アクティビティ"), content)
    });
    // As a ZIP of the folder itself, which somebody made anew, has it.
    let by_itself = japanese
        .clone()
        .map(|(name, content)| (name.replace("Takeout/フィット", "フィット"), content));
    let (lines, reasons) = told(&english);
    insta::assert_snapshot!(lines.join("\n"));
    insta::assert_snapshot!(reasons.join("\n"));
    for japanese in [japanese, by_itself] {
        let japanese: Vec<File<'_>> = japanese
            .iter()
            .map(|(name, content)| (name.as_str(), *content))
            .collect();
        assert_eq!(told(&japanese), (lines.clone(), reasons.clone()));
    }
}

/// Without a folder of its own around them they say nothing of what lies beside them.
#[test]
fn records_of_fit_that_lie_among_other_products_make_nothing_else_theirs() {
    let files = [
        ("Takeout/Data/steps.json", STREAM),
        ("Takeout/Data/table.csv", "Name\n"),
        ("Takeout/Contacts/all.csv", "Name\n"),
        ("Takeout/Maps/walk.tcx", "<x/>"),
    ];
    let (lines, reasons) = told(&files);
    assert_eq!((lines.len(), reasons), (1, Vec::<String>::new()));
    let bare = told(&[("steps.json", STREAM), ("all.csv", "Name\n")]);
    assert_eq!((bare.0.len(), bare.1), (1, Vec::new()));
}

/// However many files of the folder say nothing before the first that does.
#[test]
fn a_folder_in_another_language_is_looked_through_as_the_english_one_is() {
    let named = |fit: &str| {
        let mut files: Vec<(String, &str)> = (0..5)
            .map(|place| (format!("Takeout/{fit}/A/{place}.json"), "{}"))
            .collect();
        files.push((format!("Takeout/{fit}/A/steps.json"), STREAM));
        files.push((format!("Takeout/{fit}/B/walk.json"), WALK));
        files
    };
    let told = |files: &[(String, &str)]| {
        let files: Vec<File<'_>> = files.iter().map(|(name, content)| (name.as_str(), *content)).collect();
        told(&files)
    };
    assert_eq!(told(&named("フィット")), told(&named("Fit")));
}

const STEPS: &str = "timestamp,steps,data source\n\
    2026-09-12T05:00:00Z,60,Google Fitbit Air\n\
    2026-09-12T05:00:00.000Z,58,MobileTrack\n\
    2026-09-12T05:00:00Z,60,Fit Health Connect\n\
    2026-09-12T05:01:00Z,NaN,Google Fitbit Air\n";
const STEPS_LIST: &str =
    r#"[{"dateTime":"09/12/26 05:00:00","value":"60"},{"dateTime":"05/01/20 03:00:00","value":"15"}]"#;
const HEART: &str = "timestamp,beats per minute,data source\n2026-09-12T04:00:05Z,80,Google Fitbit Air\n2026-09-12T04:00:10Z,0,Google Fitbit Air\n";
const HEART_LIST: &str = r#"[{"dateTime":"05/01/20 03:00:05","value":{"bpm":70,"confidence":2}},{"dateTime":"05/01/20 03:00:10","value":{"bpm":70,"confidence":0}}]"#;
const RESTING: &str = "timestamp,beats per minute,data source\n2026-09-12T00:00:00Z,61.234,Google Health App\n";
const WEIGHT: &str = "timestamp,weight grams,data source\n2026-09-10T05:00:00.000000Z,70500,Google Health App\n";
const WEIGHT_LIST: &str = r#"[{"logId":1,"weight":155.4,"bmi":22.9,"date":"09/10/19","time":"05:00:00"}]"#;
const NIGHTS: &str = "sleep_id,sleep_type,minutes_asleep,start_utc_offset,sleep_start,end_utc_offset,sleep_end,data_source,sleep_last_updated\n\
    111,STAGES,410,+09:00,2026-09-11T14:00:00Z,+09:00,2026-09-11T21:30:00Z,GOOGLE_FITBIT_AIR,2026-09-11T22:00:00Z\n\
    112,CLASSIC,40,+09:00,2026-09-12T04:00:00Z,+09:00,2026-09-12T04:40:00Z,GOOGLE_FITBIT_AIR,\n";
const STAGES: &str = "sleep_id,sleep_stage_id,sleep_stage_type,start_utc_offset,sleep_stage_start,end_utc_offset,sleep_stage_end,data_source\n\
    111,1,AWAKE,+09:00,2026-09-11T14:00:00Z,+09:00,2026-09-11T14:15:00Z,GOOGLE_FITBIT_AIR\n\
    111,2,DEEP,+09:00,2026-09-11T14:15:00Z,+09:00,2026-09-11T21:30:00Z,GOOGLE_FITBIT_AIR\n";
const NIGHT_LIST: &str = r#"[{"logId":5,"dateOfSleep":"2026-09-12","startTime":"2026-09-11T23:00:00.000","endTime":"2026-09-12T06:30:00.000","levels":{"data":[]}},
{"logId":4,"dateOfSleep":"2020-05-02","startTime":"2020-05-01T23:00:00.000","endTime":"2020-05-02T06:00:00.000","type":"classic","levels":{"data":[{"dateTime":"2020-05-01T23:00:00.000","level":"asleep","seconds":25200}]}}]"#;
const EXERCISES: &str = "exercise_id,exercise_start,exercise_end,utc_offset,exercise_last_updated,activity_name,log_type,tracker_total_calories,tracker_total_distance_mm,activity_type_probabilities\n\
    9001,2026-09-12 09:00:00+0000,2026-09-12 09:30:00+0000,+09:00,2026-09-12T10:00:00Z,Outdoor Run,AUTO_DETECTED,300,5000000,\"a,b\"\n";
const SEDENTARY: &str = r#"[{"dateTime":"09/12/26 00:00:00","value":"800"},{"dateTime":"12/31/26 00:00:00","value":"1440"},{"dateTime":"09/11/26 00:00:00","value":"1440"}]"#;
const CALORIES: &str = r#"[{"dateTime":"09/12/26 23:59:00","value":"1.25"}]"#;
const RESTING_LIST: &str = r#"[{"dateTime":"05/01/20 00:00:00","value":{"date":null,"value":0.0,"error":0.0}},{"dateTime":"05/02/20 00:00:00","value":{"date":"05/02/20","value":61.2,"error":5}}]"#;
const UPTAKE: &str =
    r#"[{"dateTime":"09/12/26 00:00:00","value":{"demographicVO2Max":41.234,"filteredDemographicVO2Max":40.8}}]"#;

fn tracker(root: &str) -> Vec<(String, &'static str)> {
    let files = [
        ("Physical Activity_GoogleData/Steps/steps_2026-09-01.csv", STEPS),
        ("Physical Activity_GoogleData/heart_rate_2026-09-12.csv", HEART),
        ("Physical Activity_GoogleData/daily_resting_heart_rate.csv", RESTING),
        ("Physical Activity_GoogleData/weight.csv", WEIGHT),
        (
            "Physical Activity_GoogleData/gps_location_2026-09-12.csv",
            "timestamp,latitude\n",
        ),
        (
            "Physical Activity_GoogleData/Live Pace/live_pace_2026-09-12.csv",
            "timestamp,steps\n",
        ),
        ("Health Fitness Data_GoogleData/UserSleeps_2026-09-01.csv", NIGHTS),
        ("Health Fitness Data_GoogleData/UserSleepStages_2026-09-01.csv", STAGES),
        ("Health Fitness Data_GoogleData/UserExercises_2026-09-01.csv", EXERCISES),
        (
            "Health Fitness Data_GoogleData/UserActivityProbabilities_2026-09-01.csv",
            STEPS,
        ),
        ("Global Export Data/steps-2026-09-11.json", STEPS_LIST),
        ("Global Export Data/heart_rate-2020-05-01.json", HEART_LIST),
        ("Global Export Data/resting_heart_rate-2020-05-01.json", RESTING_LIST),
        ("Global Export Data/sedentary_minutes-2026-09-11.json", SEDENTARY),
        ("Global Export Data/calories-2026-09-11.json", CALORIES),
        ("Global Export Data/demographic_vo2_max-2026-09-11.json", UPTAKE),
        ("Global Export Data/weight-2019-09-11.json", WEIGHT_LIST),
        ("Global Export Data/sleep-2026-09-01.json", NIGHT_LIST),
        (
            "Oxygen Saturation (SpO2)/Daily SpO2 - 2020-05-01-2020-05-31.csv",
            "timestamp,average_value,lower_bound,upper_bound\n2020-05-01T00:00:00Z,96.2,93,99\n",
        ),
        ("Biometrics/Glucose 202609.csv", "no data"),
        ("Heart Rate Variability/README.txt", "what it is"),
    ];
    files.map(|(name, content)| (format!("{root}{name}"), content)).to_vec()
}

/// Steps are of each device as it counted them; what lies in two forms is read from the better one; what only the old form has,
/// years before, is kept.
#[test]
fn a_tracker_s_records_are_read_once_under_either_name() {
    let files = tracker("Takeout/Google Health/");
    let files: Vec<File<'_>> = files.iter().map(|(name, content)| (name.as_str(), *content)).collect();
    let (lines, reasons) = told(&files);
    insta::assert_snapshot!(lines.join("\n"));
    insta::assert_snapshot!(reasons.join("\n"));
    let before = tracker("Takeout/Fitbit/");
    let mut before: Vec<File<'_>> = before.iter().map(|(name, content)| (name.as_str(), *content)).collect();
    before.reverse();
    assert_eq!(
        told(&before).0,
        lines,
        "whatever the folder is called and in whatever order the files lie"
    );
}

/// A part of the archive that nobody brought, or a table that the vendor left out.
#[test]
fn what_only_the_lists_have_of_a_time_between_two_tables_is_kept() {
    let table = |month: u32| format!("timestamp,steps,data source\n2026-{month:02}-10T05:00:00Z,60,Charge 6\n");
    let list = |month: u32| format!("[{{\"dateTime\":\"{month:02}/10/26 05:00:00\",\"value\":\"60\"}}]");
    let mut files: Vec<(String, String)> = Vec::new();
    for month in [6, 7, 8] {
        if month != 7 {
            let name = format!("Physical Activity_GoogleData/steps_2026-{month:02}-01.csv");
            files.push((format!("Takeout/Fitbit/{name}"), table(month)));
        }
        let name = format!("Global Export Data/steps-2026-{month:02}-01.json");
        files.push((format!("Takeout/Fitbit/{name}"), list(month)));
    }
    let files: Vec<File<'_>> = files
        .iter()
        .map(|(name, content)| (name.as_str(), content.as_str()))
        .collect();
    let (collected, reading) = read(&GoogleTakeout, &zip(&files));
    assert_eq!(
        (collected.samples().len(), reading.unwrap().accounting.duplicate),
        (3, 2)
    );
}

#[test]
fn both_products_of_one_archive_are_read() {
    let (lines, _) = told(&[
        ("Takeout/Fit/All Data/x.json", STREAM),
        ("Takeout/Fitbit/Physical Activity_GoogleData/weight.csv", WEIGHT),
        ("Takeout/Google Photos/holiday.json", "{\"title\":\"x\"}"),
    ]);
    assert_eq!(lines.len(), 2, "{lines:?}");
}

#[test]
fn a_day_s_number_stands_in_for_no_moment_and_a_row_that_is_no_text_ends_alone() {
    let files = [
        (
            "Takeout/Fitbit/Physical Activity_GoogleData/daily_heart_rate_variability.csv",
            "timestamp,average heart rate variability milliseconds\n2026-09-12T00:00:00Z,42.5\n",
        ),
        (
            "Takeout/Fitbit/Heart Rate Variability/Heart Rate Variability Details - 2026-09-12.csv",
            "timestamp,rmssd,coverage\n2026-09-12T01:00:00,31.5,0.9\n2026-09-12T01:05:00,X,0.9\n2026-09-12T01:10:00,33,0.9\n",
        ),
    ];
    let mut bytes = zip(&files[..1]);
    assert_eq!(read(&GoogleTakeout, &bytes).0.samples().len(), 1);
    bytes = zip(&files);
    assert_eq!(read(&GoogleTakeout, &bytes).0.samples().len(), 3);
    let table = b"timestamp,steps\n2026-09-12T05:00:00Z,60\n2026-09-12T05:\xff:00Z,60\n2026-09-12T05:02:00Z,61\n";
    let mut collected = Collected::default();
    let mut push = Push::new(&mut collected, UtcMillis::LATEST);
    let ended = tables::table(&mut push, table.as_slice(), "steps", &mut Twins::default());
    assert!(ended.is_ok());
    let reading = push.finish().unwrap();
    assert_eq!((reading.samples, reading.accounting.rejected), (2, 1));
}

#[test]
fn one_damaged_file_takes_nothing_from_the_others() {
    let files = [
        (
            "Takeout/Fitbit/Global Export Data/steps-2020-05-01.json",
            "[{\"dateTime\":\"05/01/20 03:00:00\",\"value\":\"15\"},{\"da",
        ),
        ("Takeout/Fitbit/Physical Activity_GoogleData/weight.csv", WEIGHT),
    ];
    let (collected, reading) = read(&GoogleTakeout, &zip(&files));
    let reading = reading.unwrap();
    assert_eq!(collected.samples().len(), 2);
    assert!(reading.ended.is_some() && reading.accounting.adds_up());
}

/// Each file stays below what one may unpack to; together they do not.
#[test]
fn many_small_bombs_are_refused_together() {
    let long = format!("\"{}\"", "a".repeat(2 << 20));
    let list = format!("[{}]", vec![long.as_str(); 20].join(","));
    let names: Vec<String> = (0..3)
        .map(|day| format!("Takeout/Fitbit/Global Export Data/steps-2020-05-0{day}.json"))
        .collect();
    let files: Vec<File<'_>> = names.iter().map(|name| (name.as_str(), list.as_str())).collect();
    let (_, reading) = read(&GoogleTakeout, &zip(&files));
    let reading = reading.unwrap();
    assert!(reading.ended.is_some());
    let damaged = (model::Outcome::Rejected, "file-damaged".to_owned());
    assert_eq!(
        reading.accounting.reasons.get(&damaged),
        Some(&1),
        "the last of them is not read to its end"
    );
}

#[test]
fn a_zip_of_something_else_is_not_ours() {
    let bytes = zip(&[("Takeout/Google Photos/holiday.json", "{\"title\":\"x\"}")]);
    let input = Input {
        bytes: &bytes.as_slice(),
        size: bytes.len() as u64,
    };
    assert!(!GoogleTakeout.recognises(&input));
    let mut sink = Collected::default();
    assert!(matches!(
        GoogleTakeout.read(&input, &mut sink),
        Err(AdapterError::NothingInside { .. })
    ));
}

#[test]
fn every_cut_of_an_archive_gives_an_answer() {
    let files = tracker("Takeout/Fitbit/");
    let files: Vec<File<'_>> = files.iter().map(|(name, content)| (name.as_str(), *content)).collect();
    let bytes = zip(&files);
    for cut in (0..bytes.len()).step_by(bytes.len() / 97) {
        let (collected, reading) = read(&GoogleTakeout, &bytes[..cut]);
        match reading {
            Ok(reading) => assert!(reading.accounting.adds_up()),
            Err(_) => assert!(collected.samples().is_empty()),
        }
    }
}

/// When each began, in hours since 2026-09-11T00:00:00Z, with its offset and who says so.
fn hours(files: &[File<'_>], home: &str) -> Vec<(i64, i16, model::OffsetTrust)> {
    let home = jiff::tz::TimeZone::get(home).unwrap();
    let (collected, _) = crate::harness::read_of(&GoogleTakeout, &zip(files), Some(home));
    let since = crate::push::instant("2026-09-11T00:00:00Z").unwrap().0.0;
    let samples = collected.samples().into_iter();
    let hour = |sample: &model::Sample| (sample.start.0 - since) / 3_600_000;
    samples
        .map(|sample| (hour(sample), sample.offset.minutes, sample.offset.trust))
        .collect()
}

#[test]
fn civil_times_of_an_archive_are_where_its_profile_says_else_where_its_person_lives() {
    use model::OffsetTrust::{Assumed, FromZone};
    let night = (
        "Takeout/Fitbit/Global Export Data/sleep-2026-09-01.json",
        r#"[{"logId":5,"dateOfSleep":"2026-09-12","startTime":"2026-09-11T23:00:00.000","endTime":"2026-09-12T06:30:00.000","levels":{"data":[]}}]"#,
    );
    assert_eq!(hours(&[night], "Asia/Tokyo"), [(14, 540, Assumed)]);
    assert_eq!(hours(&[night], "America/New_York"), [(27, -240, Assumed)]);
    // It stands behind what it is about.
    let profile = |zone: &str| format!("id,full_name,timezone,locale\nAB12CD,Nobody,{zone},en_US\n");
    let (new_york, none) = (profile("America/New_York"), profile("null"));
    let with = |profile| [night, ("Takeout/Fitbit/Your Profile/Profile.csv", profile)];
    assert_eq!(hours(&with(&new_york), "Asia/Tokyo"), [(27, -240, FromZone)]);
    assert_eq!(hours(&with(&none), "Asia/Tokyo"), [(14, 540, Assumed)]);
    // Nothing of a profile is kept.
    let (collected, reading) = read(&GoogleTakeout, &zip(&with(&new_york)));
    assert_eq!(reading.unwrap().accounting.received, 0);
    let kept = collected
        .pieces
        .iter()
        .any(|piece| matches!(piece, crate::Handed::NotStored(_)));
    assert!(!kept);
}
