//! Generates the vocabulary from `vocabulary/metrics.tsv`.
use std::fmt::Write as _;

fn main() {
    println!("cargo:rerun-if-changed=vocabulary");
    let text = std::fs::read_to_string("vocabulary/metrics.tsv").expect("vocabulary/metrics.tsv");
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().expect("header").split('\t').collect();
    let column = |name: &str| {
        header
            .iter()
            .position(|h| *h == name)
            .unwrap_or_else(|| panic!("no column {name}"))
    };
    let mut rows = String::new();
    let mut consts = String::new();
    for line in lines {
        let cells: Vec<&str> = line.split('\t').collect();
        let cell = |name: &str| cells.get(column(name)).copied().unwrap_or("");
        let key = cell("metric");
        let category = match cell("consent_category") {
            "activity" => "Activity",
            "location" => "Routes",
            "sleep" => "Sleep",
            "body_measurements" => "Body",
            "vital_signs" | "hearing_environment" => "VitalSigns",
            "heart" => "Heart",
            "blood_glucose" => "Glucose",
            "checkup_results" => "Checkup",
            "checkup_infection" => "Infection",
            "medication" => "Medication",
            "lifestyle_questionnaire" | "symptoms" => "Questionnaire",
            "nutrition" => "Nutrition",
            "reproductive_health" => "Reproductive",
            "mental_wellbeing" => "Mental",
            other => panic!("{key}: {other}"),
        };
        let shape = match cell("value_kind") {
            "quantity" => "Shape::Quantity".to_owned(),
            "components" => "Shape::Components(&[])".to_owned(),
            _ => "Shape::Code(&[])".to_owned(),
        };
        let temporal = match cell("temporal") {
            "instant" => "Instant",
            "interval" => "Interval",
            _ => "DailyTotal",
        };
        let aggregation = match cell("aggregation") {
            "sum" => "Sum",
            "mean" => "Mean",
            _ => "Last",
        };
        let loinc: Vec<&str> = cell("loinc")
            .split("; ")
            .filter_map(|c| c.split([' ', '(']).next())
            .filter(|c| !c.is_empty())
            .collect();
        let jlac: Vec<&str> = cell("jlac10").split(' ').filter(|c| !c.is_empty()).collect();
        let profiles: Vec<&str> = cell("profile").split(' ').filter(|c| c.starts_with("http")).collect();
        writeln!(rows, "MetricRow {{ number: {}, key: {key:?}, name_en: {:?}, name_ja: {:?}, shape: {shape}, unit: {:?}, unit_display: {:?}, loinc: &{loinc:?}, codings: &[], fhir_category: {:?}, jp_category: None, profiles: &{profiles:?}, temporal: Temporal::{temporal}, aggregation: Aggregation::{aggregation}, plausible_min: None, plausible_max: None, jlac10: &{jlac:?}, category: ConsentCategory::{category}, sensitive: {}, special_care: {} }},",
            cell("number"), cell("display_en"), cell("display_ja"), cell("ucum_unit"), cell("ucum_unit"), cell("fhir_category"), cell("sensitive") == "yes", cell("appi_special_care") == "yes").expect("write");
        let name = key.to_uppercase();
        writeln!(
            consts,
            "/// `{key}`\npub const {name}: Self = Self({});",
            cell("number")
        )
        .expect("write");
    }
    let out = format!(
        "/// All rows, by number.\npub static METRICS: &[MetricRow] = &[\n{rows}];\n\nimpl Metric {{\n{consts}}}\n"
    );
    std::fs::write(
        std::path::Path::new(&std::env::var("OUT_DIR").expect("OUT_DIR")).join("vocabulary.rs"),
        out,
    )
    .expect("write");
}
