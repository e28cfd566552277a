//! The 15 questions that are asked of people of 75 and over.

use super::*;

/// The questions in their own words, a column each: one person by codes in wide digits, one in words, one with answers that are none, and
/// one without a day.
const QUESTIONNAIRE: &str = include_str!("../elderly-questionnaire.csv");

fn questionnaire() -> Columns {
    Columns::parse(Columns::shipped("elderly-questionnaire").unwrap()).unwrap()
}

#[test]
fn all_fifteen_answers_of_the_elderly_are_taken_by_words_and_by_codes() {
    let (cp932, _, is_lost) = encoding_rs::SHIFT_JIS.encode(QUESTIONNAIRE);
    assert!(!is_lost);
    let (entries, sum) = taken(&questionnaire(), QUESTIONNAIRE.as_bytes());
    let (of_cp932, other) = taken(&questionnaire(), &cp932);
    let sum = sum.unwrap();
    assert_eq!((&entries, &sum), (&of_cp932, other.as_ref().unwrap()));
    assert_eq!((sum.lines, sum.documents, sum.without_checkup), (4, 4, 1));
    insta::assert_snapshot!(told(&sum));
    let answers = |entry: &PackageEntry| -> Vec<String> {
        let checkup = entry.checkup.as_ref().unwrap();
        assert_eq!(checkup.event(), model::Metric::CHECKUP_OTHER);
        let findings = checkup.findings.iter().map(|finding| match &finding.result {
            Found::Answer(list, code) => {
                let item = finding.item.row().code;
                format!("{} {} {code}", &item[..5], list.rsplit('.').next().unwrap())
            }
            other => panic!("{other:?}"),
        });
        findings.collect()
    };
    let first = answers(&entries[0]);
    assert_eq!(
        (first.len(), first[0].as_str(), first[14].as_str()),
        (15, "9N932 19010 1", "9N946 19150 1")
    );
    for (place, answer) in answers(&entries[1]).iter().enumerate() {
        let (code, list) = (932 + place, 19_010 + place * 10);
        assert!(answer.starts_with(&format!("9N{code} {list} ")), "{answer}");
    }
    let codes: String = answers(&entries[1])
        .iter()
        .map(|answer| &answer[answer.len() - 1..])
        .collect();
    assert_eq!(codes, "421212122123212");
    assert_eq!(answers(&entries[2]).len(), 12);
    let reasons =
        |entry: &PackageEntry| -> Vec<String> { entry.left_out.iter().map(|left| left.reason.clone()).collect() };
    assert_eq!(reasons(&entries[1]), ["columns-without-item"], "kept with the line");
    assert_eq!(reasons(&entries[2]), ["no-such-answer", "no-such-answer"]);
    assert_eq!(
        (entries[3].checkup.is_none(), reasons(&entries[3])),
        (true, vec!["not-a-day".to_owned()])
    );
    let subject = &entries[0].checkup.as_ref().unwrap().subject;
    assert_eq!(
        (
            subject.number.as_str(),
            subject.birth.unwrap().to_string().as_str(),
            subject.sex
        ),
        ("01234567", "1940-02-03", Some(2))
    );
}

#[test]
fn the_questions_of_the_elderly_are_found_by_number_and_as_the_vocabulary_has_them() {
    let (names, people) = QUESTIONNAIRE.split_once('\n').unwrap();
    let names: Vec<&str> = names.split(',').collect();
    let table = |name: &dyn Fn(usize) -> String| {
        let renamed = (0..names.len()).map(|place| match place {
            6..21 => name(place - 5),
            _ => names[place].to_owned(),
        });
        format!("{}\n{people}", renamed.collect::<Vec<_>>().join(","))
    };
    let findings = |text: &str| -> Vec<_> {
        let (entries, sum) = taken(&questionnaire(), text.as_bytes());
        sum.unwrap();
        entries
            .into_iter()
            .map(|entry| entry.checkup.map(|checkup| checkup.findings))
            .collect()
    };
    let own = findings(QUESTIONNAIRE);
    let vocabulary = |number: usize| {
        let item = Item::from_code(&format!("9N{}000000000011", 931 + number)).unwrap();
        item.row().name_ja.to_owned()
    };
    for name in [
        &vocabulary as &dyn Fn(usize) -> String,
        &|number| format!("質問{number}"),
        &|number| format!("Ｑ{number}"),
    ] {
        assert_eq!(findings(&table(name)), own);
    }
    let (_, without) = taken(&questionnaire(), table(&|number| format!("列{number}")).as_bytes());
    let error = problem(without);
    assert!(
        error.contains("no column of it is called あなたの現在の健康状態はいかがですか（後期） or ")
            && error.contains("質問1"),
        "{error}"
    );
}
