use super::*;
use crate::checkup::individual_number;
use model::LocalDay;
use model::checkup::Found;
use proptest::prelude::*;

const FILE: &str = "\u{feff}わたしの情報\r\n特定健診情報\r\n\r\n項目名,内容\r\n氏名,ミホン ハナコ\r\n生年月日,昭和35年2月29日\r\n性別,女性\r\n健診実施日,令和6年6月10日\r\n健診機関名,見本健診センター\r\n身長,１５２．０cm\r\n体重,52.3\r\n収縮期血圧,300mmHg以上\r\nＨＤＬコレステロール,61 mg/dL\r\n尿糖,(－)\r\n尿蛋白,±\r\n喫煙,以前は吸っていたが、最近1ヶ月間は吸っていない\r\n医師の診断（判定）,異常なし\r\n腹囲,未実施\r\n血清尿酸,高い\r\nめずらしい項目,1\r\n健診実施日,2025/06/11\r\n体重,53.0\r\n";

#[test]
fn pairs_of_names_and_values_are_checkups() {
    assert_eq!(recognise(FILE), Some(TableOf::Checkup));
    let table = read(FILE);
    let [first, second] = table.checkups.as_slice() else {
        panic!()
    };
    assert_eq!(
        (first.day.to_string(), second.day.to_string()),
        ("2024-06-10".into(), "2025-06-11".into())
    );
    assert_eq!(first.subject.birth, LocalDay::parse("1960-02-29"));
    assert_eq!(
        (first.subject.sex, first.facility.name.as_str()),
        (Some(2), "見本健診センター")
    );
    let told: Vec<String> = first
        .findings
        .iter()
        .map(|finding| format!("{} {:?}", finding.item.row().code, finding.result))
        .collect();
    assert_eq!(
        told,
        [
            "9N001000000000001 Quantity(Decimal { mantissa: 1520, scale: 1 }, \"cm\")",
            "9N006000000000001 Quantity(Decimal { mantissa: 523, scale: 1 }, \"kg\")",
            "9A755000000000001 AtLeast(Decimal { mantissa: 300, scale: 0 }, \"mmHg\")",
            "3F070000002399901 Quantity(Decimal { mantissa: 61, scale: 0 }, \"mg/dL\")",
            "1A020000000190111 Answer(\"1.2.392.200119.6.2102\", \"1\")",
            "1A010000000190111 Answer(\"1.2.392.200119.6.2102\", \"2\")",
            "9N736000000000011 Answer(\"1.2.392.200119.6.24060\", \"2\")",
            "9N511000000000049 Text(\"異常なし\")",
            "9N016160100000001 NotPerformed",
        ]
    );
    let left: Vec<(Outcome, &str, u64)> = table
        .left_out
        .iter()
        .map(|left| (left.outcome, left.reason.as_str(), left.line))
        .collect();
    assert_eq!(
        left,
        [
            (Outcome::Rejected, "not-a-number", 19),
            (Outcome::Unsupported, "line-without-item", 20)
        ]
    );
    assert_eq!(second.findings.len(), 1);
}

#[test]
fn results_before_any_day_wait_for_it_and_without_one_say_so() {
    let table = read("体重,52.3\n身長,152\n受診日,2025-06-10\n腹囲,80\n");
    assert_eq!((table.checkups.len(), table.checkups[0].findings.len()), (1, 3));
    let table = read("体重,52.3\n受診日,いつか\n");
    assert_eq!(table.checkups.len(), 0);
    let reasons: Vec<&str> = table.left_out.iter().map(|left| left.reason.as_str()).collect();
    assert_eq!(reasons, ["not-a-day", "no-exam-date"]);
}

const TWO: &str = "氏名,ミホン ハナコ\n生年月日,昭和35年2月29日\n性別,女\n記号,10\n番号,7\n受診日,2024-06-10\n体重,52\n\
                   氏名,ミホン タロウ\n生年月日,昭和33年1月1日\n性別,男\n記号,10\n番号,8\n受診日,2024-06-11\n体重,70\n";

/// The lines above the second day once told whose the first was.
#[test]
fn a_table_of_two_people_is_nobodys() {
    let lines: Vec<&str> = TWO.lines().collect();
    for differs in [7, 8, 9, 11] {
        let told = lines.iter().enumerate();
        let told = told.filter(|(place, _)| !(7..12).contains(place) || *place == differs);
        let table = read(&told.map(|(_, line)| format!("{line}\n")).collect::<String>());
        assert!(table.checkups.is_empty(), "{differs}");
        let [left] = table.left_out.as_slice() else { panic!() };
        assert_eq!(
            (left.outcome, left.reason.as_str(), left.text.as_str()),
            (Outcome::Rejected, "several-people", "")
        );
    }
}

#[test]
fn one_person_of_many_years_is_one_whatever_the_spelling_and_whoever_insures() {
    let table = read(
        "氏名,ミホン ハナコ\n生年月日,昭和35年2月29日\n性別,女\n保険者番号,139999\n番号,7\n受診日,2023-06-10\n体重,52\n\
         氏名,ﾐﾎﾝﾊﾅｺ\n生年月日,1960/02/29\n性別,2\n保険者番号,00139999\n番号,０７\n受診日,2024-06-10\n体重,53\n\
         保険者番号,06139999\n番号,1234\n受診日,2025-06-10\n体重,54\n",
    );
    assert!(table.left_out.is_empty(), "{:?}", table.left_out);
    let told = table.checkups.iter().map(|checkup| {
        let subject = &checkup.subject;
        assert_eq!((subject.birth, subject.sex), (LocalDay::parse("1960-02-29"), Some(2)));
        (subject.insurer.as_str(), subject.number.as_str())
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [("00139999", "7"), ("00139999", "07"), ("06139999", "1234")]
    );
}

#[test]
fn lines_about_a_checkup_are_of_the_day_that_they_stand_around() {
    let of = |text: &str| {
        let told = read(text).checkups.into_iter();
        let told = told.map(|checkup| {
            format!(
                "{} {} {}",
                checkup.programme, checkup.facility.number, checkup.facility.name
            )
        });
        told.collect::<Vec<_>>()
    };
    let above = "健診種別,特定健診\n健診機関番号,1311111111\n受診日,2024-06-10\n体重,52\n健診種別,事業者健診\n健診機関番号,1322222222\n受診日,2025-06-10\n体重,53\n";
    let told = ["010 1311111111 ", "030 1322222222 "];
    assert_eq!(of(above), told);
    let between = "受診日,2024-06-10\n健診種別,特定健診\n健診機関番号,1311111111\n体重,52\n受診日,2025-06-10\n健診種別,事業者健診\n健診機関番号,1322222222\n体重,53\n";
    assert_eq!(of(between), told);
    let below = "受診日,2024-06-10\n体重,52\n健診種別,特定健診\n健診機関番号,1311111111\n受診日,2025-06-10\n体重,53\n健診種別,事業者健診\n健診機関番号,1322222222\n";
    assert_eq!(of(below), told);
    let once = "健診機関番号,1311111111\n健診機関名,見本\n受診日,2024-06-10\n体重,52\n健診機関番号,1322222222\n受診日,2025-06-10\n体重,53\n受診日,2025-07-10\n体重,53\n";
    assert_eq!(
        of(once),
        ["010 1311111111 見本", "010 1322222222 ", "010 1311111111 見本"]
    );
}

/// They were once all one kind.
#[test]
fn a_screening_is_the_one_that_the_kind_of_checkup_names() {
    use model::Metric;
    for (kind, event, programme) in [
        ("肺がん検診", Metric::CHECKUP_LUNG_CANCER, "060"),
        ("肺 がん検診（一次）", Metric::CHECKUP_LUNG_CANCER, "060"),
        ("子宮頸がん検診", Metric::CHECKUP_CERVICAL_CANCER, "060"),
        ("肝炎ウイルス検診", Metric::CHECKUP_HEPATITIS, "090"),
        ("骨粗鬆症検診", Metric::CHECKUP_OSTEOPOROSIS, "990"),
        ("歯科検診", Metric::CHECKUP_DENTAL, "990"),
        // Which of two, nobody says.
        ("肺がん・胃がん検診", Metric::CHECKUP_CANCER, "060"),
        ("前立腺がん検診", Metric::CHECKUP_CANCER, "060"),
        ("特定健診・大腸がん検診", Metric::CHECKUP_SPECIFIC, "010"),
        ("人間ドック", Metric::CHECKUP_OTHER, "990"),
    ] {
        let table = read(&format!(
            "健診種別,肺がん検診\n健診種別,{kind}\n受診日,2024-06-10\n体重,52\n"
        ));
        let checkup = &table.checkups[0];
        assert_eq!(
            (checkup.event(), checkup.programme.as_str()),
            (event, programme),
            "{kind}"
        );
    }
    let of = |kind: &str| {
        let mut table = read(&format!(
            "健診種別,{kind}\n受診日,2024-06-10\n子宮頚部視診(所見の有無),1\n"
        ));
        table.checkups.remove(0).findings.remove(0).result
    };
    let answer = |list: &str| Found::Answer(model::checkup::items::list_oid(list), "1".to_owned());
    assert_eq!(of("子宮頸がん検診"), answer("100495.100.2050"));
    assert_eq!(of("特定健診"), answer("6.2002"));
}

/// Cells were once joined anew, without their quotation marks, and cut.
#[test]
fn lines_of_other_tables_are_kept_as_they_came() {
    let long = "あ".repeat(PIECE + 10);
    let text = format!("\u{feff}医療費通知\r\n\r\n名,\"1,000円\"\r\n\"二行\nある\",\"\"\"x\"\r\n{long},1\r\n,,\r\n");
    let kept = kept(&text, "notice of medical costs").left_out;
    let told: Vec<(u64, &str)> = kept.iter().map(|left| (left.line, left.text.as_str())).collect();
    assert_eq!(
        told,
        [
            (1, "医療費通知"),
            (3, "名,\"1,000円\""),
            (4, "\"二行\nある\",\"\"\"x\""),
            (6, &long[..PIECE * 3]),
            (6, &format!("{},1", &long[PIECE * 3..])),
        ]
    );
}

fn left_out(table: &Table) -> Vec<(u64, &str)> {
    table
        .left_out
        .iter()
        .map(|left| (left.line, left.reason.as_str()))
        .collect()
}

/// They were once lost without a word.
#[test]
fn a_third_cell_is_a_unit_or_counted_as_are_lines_of_one_cell() {
    let table = read(
        "健診結果\n検査,結果,単位\n受診日,2024-06-10,水\n赤血球数,4.50,10*6/uL\n血清尿酸,5.1,mg/dL,2.1-7.0,A\n体重,52,51\n中性脂肪,1.8,mmol/L\n\
         AST,20,A\n尿糖,-,mg/dL\n血液検査\n,80\n腹囲,,80\n身長,,\n,,\n",
    );
    let [checkup] = table.checkups.as_slice() else { panic!() };
    let told: Vec<String> = checkup
        .findings
        .iter()
        .map(|finding| match &finding.result {
            Found::Quantity(number, unit) => format!("{number} {unit}"),
            Found::Answer(_, code) => format!("answer {code}"),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        told,
        ["4.50 10*6/uL", "5.1 mg/dL", "52 kg", "1.8 mmol/L", "20 U/L", "answer 1"]
    );
    let mut left = left_out(&table);
    left.sort_unstable();
    assert_eq!(
        left,
        [
            (2, "line-without-item"),
            (3, "further-cells"),
            (5, "further-cells"),
            (6, "further-cells"),
            (8, "further-cells"),
            (9, "further-cells"),
            (10, "line-without-item"),
            (11, "line-without-item"),
            (12, "further-cells"),
        ]
    );
}

/// 1 was once taken, and the rest counted as a further cell.
#[test]
fn a_number_that_was_cut_at_its_comma_is_refused_and_says_what_to_do() {
    let read = |line: &str| {
        let mut table = read(&format!("受診日,2024-06-10\n{line}\n"));
        let left: Vec<String> = table.left_out.into_iter().map(|left| left.reason).collect();
        let findings = table.checkups.remove(0).findings;
        let found = findings.first().map(|finding| match &finding.result {
            Found::Quantity(number, unit) => format!("{number} {unit}"),
            other => panic!("{other:?}"),
        });
        (found, left)
    };
    for cut in [
        "中性脂肪,1,200",
        "中性脂肪,1,200.5",
        "中性脂肪,１,２００,mg/dL",
        "中性脂肪,1,200 mg/dL",
        "中性脂肪,>1,000",
        "中性脂肪,1,200 H",
        "総コレステロール,1,200",
        "赤血球数,4,500,000",
    ] {
        assert_eq!(read(cut), (None, vec![CUT.to_owned()]), "{cut}");
    }
    let further = || vec![FURTHER_CELLS.to_owned()];
    for (whole, found, left) in [
        ("中性脂肪,\"1,200\"", "1200 mg/dL", Vec::new()),
        ("中性脂肪,95,110", "95 mg/dL", further()),
        ("中性脂肪,0,110", "0 mg/dL", further()),
        ("中性脂肪,\"1,200\",150", "1200 mg/dL", further()),
        ("収縮期血圧,128,100-140", "128 mm[Hg]", further()),
        ("収縮期血圧,128,131", "128 mm[Hg]", further()),
        ("体重,52,051", "52 kg", further()),
        ("体重,52.5,110", "52.5 kg", further()),
        ("中性脂肪,1,20", "1 mg/dL", further()),
    ] {
        assert_eq!(read(whole), (Some(found.to_owned()), left), "{whole}");
    }
}

#[test]
fn a_facilitys_number_has_its_zeros_again() {
    let table = read("健診機関番号,110123456\n受診日,2024-06-10\n体重,52\n");
    assert_eq!(table.checkups[0].facility.number, "0110123456");
}

/// They were once taken for results of the day before.
#[test]
fn results_below_a_day_that_cannot_be_read_are_of_no_checkup() {
    let table = read("受診日,2024-06-10\n体重,52\n受診日,いつか\n体重,70\n");
    assert_eq!((table.checkups.len(), table.checkups[0].findings.len()), (1, 1));
    let reasons: Vec<&str> = table.left_out.iter().map(|left| left.reason.as_str()).collect();
    assert_eq!(reasons, ["not-a-day", "no-exam-date"]);
    let days = 2_000..2_101;
    let table = read(&days.map(|_| "受診日,2024-06-10\n体重,52\n").collect::<String>());
    assert!(table.checkups.iter().all(|checkup| checkup.findings.len() == 1));
    let reasons: Vec<&str> = table.left_out.iter().map(|left| left.reason.as_str()).collect();
    assert_eq!(
        (table.checkups.len(), reasons),
        (100, vec!["too-many-checkups", "no-exam-date"])
    );
}

#[test]
fn other_tables_are_told_apart() {
    assert_eq!(
        recognise("わたしの情報\n医療費通知情報\n\n項目名,内容\n診療年月,令和7年6月\n"),
        Some(TableOf::Own("notice of medical costs"))
    );
    for (title, word) in [
        ("薬剤情報", "list of medicines"),
        ("予防接種情報", "record of vaccinations"),
        ("乳幼児健診情報", "record of mother and child"),
        ("後発医薬品差額通知", "notice of generic medicines"),
    ] {
        let table = format!("わたしの情報\r\n{title}\r\n\r\n項目名,内容\r\n日付,令和7年6月1日\r\n");
        assert_eq!(recognise(&table), Some(TableOf::Own(word)), "{title}");
        assert_eq!(recognise(&table.replace(title, "世帯情報")), None);
    }
    // Its words within a table of results make it nothing else.
    let results = FILE.replacen("特定健診情報", "特定健診情報\n既往歴,予防接種", 1);
    assert_eq!(recognise(&results), Some(TableOf::Checkup));
    assert_eq!(
        recognise("IR,1,13,1,1234567,,,202506,00\nRE,1,1112,202506,見本,1,3350229\nHO,06139999,記号,番号\n"),
        Some(TableOf::Claims)
    );
    assert_eq!(recognise("体重,52\n身長,152\n"), None, "two names are too few");
    assert_eq!(recognise("date,steps\n2025-06-10,8000\n"), None);
}

#[test]
fn days_are_read_in_every_era() {
    for (written, expected) in [
        ("令和元年5月1日", Some("2019-05-01")),
        ("H31.4.30", Some("2019-04-30")),
        ("昭和３５年２月２９日", Some("1960-02-29")),
        ("20250610", Some("2025-06-10")),
        ("2025年6月10日", Some("2025-06-10")),
        ("令和7年2月30日", None),
        ("S1960.2.29", None),
        ("6月10日", None),
    ] {
        assert_eq!(
            day(written).map(|day| day.to_string()).as_deref(),
            expected,
            "{written}"
        );
    }
}

#[test]
fn a_column_of_individual_numbers_is_known_by_its_check_digits() {
    // The body, and the digit that passes.
    let passing = |body: u64| {
        let body = format!("{body:011}");
        (0..10)
            .map(|digit| format!("{body}{digit}"))
            .find(|number| individual_number::passes(number))
            .unwrap()
    };
    let column = |numbers: &[String]| {
        numbers.iter().fold("宛名番号,体重\n".to_owned(), |text, number| {
            format!("{text}{number},60\n")
        })
    };
    let all: Vec<String> = (0..20).map(|body| passing(12_345_678 + body * 977)).collect();
    assert!(matches!(refuse(&column(&all)), Err(AdapterError::IndividualNumber)));
    assert!(refuse(&column(&all[..5])).is_ok(), "a few prove nothing");
    let short = refuse(&column(&all[..6]));
    assert!(matches!(short, Err(AdapterError::IndividualNumber)), "all of a few do");
    let other = format!("{}{}", &all[8][..11], if all[8].ends_with('0') { '1' } else { '0' });
    let but_one = [&all[..8], &[other]].concat();
    assert!(refuse(&column(&but_one)).is_ok());
    // One in ten of all numbers passes: an office's that stands in each line is one number.
    assert!(refuse(&column(&vec![all[0].clone(); 40])).is_ok());
    assert!(refuse(&column(&[&all[..3]; 40].concat())).is_ok());
    let mixed: Vec<String> = (0..20u64)
        .map(|number| format!("{:012}", 100_000_000_000 + number * 13))
        .collect();
    assert!(refuse(&column(&mixed)).is_ok());
    assert!(matches!(
        refuse("項目名,内容\nマイナンバー,1\n"),
        Err(AdapterError::IndividualNumber)
    ));
    assert!(refuse("国保個人番号,1\nKDB個人番号,2\n住民番号,3\n").is_ok());
}

proptest! {
    #[test]
    fn no_text_panics(text in "(.{0,12},.{0,12}\n){0,20}") {
        let _ = recognise(&text);
        let _ = refuse(&text);
        let _ = read(&text);
    }
}
