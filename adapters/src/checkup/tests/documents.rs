//! A document as a whole: when it was, what it asks for, and what may not stand in it.

use super::*;

#[test]
fn a_document_that_does_not_say_when_it_was_is_kept_aside() {
    let made = document(&empty("2025-06-01"));
    let event = made.find("<documentationOf>").unwrap()..made.find("</documentationOf>").unwrap() + 18;
    for (text, reason) in [
        (made.replace(&made[event.clone()], ""), "no-exam-date"),
        (
            made.replace(
                "<effectiveTime value=\"20250601\"/>",
                "<effectiveTime value=\"20250631\"/>",
            ),
            "no-exam-date",
        ),
        (
            made.replace("<effectiveTime value=\"20260401\"/>", "<effectiveTime/>"),
            "no-date-of-document",
        ),
        (
            made.replace(
                "<effectiveTime value=\"20260401\"/>",
                "<effectiveTime value=\"20240401\"/>",
            ),
            "implausible-date",
        ),
        (made.replace("code=\"010\"", "code=\"100\""), "health-guidance 10"),
    ] {
        let (read, reading) = checkups(text.as_bytes());
        let reasons = reading.unwrap().accounting.reasons;
        assert!(read.is_empty());
        assert_eq!(
            reasons.keys().map(|(_, reason)| reason.as_str()).collect::<Vec<_>>(),
            [reason]
        );
    }
}

#[test]
fn a_request_to_delete_is_one_record() {
    for report in ["19", "49", "69", "79", "89"] {
        let mut written = MadeUp::of(3).checkup(2025);
        report.clone_into(&mut written.report);
        let (read, reading) = read(&document(&written));
        assert!(read.is_deletion() && read.findings.is_empty());
        assert_eq!(reading.samples, 1);
    }
}

#[test]
fn a_document_in_the_encoding_of_old_systems_is_read() {
    let made = MadeUp::of(3).checkup(2020);
    let text = document(&made).replace("encoding=\"UTF-8\"", "encoding=\"Shift_JIS\"");
    let (bytes, _, _) = encoding_rs::SHIFT_JIS.encode(&text);
    let (read, _) = checkups(&bytes);
    assert_eq!(read[0].subject, made.subject);
}

#[test]
fn individual_numbers_refuse_the_whole_file() {
    let made = document(&MadeUp::of(3).checkup(2025));
    for bearing in [
        made.replace("<patient>", "<個人番号>123456789018</個人番号><patient>"),
        made.replace(
            "<patient>",
            "<id root=\"1.2.3\" extension=\"123456789018\" assigningAuthorityName=\"マイナンバー\"/><patient>",
        ),
        made.replace("<patient>", "<patient myNumber=\"123456789018\">"),
    ] {
        let (read, reading) = checkups(bearing.as_bytes());
        assert!(read.is_empty());
        let error = reading.unwrap_err();
        assert!(matches!(error, AdapterError::IndividualNumber), "{error}");
        assert!(!error.to_string().contains("1234"));
    }
    let other = made.replace(
        "<patient>",
        "<id root=\"1.2.3\" extension=\"123456789018\" assigningAuthorityName=\"KDB個人番号\"/><patient>",
    );
    assert_eq!(
        checkups(other.as_bytes()).0.len(),
        1,
        "one number that passes proves nothing"
    );
}

#[test]
fn entities_and_other_roots_are_refused() {
    let made = document(&MadeUp::of(3).checkup(2025));
    let entity = made.replacen(
        "<ClinicalDocument",
        "<!DOCTYPE x [<!ENTITY a \"b\">]><ClinicalDocument",
        1,
    );
    assert!(matches!(
        checkups(entity.as_bytes()).1,
        Err(AdapterError::Refused { .. })
    ));
    let deep = made.replace("<patient>", &"<a>".repeat(100));
    assert!(matches!(checkups(deep.as_bytes()).1, Err(AdapterError::Refused { .. })));
}

#[test]
fn days_that_cannot_be_are_no_days_of_a_checkup() {
    let made = document(&empty("2025-06-01"));
    for (exam, written) in [
        ("18990601", "20260401"),
        ("20250601", "99991231"),
        ("25000101", "25000102"),
    ] {
        let text = made
            .replace(
                "<effectiveTime value=\"20250601\"/>",
                &format!("<effectiveTime value=\"{exam}\"/>"),
            )
            .replace(
                "<effectiveTime value=\"20260401\"/>",
                &format!("<effectiveTime value=\"{written}\"/>"),
            );
        assert!(checkups(text.as_bytes()).0.is_empty(), "{exam} {written}");
    }
    let many: String = (0..400)
        .map(|day| format!("受診日,{}\n体重,60\n身長,160\n腹囲,80\n", LocalDay(18_000 + day)))
        .collect();
    assert_eq!(checkups(many.as_bytes()).0.len(), 100);
}

#[test]
fn people_that_are_made_up_are_judged_by_the_rules() {
    for seed in 0..300 {
        for year in [2018, 2023, 2025] {
            let checkup = synthetic::MadeUp::of(seed).checkup(year);
            assert_eq!(model::checkup::doubt::doubts(&checkup), [], "{seed} {year}");
        }
    }
}

#[test]
fn the_ticket_by_which_somebody_came_is_read_and_one_for_guidance_is_not() {
    let made = document(&MadeUp::of(3).checkup(2025));
    let of = |root: &str, number: &str| {
        format!(
            "<participant typeCode=\"HLD\"><functionCode code=\"1\" codeSystem=\"1.2.392.200119.6.208\"/>\
             <associatedEntity classCode=\"IDENT\"><id root=\"1.2.392.200119.{root}\" extension=\"{number}\"/>\
             </associatedEntity></participant>"
        )
    };
    let place = made.find("<documentationOf>").unwrap();
    let with = |participants: &str| read(&format!("{}{participants}{}", &made[..place], &made[place..])).0;
    let (checkups, guidance) = (
        of("6.209.100139999", "２５100000001"),
        of("6.210.100139999", "25200000002"),
    );
    assert_eq!(with("").subject.ticket, "");
    assert_eq!(with(&guidance).subject.ticket, "");
    for both in [checkups.clone(), guidance.clone() + &checkups, checkups + &guidance] {
        assert_eq!(with(&both).subject.ticket, "25100000001");
    }
}
