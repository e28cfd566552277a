use super::*;
use proptest::prelude::*;

fn day(text: &str) -> LocalDay {
    LocalDay::parse(text).expect("a day")
}

fn subject() -> Subject {
    Subject {
        insurer: "00139999".into(),
        symbol: "ＡＢ－０１".into(),
        number: "００１２３".into(),
        branch: "01".into(),
        name: "ミホン　キョウコ".into(),
        birth: Some(day("1960-02-29")),
        sex: Some(2),
        postal_code: "999-9999".into(),
        ..Subject::default()
    }
}

fn insured() -> Insured {
    Insured {
        subject: Subject {
            insurer: "139999".into(),
            symbol: "AB01".into(),
            number: "123".into(),
            branch: "1".into(),
            name: "ﾐﾎﾝｷｮｳｺ".into(),
            postal_code: "9999999".into(),
            ..subject()
        },
        gained: Some(day("2020-04-01")),
        lost: None,
        area: String::new(),
        residence: None,
        tickets: Vec::new(),
    }
}

/// What is said of who is known by another name than the record's.
const RENAMED: &str = "the name is another than the insurer's ledger has";

/// A list of results names nobody: of a household's number a twin who is not known could be meant.
#[test]
fn who_is_not_named_is_known_by_what_is_theirs_alone() {
    let with = |change: &dyn Fn(&mut Subject), known: &Insured| {
        let mut record = Subject {
            name: String::new(),
            branch: String::new(),
            ..subject()
        };
        change(&mut record);
        compare(&record, known, day("2025-06-10"))
    };
    let nothing = |_: &mut Subject| {};
    assert_eq!(with(&nothing, &insured()), Likeness::OneOfTwins);
    let branch = |record: &mut Subject| record.branch = "１".into();
    assert_eq!(with(&branch, &insured()), Likeness::Same(""));
    let named = |record: &mut Subject| record.name = "みほん きょうこ".into();
    assert_eq!(with(&named, &insured()), Likeness::Same(""));
    let with_tickets = |numbers: &[&str]| Insured {
        tickets: numbers
            .iter()
            .map(|number| Ticket {
                number: (*number).to_owned(),
                year: 2025,
                issued: None,
                until: day("2026-03-31"),
                is_void: false,
            })
            .collect(),
        ..insured()
    };
    let with_ticket = with_tickets(&["25123456789"]);
    let with_a_twins = with_tickets(&["25123456789", "25123456790"]);
    let ticket = |record: &mut Subject| record.ticket = "２５１２３４５６７８９".into();
    assert_eq!(with(&ticket, &with_ticket), Likeness::Same(""));
    let anothers = |record: &mut Subject| record.ticket = "25123456780".into();
    for (record, known) in [
        (&anothers as &dyn Fn(&mut Subject), &with_ticket),
        (&ticket, &insured()),
        (&ticket, &with_a_twins),
    ] {
        assert_eq!(with(record, known), Likeness::OneOfTwins);
    }
    let elderly = Insured {
        subject: Subject {
            insurer: "39131234".into(),
            ..insured().subject
        },
        ..insured()
    };
    let of_elderly = |record: &mut Subject| record.insurer = "39131234".into();
    assert_eq!(with(&of_elderly, &elderly), Likeness::Same(""));
}

#[test]
fn widths_zeros_spaces_and_small_kana_tell_nobody_apart() {
    assert_eq!(compare(&subject(), &insured(), day("2025-06-10")), Likeness::Same(""));
    assert_eq!(name("みほん きょうこ"), name("ミホンキヨウコ"));
    assert_eq!(name("髙﨑 邉"), name("高崎辺"));
    assert_eq!(name("𠮷冨 眞龍"), name("吉富真竜"));
    assert_eq!(name("田渕 槙曽"), name("田淵槇曾"));
    assert_eq!(name("葛\u{e0100}飾"), name("葛飾"));
    assert_eq!(name(&name("H\u{a8}")), name("H\u{a8}"));
    assert_eq!(name("ローラ"), name("ロ－ラ"));
    assert_eq!(number("００−１２３"), "123");
}

#[test]
fn who_differs_is_told_why() {
    let with = |change: &dyn Fn(&mut Subject)| {
        let mut subject = subject();
        change(&mut subject);
        compare(&subject, &insured(), day("2025-06-10"))
    };
    assert!(matches!(with(&|subject| subject.branch = "02".into()), Likeness::Other(why) if why.contains("twin")));
    let married = with(&|subject| subject.name = "タナカキョウコ".into());
    assert_eq!(married, Likeness::Same(RENAMED));
    assert!(matches!(
        with(&|subject| {
            subject.name = "タナカジロウ".into();
            subject.branch.clear();
        }),
        Likeness::Perhaps(_)
    ));
    assert!(matches!(with(&|subject| subject.sex = Some(1)), Likeness::Perhaps(_)));
    assert!(matches!(
        with(&|subject| {
            subject.sex = Some(1);
            subject.name = "タナカジロウ".into();
        }),
        Likeness::Perhaps(_)
    ));
    assert!(matches!(
        with(&|subject| subject.birth = Some(day("1961-02-28"))),
        Likeness::Other(_)
    ));
    assert!(
        matches!(with(&|subject| subject.number = "999".into()), Likeness::Perhaps(why) if why.contains("postal code"))
    );
    let before = compare(&subject(), &insured(), day("2019-06-10"));
    assert!(
        matches!(before, Likeness::Perhaps(why) if why.contains("given to somebody else")),
        "{before:?}"
    );
}

#[test]
fn a_symbol_that_is_left_out_is_no_other_one() {
    let nothing = |_: &mut Subject| {};
    let with = |change: &dyn Fn(&mut Subject), in_ledger: &dyn Fn(&mut Subject)| {
        let (mut record, mut known) = (subject(), insured());
        change(&mut record);
        in_ledger(&mut known.subject);
        assert_eq!(by_number(&record), by_number(&known.subject), "one finds the other");
        compare(&record, &known, day("2025-06-10"))
    };
    let without = |subject: &mut Subject| subject.symbol.clear();
    let both = |change: fn(&mut Subject)| {
        let record = with(
            &|subject| {
                without(subject);
                change(subject);
            },
            &nothing,
        );
        assert_eq!(record, with(&change, &without), "whichever side leaves it out");
        record
    };
    assert_eq!(both(|_| {}), Likeness::Same(""));
    assert_eq!(both(|subject| subject.sex = None), Likeness::Same(""));
    assert_eq!(both(|subject| subject.branch.clear()), Likeness::Same(""));
    // The same number and branch may be of another household, that has another symbol.
    for change in [
        (|subject| subject.name = "タナカキョウコ".into()) as fn(&mut Subject),
        |subject| subject.name.clear(),
        |subject| subject.sex = Some(1),
    ] {
        assert!(matches!(both(change), Likeness::Perhaps(_)));
    }
    assert!(matches!(both(|subject| subject.branch = "02".into()), Likeness::Other(why) if why.contains("twin")));
    let other = with(&|subject| subject.symbol = "ＣＤ".into(), &nothing);
    assert!(matches!(other, Likeness::Perhaps(why) if why.contains("postal code")));
    // Where nobody has one the number is all there is.
    let married = |subject: &mut Subject| {
        without(subject);
        subject.name = "タナカキョウコ".into();
    };
    assert_eq!(with(&married, &without), Likeness::Same(RENAMED));
}

#[test]
fn an_insurance_is_told_anew_by_its_symbol_or_without_one_if_no_other_is_meant() {
    let of = |symbol: &str| Insured {
        subject: Subject {
            symbol: symbol.into(),
            ..insured().subject
        },
        ..insured()
    };
    let place = |known: &[Insured], symbol: &str| of_number(known, &of(symbol).subject);
    assert_eq!(place(&[of("A"), of("B")], "Ｂ"), Some(1));
    assert_eq!(place(&[of("A")], ""), Some(0));
    assert_eq!(place(&[of("A"), of("")], "B"), Some(1));
    assert_eq!(place(&[of(""), of("B")], "B"), Some(1));
    assert_eq!(place(&[of("A"), of("B")], ""), None, "either may be meant");
    assert_eq!(place(&[of("A")], "B"), None);
    assert_eq!(symbol(&of("").subject, Some(&of("A"))), "A");
    assert_eq!(symbol(&of("B").subject, Some(&of("A"))), "B");
}

#[test]
fn a_number_of_care_insurance_finds_its_person_whatever_the_other_number_is() {
    let with = |change: &dyn Fn(&mut Subject)| {
        let mut record = Subject {
            insurer: "39999999".into(),
            number: "55555555".into(),
            care_number: "０００１２３４５６７".into(),
            ..subject()
        };
        change(&mut record);
        let known = Insured {
            subject: Subject {
                care_number: "1234567".into(),
                ..insured().subject
            },
            ..insured()
        };
        compare(&record, &known, day("2025-06-10"))
    };
    assert_eq!(with(&|_| {}), Likeness::Same(""));
    assert_eq!(with(&|record| record.branch = "07".into()), Likeness::Same(""));
    let married = with(&|record| record.name = "タナカキョウコ".into());
    assert_eq!(married, Likeness::Same(RENAMED));
    assert!(matches!(with(&|record| record.sex = Some(1)), Likeness::Perhaps(_)));
    assert!(matches!(
        with(&|record| record.birth = Some(day("1961-02-28"))),
        Likeness::Other(_)
    ));
    assert!(
        matches!(with(&|record| record.care_number.clear()), Likeness::Perhaps(why) if why.contains("postal code"))
    );
}

#[test]
fn a_municipality_is_said_while_its_own_days_and_the_insurance_last() {
    let midori = Municipality::parse("13101").expect("a municipality");
    let known = Insured {
        lost: Some(day("2025-05-05")),
        residence: Some(Residence {
            since: Some(day("2022-08-01")),
            ..Residence::of(midori)
        }),
        ..insured()
    };
    let on = |known: &Insured, written: &str| known.municipality_on(day(written));
    for (written, expected) in [
        ("2022-07-31", None),
        ("2022-08-01", Some(midori)),
        ("2025-05-05", Some(midori)),
        ("2025-05-06", None),
    ] {
        assert_eq!(on(&known, written), expected, "{written}");
    }
    let moved = Insured {
        residence: known.residence.map(|residence| Residence {
            since: None,
            until: Some(day("2024-03-31")),
            ..residence
        }),
        ..known.clone()
    };
    assert_eq!((on(&moved, "2020-03-31"), on(&moved, "2024-04-01")), (None, None));
    assert_eq!(on(&moved, "2020-04-01"), Some(midori));
    // What was kept before the municipality was.
    let before = serde_json::to_string(&insured()).expect("text");
    assert!(!before.contains("residence"));
    assert_eq!(serde_json::from_str::<Insured>(&before).expect("as it was"), insured());
    let kept = serde_json::to_string(&known).expect("text");
    assert!(kept.contains("\"131016\""), "{kept}");
    assert!(serde_json::from_str::<Insured>(&kept.replace("131016", "131017")).is_err());
    assert_eq!(serde_json::from_str::<Insured>(&kept).expect("as it was"), known);
}

#[test]
fn what_says_too_little_is_found_by_nothing() {
    let bare = Subject::default();
    assert_eq!((by_number(&bare), by_name(&bare)), (None, None));
    assert!(matches!(
        compare(&bare, &Insured::default(), day("2025-06-10")),
        Likeness::Other(_)
    ));
}

proptest! {
    #[test]
    fn nobody_is_matched_by_chance(number in "[0-9]{1,8}", other in "[0-9]{1,8}", name in "[ァ-ヶ]{2,8}") {
        let one = Subject { number: number.clone(), name, ..subject() };
        let known = Insured { subject: Subject { number: other.clone(), ..subject() }, ..insured() };
        let likeness = compare(&one, &known, day("2025-06-10"));
        if super::number(&number) != super::number(&other) {
            prop_assert!(!matches!(likeness, Likeness::Same(_)));
        }
    }

    #[test]
    fn normalising_twice_changes_nothing(written in ".{0,20}") {
        prop_assert_eq!(super::name(&super::name(&written)), super::name(&written));
        prop_assert_eq!(super::number(&super::number(&written)), super::number(&written));
    }
}
