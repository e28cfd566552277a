//! Holds a document, index or sum against the tables, and a document's results against what each item's are.

use model::checkup::items::{FOURTH_PERIOD, ROOT, answer_of, list_oid};
use model::checkup::{Item, Kind};

use super::rules::{DOCUMENT, Form, Rule, Times};
use crate::checkup::document::day;
use crate::checkup::tree::{Element, Tree};

/// Numbers of those insured (6.…), whether there must be one, and how each is written.
const OWN_NUMBERS: [(&str, bool, Form); 4] = [
    ("1.2.392.200119.6.101", true, Form::Like("########")),
    ("1.2.392.200119.6.204", false, Form::Text(20)),
    ("1.2.392.200119.6.205", true, Form::Text(20)),
    ("1.2.392.200119.6.211", false, Form::Like("##")),
];

/// Digits before and after the point, by how an item's code begins.
const DIGITS: [(&str, usize, usize); 22] = [
    ("9N001", 3, 1),
    ("9N006", 3, 1),
    ("9N011", 2, 1),
    ("9N016", 3, 1),
    ("9A751", 3, 0),
    ("9A752", 3, 0),
    ("9A761", 3, 0),
    ("9A762", 3, 0),
    ("3F015", 5, 0),
    ("3F070", 5, 0),
    ("3F077", 5, 0),
    ("3B035", 5, 0),
    ("3B045", 5, 0),
    ("3B090", 5, 0),
    ("3D010", 4, 0),
    ("3D046", 2, 1),
    ("3C015", 2, 2),
    ("3C020", 2, 1),
    ("8A065", 3, 1),
    ("2A040", 2, 1),
    ("2A030", 2, 1),
    ("2A020", 4, 0),
];

/// What every specific checkup has, by how the codes begin: of each line one.
const MUST: [&[&str]; 25] = [
    &["9N001"],
    &["9N006"],
    &["9N011"],
    &["9N016"],
    &["9N056"],
    &["9N061"],
    &["9N066"],
    &["9A751", "9A752", "9A755"],
    &["9A761", "9A762", "9A765"],
    &["9N141"],
    &["3F015"],
    &["3F070"],
    &["3F077", "3F069"],
    &["3B035"],
    &["3B045"],
    &["3B090"],
    &["3D010", "3D046"],
    &["1A020"],
    &["1A010"],
    &["9N501"],
    &["9N506"],
    &["9N511"],
    &["9N701"],
    &["9N706"],
    &["9N711"],
];

/// Items whose answers are of another list from fiscal 2024 on: that list.
const OF_FOURTH_PERIOD: [(&str, &str); 3] = [("9N736", "6.24060"), ("9N786", "6.24040"), ("9N791", "6.24050")];

/// Lists of before that no table of today's has: how often and how much somebody drinks.
const OF_THIRD_PERIOD: [(&str, &[&str]); 2] = [("6.2005", &["1", "2", "3"]), ("6.2006", &["1", "2", "3", "4"])];

/// The items by whose reason a battery is known: anaemia, ECG, fundus, creatinine.
const BATTERIES: [&str; 4] = [
    "2A020161001930149",
    "9A110161000000049",
    "9E100161000000049",
    "3C015161002399949",
];

impl Form {
    pub(super) fn fits(self, written: &str) -> bool {
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match self {
            Self::Is(known) => known.contains(&written),
            Self::Like(pattern) => {
                written.chars().count() == pattern.chars().count()
                    && written.chars().zip(pattern.chars()).all(|(c, as_in)| match as_in {
                        '#' => c.is_ascii_digit(),
                        '$' => c.is_ascii_digit() || c.is_ascii_uppercase(),
                        _ => c == as_in,
                    })
            }
            Self::Day => written.len() == 8 && is_digits(written) && day(written).is_some(),
            Self::Number => {
                let number = written.strip_prefix('-').unwrap_or(written);
                number.split('.').count() <= 2 && number.split('.').all(is_digits)
            }
            Self::Count => is_digits(written) && written.len() <= 8,
            Self::Oid => written.contains('.') && written.split('.').all(is_digits),
            Self::Text(most) => !written.is_empty() && written.chars().count() <= most,
            Self::Katakana => {
                !written.is_empty() && written.chars().all(|c| matches!(c, 'ァ'..='ヶ' | 'ー' | '・' | '　'))
            }
        }
    }
}

/// What is wrong with a text that should have this root.
pub(super) fn faults(text: &str, rules: &'static [&'static [Rule]], root: &str) -> Vec<String> {
    let Ok(tree) = Tree::read(text) else {
        return vec!["it is no XML".to_owned()];
    };
    let mut faults = Vec::new();
    if !text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>") {
        faults.push("no declaration of its encoding".to_owned());
    }
    // Trees know no prefixes: this one says whose `type` it is.
    if text.contains(" type=") {
        faults.push("type without its prefix".to_owned());
    }
    if tree.root().name() != root {
        faults.push(format!("its root is {}", tree.root().name()));
    }
    hold(tree.root(), root, rules, root, &mut faults);
    if root == "ClinicalDocument" {
        say_what_they_should(tree.root(), &mut faults);
    }
    faults
}

/// What is wrong with a document.
pub(super) fn faults_of_document(text: &str) -> Vec<String> {
    faults(text, DOCUMENT, "ClinicalDocument")
}

/// Holds an element and all in it against their rules.
fn hold(element: Element<'_>, name: &str, rules: &'static [&'static [Rule]], path: &str, faults: &mut Vec<String>) {
    let name = match name {
        "observation" if element.at(&["code"], "nullFlavor").is_some() => "battery",
        "observation" => "result",
        "value" => match (element.attribute("type"), element.attribute("nullFlavor")) {
            (Some("PQ"), Some(_)) => "value unknown",
            (Some("PQ"), None) => "value PQ",
            (Some("CD" | "CO"), _) => "value CD",
            _ => "value ST",
        },
        name => name,
    };
    let rule = rules.iter().copied().flatten().find(|rule| rule.name == name);
    let rule = rule.unwrap_or_else(|| panic!("no rule {name}"));
    for (attribute, is_needed, form) in rule.attributes {
        match element.attribute(attribute) {
            Some(written) if !form.fits(written) => faults.push(format!("{path}/@{attribute} {written}")),
            None if *is_needed => faults.push(format!("{path}/@{attribute} is missing")),
            _ => {}
        }
    }
    for (attribute, _) in element.attributes() {
        if !rule.attributes.iter().any(|(known, ..)| known == attribute) {
            faults.push(format!("{path}/@{attribute} is not known"));
        }
    }
    if !rule
        .text
        .map_or(element.text().is_empty(), |form| form.fits(element.text()))
    {
        faults.push(format!("{path} says {:?}", element.text()));
    }
    let mut children = element.children().peekable();
    for (child, of, times) in rule.children {
        let mut count = 0;
        while let Some(next) = children.next_if(|next| next.name() == *child) {
            count += 1;
            hold(next, of, rules, &format!("{path}/{child}"), faults);
        }
        let (least, most) = match times {
            Times::Once => (1, 1),
            Times::Maybe => (0, 1),
            Times::Many => (1, usize::MAX),
            Times::From(least, most) => (*least, *most),
        };
        if !(least..=most).contains(&count) {
            faults.push(format!("{path}/{child} stands {count} times"));
        }
    }
    if let Some(next) = children.next() {
        faults.push(format!("{path}/{} is out of its place", next.name()));
    }
}

/// Holds what a document says against itself, and against the tables of items and answers.
fn say_what_they_should(root: Element<'_>, faults: &mut Vec<String>) {
    let mut own = OWN_NUMBERS.iter();
    let role = root.find(&["recordTarget", "patientRole"]);
    let ids = role.into_iter().flat_map(|role| role.named("id"));
    let ids: Vec<_> = ids
        .map(|id| (id.attribute("root"), id.attribute("extension")))
        .collect();
    for (root, extension) in &ids {
        // Each once, in this order.
        match own.find(|(known, ..)| Some(*known) == *root) {
            Some((_, _, form)) if extension.is_some_and(|written| form.fits(written)) => {}
            _ => faults.push(format!("number {root:?} {extension:?}")),
        }
    }
    for (known, ..) in OWN_NUMBERS.iter().filter(|(_, is_needed, _)| *is_needed) {
        if !ids.iter().any(|(root, _)| *root == Some(*known)) {
            faults.push(format!("number {known} is missing"));
        }
    }
    let written = root.at(&["effectiveTime"], "value").and_then(day);
    let event = root.find(&["documentationOf", "serviceEvent"]);
    let took_place = event.and_then(|event| day(event.at(&["effectiveTime"], "value")?));
    if took_place > written {
        faults.push("it was written before the checkup".to_owned());
    }
    let mut codes = Vec::new();
    results(root, None, &mut |observation, relation| {
        let code = observation.at(&["code"], "code").unwrap_or_default();
        codes.push(code.to_owned());
        match (Item::from_code(code), took_place) {
            (Some(item), Some(day)) => faults.extend(faults_of_result(observation, item, day, relation)),
            (None, _) => faults.push(format!("item {code}")),
            _ => {}
        }
    });
    for group in MUST {
        if !group
            .iter()
            .any(|begin| codes.iter().any(|code| code.starts_with(begin)))
        {
            faults.push(format!("none of {group:?}"));
        }
    }
}

/// Hands on each result, and how it is related to its battery if it is in one.
fn results<'t>(element: Element<'t>, relation: Option<&'t str>, each: &mut dyn FnMut(Element<'t>, Option<&'t str>)) {
    for child in element.children() {
        let relation = match child.name() {
            "entryRelationship" => child.attribute("typeCode"),
            _ => relation,
        };
        if child.name() == "observation" && child.at(&["code"], "code").is_some() {
            each(child, relation);
        }
        results(child, relation, each);
    }
}

fn faults_of_result(
    observation: Element<'_>,
    item: Item,
    took_place: model::LocalDay,
    relation: Option<&str>,
) -> Vec<String> {
    let row = item.row();
    let mut faults = Vec::new();
    let mut unless = |holds: bool, what: &str| {
        if !holds {
            faults.push(format!("{} {what}", row.code));
        }
    };
    let battery = Item::all().find(|reason| row.parent != 0 && reason.row().number == row.parent);
    unless(
        battery.is_none_or(|battery| BATTERIES.contains(&battery.row().code)),
        "is of no battery that there is",
    );
    let expected = battery.map(|_| if row.is_reason { "RSON" } else { "COMP" });
    unless(relation == expected, "is related otherwise to its battery");
    let has_doctor = observation.find(&["author"]).is_some();
    unless(!has_doctor || row.author != 0, "has a doctor");
    unless(row.code[..5] != *"9N511" || has_doctor, "has no doctor");
    let method = observation.at(&["methodCode"], "code").unwrap_or_default();
    unless(method == row.method, "is by another method");
    let values: Vec<Element<'_>> = observation.named("value").collect();
    let is_negated = observation.attribute("negationInd") == Some("true");
    unless(is_negated == values.is_empty(), "is not done, and found");
    let is_limit = |value: &Element<'_>| value.attribute("codeSystem") == Some("2.16.840.1.113883.5.83");
    unless(
        values.len() < 2 || (is_limit(&values[0]) && matches!(values[0].attribute("code"), Some("H" | "L"))),
        "has two values",
    );
    let Some(value) = values.last() else { return faults };
    let kind = match row.kind {
        Kind::Quantity => "PQ",
        Kind::Ordered => "CO",
        Kind::Coded => "CD",
        Kind::Text => "ST",
    };
    let is_unknown = value.attribute("nullFlavor").is_some();
    unless(
        is_unknown || value.attribute("type") == Some(kind),
        "is of another type",
    );
    if let (Some(number), false) = (value.attribute("value"), is_unknown) {
        let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
        let digits = DIGITS.iter().find(|(begin, ..)| row.code.starts_with(begin));
        let fits = digits.is_some_and(|(_, most, point)| whole.len() <= *most && decimals.len() == *point);
        unless(fits, &format!("has other digits: {number}"));
        let unit = if row.unit.is_empty() { "1" } else { row.unit };
        unless(value.attribute("unit") == Some(unit), "is in another unit");
    }
    if let (Some(list), Some(code)) = (value.attribute("codeSystem"), value.attribute("code")) {
        unless(list == list_oid(item.list_on(took_place)), "is of another list");
        let is_answer = match OF_THIRD_PERIOD
            .iter()
            .find(|(of, _)| list.strip_prefix(ROOT) == Some(of))
        {
            Some((_, answers)) => answers.contains(&code),
            None => answer_of(list, code).is_some(),
        };
        unless(is_answer, &format!("has no answer {code}"));
        let newer = OF_FOURTH_PERIOD.iter().find(|(begin, _)| row.code.starts_with(begin));
        let is_newer = newer.is_some_and(|(_, of)| list.strip_prefix(ROOT) == Some(of));
        unless(
            newer.is_none() || is_newer == (took_place >= FOURTH_PERIOD),
            "is of the list of another period",
        );
    }
    faults
}
