//! Generates the vocabulary from the tables in `vocabulary/`. A mistake in a table stops the build with file and line.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The rows of a table as maps from column to cell, with their line.
fn table(name: &str) -> Vec<(String, BTreeMap<String, String>)> {
    let path = format!("vocabulary/{name}");
    println!("cargo:rerun-if-changed={path}");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut lines = text.lines();
    let header: Vec<&str> = lines
        .next()
        .unwrap_or_else(|| panic!("{path}: no header"))
        .split('\t')
        .collect();
    lines
        .enumerate()
        .map(|(index, line)| {
            let place = format!("{path}:{}", index + 2);
            let cells: Vec<&str> = line.split('\t').collect();
            assert!(
                cells.len() == header.len(),
                "{place}: {} cells, {} columns",
                cells.len(),
                header.len()
            );
            (
                place,
                header
                    .iter()
                    .map(ToString::to_string)
                    .zip(cells.iter().map(ToString::to_string))
                    .collect(),
            )
        })
        .collect()
}

fn words(cell: &str) -> Vec<&str> {
    cell.split(' ').filter(|word| !word.is_empty()).collect()
}

fn camel(key: &str) -> String {
    key.split('-')
        .map(|part| part[..1].to_uppercase() + &part[1..])
        .collect()
}

fn list_name(list: &str) -> String {
    format!("LIST_{}", list.replace('-', "_").to_uppercase())
}

fn decimal(place: &str, cell: &str) -> String {
    if cell.is_empty() {
        return "None".to_owned();
    }
    let (whole, fraction) = cell.split_once('.').unwrap_or((cell, ""));
    let mantissa: i64 = format!("{whole}{fraction}")
        .parse()
        .unwrap_or_else(|_| panic!("{place}: {cell} is no decimal"));
    format!("Some(Decimal::new({mantissa}, {}))", fraction.len())
}

fn text_or_none(cell: &str) -> String {
    if cell.is_empty() {
        "None".to_owned()
    } else {
        format!("Some({cell:?})")
    }
}

fn main() {
    let mut out = String::new();
    let mut lists: BTreeMap<String, String> = BTreeMap::new();
    for (place, row) in table("codes.tsv") {
        let number: u32 = row["number"].parse().unwrap_or_else(|_| panic!("{place}: number"));
        let also = if row["also_code"].is_empty() {
            "None".to_owned()
        } else {
            format!("Some(({:?}, {:?}))", row["also_system"], row["also_code"])
        };
        writeln!(
            lists.entry(row["list"].clone()).or_default(),
            "    CodeEntry {{ number: {number}, key: {:?}, name_en: {:?}, name_ja: {:?}, also: {also} }},",
            row["key"],
            row["name_en"],
            row["name_ja"],
        )
        .expect("memory");
    }
    for (list, entries) in &lists {
        writeln!(
            out,
            "/// Codes of the list `{list}`.\npub static {}: &[CodeEntry] = &[\n{entries}];",
            list_name(list)
        )
        .expect("memory");
    }
    let list = |place: &str, key: &str| {
        if key.is_empty() {
            return "&[]".to_owned();
        }
        assert!(lists.contains_key(key), "{place}: there is no list {key}");
        list_name(key)
    };
    let mut components: BTreeMap<String, String> = BTreeMap::new();
    for (place, row) in table("components.tsv") {
        writeln!(
            components.entry(row["metric"].clone()).or_default(),
            "    Component {{ key: {:?}, name_en: {:?}, name_ja: {:?}, unit: {:?}, unit_display: {:?}, loinc: {}, codes: {} }},",
            row["key"], row["name_en"], row["name_ja"], row["unit"], row["unit_display"], text_or_none(&row["loinc"]),
            list(&place, &row["list"]),
        )
        .expect("memory");
    }
    let mut rows = String::new();
    let mut constants = String::new();
    let mut by_key: BTreeMap<String, u16> = BTreeMap::new();
    for (index, (place, row)) in table("metrics.tsv").into_iter().enumerate() {
        let key = row["metric"].as_str();
        let number: u16 = row["number"].parse().unwrap_or_else(|_| panic!("{place}: number"));
        assert!(
            usize::from(number) == index + 1,
            "{place}: numbers are append-only and without gaps"
        );
        assert!(
            by_key.insert(key.to_owned(), number).is_none(),
            "{place}: {key} stands twice"
        );
        let shape = match row["shape"].as_str() {
            "quantity" => "Shape::Quantity".to_owned(),
            "components" => {
                let parts = components
                    .get(key)
                    .unwrap_or_else(|| panic!("{place}: {key} has no components"));
                writeln!(
                    out,
                    "static COMPONENTS_{}: &[Component] = &[\n{parts}];",
                    key.to_uppercase()
                )
                .expect("memory");
                format!("Shape::Components(COMPONENTS_{})", key.to_uppercase())
            }
            code => {
                let name = code
                    .strip_prefix("code:")
                    .unwrap_or_else(|| panic!("{place}: shape {code}"));
                format!("Shape::Code({})", list(&place, name))
            }
        };
        let codings: Vec<(&str, &str)> = words(&row["codings"])
            .into_iter()
            .map(|coding| {
                coding
                    .split_once('|')
                    .unwrap_or_else(|| panic!("{place}: coding {coding}"))
            })
            .collect();
        let temporal = match row["temporal"].as_str() {
            "instant" => "Instant",
            "interval" => "Interval",
            "daily-total" => "DailyTotal",
            other => panic!("{place}: temporal {other}"),
        };
        let yes = |cell: &str| match cell {
            "yes" => true,
            "no" => false,
            other => panic!("{place}: {other} is neither yes nor no"),
        };
        writeln!(
            rows,
            "    MetricRow {{ number: {number}, key: {key:?}, name_en: {:?}, name_ja: {:?}, shape: {shape}, unit: {:?}, \
             unit_display: {:?}, loinc: &{:?}, codings: &{codings:?}, fhir_category: {:?}, jp_category: {}, profiles: &{:?}, \
             temporal: Temporal::{temporal}, aggregation: Aggregation::{}, plausible_min: {}, plausible_max: {}, \
             reject_min: {}, reject_max: {}, jlac10: &{:?}, category: ConsentCategory::{}, sensitive: {}, special_care: {}, \
             confidentiality: {:?}, act_code: {} }},",
            row["name_en"], row["name_ja"], row["unit"], row["unit_display"], words(&row["loinc"]), row["fhir_category"],
            text_or_none(&row["jp_category"]), words(&row["profiles"]), camel(&row["aggregation"]),
            decimal(&place, &row["plausible_min"]), decimal(&place, &row["plausible_max"]),
            decimal(&place, &row["reject_min"]), decimal(&place, &row["reject_max"]), words(&row["jlac10"]),
            camel(&row["category"]), yes(&row["sensitive"]), yes(&row["special_care"]), row["confidentiality"],
            text_or_none(&row["act_code"]),
        )
        .expect("memory");
        writeln!(
            constants,
            "    /// {}.\n    pub const {}: Self = Self({number});",
            row["name_en"],
            key.to_uppercase()
        )
        .expect("memory");
    }
    for key in components.keys() {
        assert!(
            by_key.contains_key(key),
            "vocabulary/components.tsv: there is no metric {key}"
        );
    }
    writeln!(
        out,
        "/// All rows, by number.\npub static METRICS: &[MetricRow] = &[\n{rows}];"
    )
    .expect("memory");
    writeln!(out, "static BY_KEY: &[(&str, u16)] = &[").expect("memory");
    for (key, number) in &by_key {
        writeln!(out, "    ({key:?}, {number}),").expect("memory");
    }
    writeln!(out, "];\n\nimpl Metric {{\n{constants}}}").expect("memory");
    write("vocabulary.rs", &out);
    write("checkup.rs", &checkup_tables(&by_key));
}

fn write(name: &str, text: &str) {
    let folder = std::env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    std::fs::write(std::path::Path::new(&folder).join(name), text).expect("the build folder can be written");
}

/// The items of checkups, the lists of their answers, and their methods.
fn checkup_tables(metrics: &BTreeMap<String, u16>) -> String {
    let mut out = String::new();
    let mut by_code: BTreeMap<String, u16> = BTreeMap::new();
    let items = table("checkup-items.tsv");
    for (index, (place, row)) in items.iter().enumerate() {
        let number: u16 = row["number"].parse().unwrap_or_else(|_| panic!("{place}: number"));
        assert!(
            usize::from(number) == index + 1,
            "{place}: numbers are append-only and without gaps"
        );
        let code = &row["code"];
        assert!(
            by_code.insert(code.clone(), number).is_none(),
            "{place}: {code} stands twice"
        );
    }
    let named = |place: &str, code: &str| match code {
        "" => 0,
        code => *by_code
            .get(code)
            .unwrap_or_else(|| panic!("{place}: there is no item {code}")),
    };
    writeln!(out, "/// All items, by number.\npub static ITEMS: &[ItemRow] = &[").expect("memory");
    for (place, row) in &items {
        let kind = match row["kind"].as_str() {
            "PQ" => "Quantity",
            "CO" => "Ordered",
            "CD" => "Coded",
            "ST" => "Text",
            other => panic!("{place}: kind {other}"),
        };
        let metric = metrics
            .get(&row["metric"])
            .unwrap_or_else(|| panic!("{place}: there is no metric {}", row["metric"]));
        let guide = match row["guide"].as_str() {
            "" => "Checkup",
            "municipal" => "Municipal",
            "added" => "Added",
            other => panic!("{place}: guide {other}"),
        };
        let part = match row["part"].as_str() {
            "" => "None",
            "systolic" => "Some(0)",
            "diastolic" => "Some(1)",
            other => panic!("{place}: part {other}"),
        };
        writeln!(
            out,
            "    ItemRow {{ number: {}, code: {:?}, name_ja: {:?}, kind: Kind::{kind}, unit: {:?}, ucum: {:?}, \
             method: {:?}, list: {:?}, list_before: {:?}, list_of_screening: {:?}, guide: Guide::{guide}, category: {:?}, parent: {}, is_reason: {}, author: {}, \
             metric: {metric}, part: {part}, lowest: {}, highest: {} }},",
            row["number"],
            row["code"],
            row["name_ja"],
            row["unit"],
            row["ucum"],
            row["method"],
            row["list"],
            row["list_before"],
            row["list_of_screening"],
            row["category"],
            named(place, &row["parent"]),
            row["relation"] == "RSON",
            named(place, &row["author"]),
            decimal(place, &row["lowest"]),
            decimal(place, &row["highest"]),
        )
        .expect("memory");
    }
    writeln!(out, "];\nstatic BY_CODE: &[(&str, u16)] = &[").expect("memory");
    for (code, number) in &by_code {
        writeln!(out, "    ({code:?}, {number}),").expect("memory");
    }
    writeln!(
        out,
        "];\n/// Every answer: list, code, Japanese name; sorted.\npub static ANSWERS: &[(&str, &str, &str)] = &["
    )
    .expect("memory");
    let mut answers: Vec<_> = table("checkup-answers.tsv")
        .into_iter()
        .map(|(_, row)| (row["list"].clone(), row["code"].clone(), row["name_ja"].clone()))
        .collect();
    answers.sort();
    for (list, code, name) in &answers {
        writeln!(out, "    ({list:?}, {code:?}, {name:?}),").expect("memory");
    }
    writeln!(
        out,
        "];\n/// What people call items, in lower case and without spaces: name, item, and from which day of a checkup on it is meant (empty: always).\npub static NAMES: &[(&str, u16, &str)] = &["
    )
    .expect("memory");
    for (place, row) in table("checkup-names.tsv") {
        let item = named(&place, &row["code"]);
        writeln!(out, "    ({:?}, {item}, {:?}),", row["name"], row["since"]).expect("memory");
    }
    writeln!(
        out,
        "];\n/// Every method: code, item whose own name for it this is (0: that of the list), Japanese name; sorted.\nstatic METHODS: &[(&str, u16, &str)] = &["
    )
    .expect("memory");
    let mut methods: Vec<_> = table("checkup-methods.tsv")
        .into_iter()
        .map(|(place, row)| (row["code"].clone(), named(&place, &row["item"]), row["name_ja"].clone()))
        .collect();
    methods.sort();
    for (code, item, name) in &methods {
        writeln!(out, "    ({code:?}, {item}, {name:?}),").expect("memory");
    }
    writeln!(out, "];").expect("memory");
    out
}
