//! Made-up checkups, written in the electronic form: for the demo, tests and benchmarks. Nobody's, and the same for the same seed.

mod package;

pub use package::write_package;

use std::fmt::Write as _;

use model::checkup::doubt::explained;
use model::checkup::items::{FOURTH_PERIOD, ROOT, list_oid};
use model::checkup::{Checkup, Finding, Found, Item, Kind, Organisation, Range, Subject, Told};
use model::environment::{Randomness as _, SeededRandomness};
use model::{Decimal, LocalDay};
use quick_xml::escape::escape;

/// A checkup as a document of the electronic form (hc08).
pub fn document(checkup: &Checkup) -> String {
    let mut out = String::with_capacity(48 * 1024);
    header(&mut out, checkup);
    out.push_str("<component><structuredBody><component><section><code code=\"01010\" codeSystem=\"1.2.392.200119.6.1010\"/><title>検査・問診結果</title><text><list><item>詳細は各項目を参照</item></list></text>\n");
    let mut written = vec![false; checkup.findings.len()];
    for (place, finding) in checkup.findings.iter().enumerate() {
        if written[place] {
            continue;
        }
        let parent = finding.item.row().parent;
        out.push_str("<entry>");
        if parent == 0 {
            observation(&mut out, finding);
        } else {
            // What belongs to one battery lies in one observation without a code.
            out.push_str("<observation classCode=\"OBS\" moodCode=\"EVN\"><code nullFlavor=\"NA\"/>");
            for (place, of_battery) in checkup.findings.iter().enumerate() {
                if of_battery.item.row().parent == parent && !written[place] {
                    let relation = if of_battery.item.row().is_reason {
                        "RSON"
                    } else {
                        "COMP"
                    };
                    let _ = write!(out, "<entryRelationship typeCode=\"{relation}\">");
                    observation(&mut out, of_battery);
                    out.push_str("</entryRelationship>");
                    written[place] = true;
                }
            }
            out.push_str("</observation>");
        }
        out.push_str("</entry>\n");
    }
    out.push_str("</section></component></structuredBody></component></ClinicalDocument>\n");
    out
}

fn header(out: &mut String, checkup: &Checkup) {
    let date = |day: LocalDay| {
        let (year, month, day) = day.ymd();
        format!("{year:04}{month:02}{day:02}")
    };
    let subject = &checkup.subject;
    let _ = write!(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ClinicalDocument xmlns=\"urn:hl7-org:v3\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><typeId root=\"2.16.840.1.113883.1.3\" \
         extension=\"POCD_HD000040\"/><id nullFlavor=\"NI\"/><code code=\"{}\" codeSystem=\"1.2.392.200119.6.1001\"/>\
         <effectiveTime value=\"{}\"/><confidentialityCode code=\"N\" codeSystem=\"2.16.840.1.113883.5.25\"/>\n\
         <recordTarget><patientRole>",
        escape(checkup.report.as_str()),
        date(checkup.written),
    );
    for (of, number) in [
        ("6.101", &subject.insurer),
        ("6.204", &subject.symbol),
        ("6.205", &subject.number),
        ("6.211", &subject.branch),
    ] {
        if !number.is_empty() {
            let _ = write!(
                out,
                "<id root=\"{ROOT}{of}\" extension=\"{}\"/>",
                escape(number.as_str())
            );
        }
    }
    let _ = write!(
        out,
        "<addr>{}<postalCode>{}</postalCode></addr><patient><name>{}</name>",
        escape(subject.address.as_str()),
        escape(subject.postal_code.as_str()),
        escape(subject.name.as_str()),
    );
    if let Some(sex) = subject.sex {
        let _ = write!(
            out,
            "<administrativeGenderCode code=\"{sex}\" codeSystem=\"1.2.392.200119.6.1104\"/>"
        );
    }
    if let Some(birth) = subject.birth {
        let _ = write!(out, "<birthTime value=\"{}\"/>", date(birth));
    }
    out.push_str("</patient></patientRole></recordTarget>\n<author>");
    let _ = write!(out, "<time value=\"{}\"/><assignedAuthor>", date(checkup.written));
    organisation(out, &checkup.author);
    out.push_str("</assignedAuthor></author><custodian><assignedCustodian><representedCustodianOrganization><id nullFlavor=\"NI\"/></representedCustodianOrganization></assignedCustodian></custodian>\n");
    let _ = write!(
        out,
        "<documentationOf><serviceEvent><code code=\"{}\" codeSystem=\"1.2.392.200119.6.1002\"/><effectiveTime value=\"{}\"/>\
         <performer typeCode=\"PRF\"><assignedEntity>",
        escape(checkup.programme.as_str()),
        date(checkup.day),
    );
    organisation(out, &checkup.facility);
    out.push_str("</assignedEntity></performer></serviceEvent></documentationOf>\n");
}

fn organisation(out: &mut String, organisation: &Organisation) {
    let _ = write!(
        out,
        "<id nullFlavor=\"NI\"/><representedOrganization><id root=\"{ROOT}6.102\" extension=\"{}\"/><name>{}</name></representedOrganization>",
        escape(organisation.number.as_str()),
        escape(organisation.name.as_str()),
    );
}

fn observation(out: &mut String, finding: &Finding) {
    let row = finding.item.row();
    let negated = matches!(finding.result, Found::NotPerformed);
    let _ = write!(
        out,
        "<observation classCode=\"OBS\" moodCode=\"EVN\" negationInd=\"{negated}\"><code code=\"{}\" displayName=\"{}\"/>",
        row.code,
        escape(row.name_ja),
    );
    if let Some(day) = finding.day {
        let (year, month, day) = day.ymd();
        let _ = write!(out, "<effectiveTime value=\"{year:04}{month:02}{day:02}\"/>");
    }
    let limit = |out: &mut String, side: &str, number: &Decimal, unit: &str| {
        let _ = write!(
            out,
            "<value xsi:type=\"CD\" code=\"{side}\" codeSystem=\"2.16.840.1.113883.5.83\"/>\
             <value xsi:type=\"PQ\" value=\"{number}\" unit=\"{}\"/>",
            escape(unit)
        );
    };
    let kind = if row.kind == Kind::Ordered { "CO" } else { "CD" };
    match &finding.result {
        Found::Quantity(number, unit) => {
            let _ = write!(
                out,
                "<value xsi:type=\"PQ\" value=\"{number}\" unit=\"{}\"/>",
                escape(if unit.is_empty() { "1" } else { unit })
            );
        }
        Found::AtLeast(number, unit) => limit(out, "H", number, unit),
        Found::AtMost(number, unit) => limit(out, "L", number, unit),
        Found::Answer(list, code) => {
            let _ = write!(
                out,
                "<value xsi:type=\"{kind}\" code=\"{}\" codeSystem=\"{}\"/>",
                escape(code.as_str()),
                escape(list.as_str())
            );
        }
        Found::Text(text) => {
            let _ = write!(out, "<value xsi:type=\"ST\">{}</value>", escape(text.as_str()));
        }
        Found::NotMeasurable => out.push_str("<value xsi:type=\"PQ\" nullFlavor=\"NI\"/>"),
        Found::NotPerformed => {}
    }
    if let Some(code) = finding.interpretation {
        let _ = write!(out, "<interpretationCode code=\"{code}\"/>");
    }
    if let Some(method) = &finding.method {
        let _ = write!(out, "<methodCode code=\"{}\"/>", escape(method.as_str()));
    }
    if let Some(doctor) = &finding.doctor {
        let _ = write!(
            out,
            "<author><time nullFlavor=\"NI\"/><assignedAuthor><id nullFlavor=\"NI\"/><assignedPerson><name>{}</name></assignedPerson></assignedAuthor></author>",
            escape(doctor.as_str())
        );
    }
    if let Some(range) = &finding.range {
        out.push_str("<referenceRange><observationRange moodCode=\"EVN.CRT\"><value xsi:type=\"IVL_PQ\">");
        for (name, bound) in [("low", &range.low), ("high", &range.high)] {
            if let Some((number, unit)) = bound {
                let _ = write!(out, "<{name} value=\"{number}\" unit=\"{}\"/>", escape(unit.as_str()));
            }
        }
        out.push_str("</value></observationRange></referenceRange>");
    }
    out.push_str("</observation>");
}

/// Somebody who does not exist, for checkups that make sense together.
#[derive(Clone, Debug)]
pub struct MadeUp {
    /// As documents name them.
    pub subject: Subject,
    seed: u64,
    height: f64,
    weight: f64,
    pressure: f64,
    smokes: bool,
}

/// Reads a column of the made-up numbers: one pure function a seed, so that years go together.
fn part(seed: u64, salt: u64) -> f64 {
    let randomness = SeededRandomness::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(salt));
    let mut bytes = [0; 8];
    randomness.fill(&mut bytes);
    (u64::from_le_bytes(bytes) >> 11) as f64 / (1u64 << 53) as f64
}

impl MadeUp {
    /// The person of a number.
    pub fn of(seed: u64) -> Self {
        let share = |salt| part(seed, salt);
        let sex = if share(1) < 0.5 { 1 } else { 2 };
        let birth = LocalDay::parse("1950-01-01").map_or(LocalDay(0), |day| day.plus((share(2) * 9_000.0) as i32));
        const NAMES: [&str; 8] = ["ア", "キ", "サ", "タ", "ナ", "ハ", "マ", "ヤ"];
        let name = |salt| NAMES[(share(salt) * 8.0) as usize % 8];
        let height = if sex == 1 { 160.0 } else { 148.0 } + share(3) * 18.0;
        Self {
            subject: Subject {
                insurer: "00139999".to_owned(),
                symbol: "見本".to_owned(),
                number: format!("{:07}", seed % 10_000_000),
                branch: format!("{:02}", 1 + seed % 3),
                name: format!("ミホン{}{}タ{}", name(4), name(5), name(6)),
                birth: Some(birth),
                sex: Some(sex),
                postal_code: "999-9999".to_owned(),
                address: "架空市見本町一丁目".to_owned(),
                care_number: String::new(),
                ticket: String::new(),
            },
            seed,
            height,
            weight: (height / 100.0).powi(2) * (19.0 + share(7) * 9.0),
            pressure: 108.0 + share(8) * 34.0,
            smokes: share(9) < 0.2,
        }
    }

    /// The same person under a name, birth day and sex that are given: of the demo's residents.
    #[must_use]
    pub fn known_as(mut self, name: &str, birth: Option<LocalDay>, sex: Option<u8>) -> Self {
        name.clone_into(&mut self.subject.name);
        (self.subject.birth, self.subject.sex) = (birth, sex);
        self
    }

    /// Their checkup of a fiscal year.
    pub fn checkup(&self, fiscal_year: i32) -> Checkup {
        let share = |salt: u64| {
            part(
                self.seed,
                salt.wrapping_add(u64::from(fiscal_year.unsigned_abs()) << 16),
            )
        };
        let first = LocalDay::parse(&format!("{fiscal_year}-05-01")).unwrap_or(LocalDay(0));
        let day = first.plus((share(10) * 240.0) as i32);
        let mut findings = Findings { day, made: Vec::new() };
        self.body(&mut findings, &share, f64::from(fiscal_year - 2015));
        self.blood(&mut findings, &share);
        self.answers(&mut findings, &share);
        let facility = Organisation {
            number: format!("13{:08}", 10_000_000 + self.seed % 40),
            name: "見本健診センター".to_owned(),
        };
        let mut checkup = Checkup {
            report: "10".to_owned(),
            programme: "010".to_owned(),
            day,
            written: day.plus(20),
            author: facility.clone(),
            facility,
            subject: self.subject.clone(),
            findings: findings.made,
            word: Told::Confirmed,
            deletes: String::new(),
            year_only: false,
        };
        for (item, judged) in explained(&checkup) {
            let of_item = |finding: &&mut Finding| finding.item.row().code == item;
            if let Some(finding) = checkup.findings.iter_mut().find(of_item)
                && let Found::Answer(_, judgement) = &mut finding.result
            {
                *judgement = judged.to_string();
            }
        }
        checkup
    }

    fn body(&self, findings: &mut Findings, share: &dyn Fn(u64) -> f64, years: f64) {
        let weight = self.weight + years * 0.25 + (share(20) - 0.5) * 2.0;
        let body_mass = weight / (self.height / 100.0).powi(2);
        findings.number("9N001000000000001", self.height, 1);
        findings.number("9N006000000000001", weight, 1);
        findings.number("9N011000000000001", body_mass, 1);
        findings.number("9N016160100000001", body_mass * 3.7, 1);
        for (code, value) in [
            ("9N056000000000011", "2"),
            ("9N061000000000011", "2"),
            ("9N066000000000011", "2"),
        ] {
            findings.answer(code, value);
        }
        let systolic = self.pressure + years * 0.6 + (share(21) - 0.5) * 10.0;
        findings.number("9A752000000000001", systolic - 3.0, 0);
        findings.number("9A751000000000001", systolic, 0);
        findings.number("9A762000000000001", systolic * 0.62, 0);
        findings.number("9A761000000000001", systolic * 0.63, 0);
    }

    fn blood(&self, findings: &mut Findings, share: &dyn Fn(u64) -> f64) {
        findings.answer("9N141000000000011", "2");
        let usual = |low: f64, high: f64, salt| low + share(salt) * (high - low);
        findings.laboratory("3F015000002327101", usual(55.0, 210.0, 30), 0, (30, 149));
        findings.laboratory("3F070000002327101", usual(42.0, 86.0, 31), 0, (40, 99));
        findings.laboratory("3F077000002327101", usual(78.0, 165.0, 32), 0, (60, 119));
        findings.laboratory("3B035000002327201", usual(14.0, 38.0, 33), 0, (0, 30));
        findings.laboratory("3B045000002327201", usual(9.0, 44.0, 34), 0, (0, 30));
        findings.laboratory("3B090000002327101", usual(12.0, 72.0, 35), 0, (0, 50));
        findings.laboratory("3D010000001927201", usual(84.0, 121.0, 36), 0, (70, 99));
        findings.laboratory("3D046000001920402", usual(5.1, 6.6, 37), 1, (4, 5));
        findings.laboratory("3C015000002327101", usual(0.52, 1.05, 38), 2, (0, 1));
        findings.laboratory("8A065000002391901", usual(58.0, 96.0, 39), 1, (60, 999));
        findings.laboratory("2A040000001930102", usual(37.0, 46.0, 40), 1, (35, 50));
        findings.laboratory("2A030000001930101", usual(12.1, 15.9, 41), 1, (12, 17));
        findings.laboratory("2A020000001930101", usual(390.0, 510.0, 42), 0, (376, 570));
        findings.text("2A020161001930149", "貧血の既往があり医師が必要と認めたため");
        findings.answer("1A020000000191111", "1");
        findings.answer("1A010000000191111", if share(43) < 0.1 { "2" } else { "1" });
        if share(44) < 0.05 {
            findings.found("3C020000002327101", Found::NotPerformed);
        } else {
            findings.laboratory("3C020000002327101", usual(3.4, 7.4, 45), 1, (2, 7));
        }
        findings.answer("9A110160700000011", "2");
        findings.text("9A110161000000049", "収縮期血圧が基準以上のため");
    }

    fn answers(&self, findings: &mut Findings, share: &dyn Fn(u64) -> f64) {
        let code = |number: u32| format!("9N{number}000000000011");
        for number in [701, 706, 711, 716, 721, 726, 731, 741, 746, 751, 756, 771, 781, 796] {
            let yes = share(u64::from(number)) < 0.3;
            findings.answer(&code(number), if yes { "1" } else { "2" });
        }
        let fourth = findings.day >= FOURTH_PERIOD;
        let smoking = match (self.smokes, fourth) {
            (true, _) => "1",
            (false, true) => "3",
            (false, false) => "2",
        };
        findings.answer(&code(736), smoking);
        findings.answer(&code(872), "1");
        findings.answer(&code(766), "2");
        findings.answer(&code(782), "2");
        findings.answer(&code(786), if fourth { "4" } else { "2" });
        findings.answer(&code(791), "1");
        findings.answer(&code(801), "2");
        findings.answer(
            if fourth {
                "9N808000000000011"
            } else {
                "9N806000000000011"
            },
            "2",
        );
        // What these two are is said once all values are there.
        findings.answer("9N501000000000011", "3");
        findings.answer("9N506000000000011", "3");
        findings.found("9N511000000000049", Found::Text("異常なし".to_owned()));
        if let Some(judgement) = findings.made.last_mut() {
            judgement.doctor = Some("見本医師".to_owned());
        }
    }
}

/// Results being made.
struct Findings {
    day: LocalDay,
    made: Vec<Finding>,
}

impl Findings {
    fn found(&mut self, code: &str, result: Found) {
        let Some(item) = Item::from_code(code) else { return };
        let method = Some(item.row().method).filter(|method| !method.is_empty());
        self.made.push(Finding {
            method: method.map(str::to_owned),
            ..Finding::new(item, result)
        });
    }

    fn number(&mut self, code: &str, value: f64, digits: u8) {
        let Some(item) = Item::from_code(code) else { return };
        let scaled = (value * 10f64.powi(i32::from(digits))).round() as i64;
        let unit = item.row().unit.to_owned();
        self.found(code, Found::Quantity(Decimal::new(scaled, digits), unit));
    }

    fn laboratory(&mut self, code: &str, value: f64, digits: u8, (low, high): (i64, i64)) {
        self.number(code, value, digits);
        let Some(made) = self.made.last_mut() else { return };
        let unit = made.item.row().unit;
        let bound = |bound: i64| Some((Decimal::whole(bound), unit.to_owned()));
        made.range = Some(Range {
            low: bound(low),
            high: bound(high),
        });
        made.interpretation = Some(match value {
            value if value < low as f64 => 'L',
            value if value > high as f64 => 'H',
            _ => 'N',
        });
    }

    fn answer(&mut self, code: &str, answer: &str) {
        let Some(item) = Item::from_code(code) else { return };
        let list = list_oid(item.list_on(self.day));
        self.found(code, Found::Answer(list, answer.to_owned()));
    }

    fn text(&mut self, code: &str, text: &str) {
        self.found(code, Found::Text(text.to_owned()));
    }
}
