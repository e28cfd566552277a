//! Other documents of a resident's own, as the adapter meets them.

use super::*;

/// A document that is no checkup's, as somebody may be given one.
fn other(title: &str) -> String {
    let entries = "<明細><日付>令和7年6月1日</日付><名称>見本錠5mg</名称></明細>\n".repeat(400);
    format!("<?xml version=\"1.0\"?>\n<わたしの情報>\n<表題>{title}</表題>\n{entries}</わたしの情報>\n")
}

fn as_input<'a>(bytes: &'a &'a [u8]) -> Input<'a> {
    Input {
        bytes,
        size: bytes.len() as u64,
    }
}

#[test]
fn other_documents_of_a_resident_are_kept_whole_in_either_encoding() {
    let text = other("薬剤情報");
    let (shift_jis, _, is_lost) = encoding_rs::SHIFT_JIS.encode(&text);
    assert!(!is_lost);
    for bytes in [text.as_bytes(), &*shift_jis] {
        assert!(CheckupDocuments.recognises(&as_input(&bytes)));
        let (collected, reading) = harness::read(&CheckupDocuments, bytes);
        let kept = collected.pieces.into_iter().filter_map(|piece| match piece {
            Handed::NotStored(left_out) => Some(left_out),
            Handed::Checkup(_) => panic!("it is no checkup"),
            _ => None,
        });
        let kept: Vec<NotStored> = kept.flatten().collect();
        assert!(kept.len() > 1 && kept.iter().all(|piece| piece.reason == "list of medicines"));
        assert_eq!(kept.iter().map(|piece| piece.text.as_str()).collect::<String>(), text);
        let counted = reading.unwrap().accounting;
        assert_eq!((counted.unsupported, counted.stored), (kept.len() as u64, 0));
        assert!(counted.adds_up());
    }
}

#[test]
fn of_other_documents_what_may_not_be_held_is_refused_and_what_is_unknown_is_nobodys() {
    let read = |text: &str| harness::read(&CheckupDocuments, text.as_bytes());
    let with = |inner: &str| other("予防接種").replace("</わたしの情報>", &format!("{inner}</わたしの情報>"));
    for text in [
        other("診療報酬明細書"),
        with("<レセプト/>"),
        "<checkupClaim><id/></checkupClaim>".to_owned(),
    ] {
        for bytes in [text.as_bytes(), &*encoding_rs::SHIFT_JIS.encode(&text).0] {
            assert!(CheckupDocuments.recognises(&as_input(&bytes)), "to say so");
            let (collected, refused) = harness::read(&CheckupDocuments, bytes);
            assert!(matches!(refused, Err(AdapterError::Claims)), "{refused:?}");
            assert!(collected.pieces.iter().all(|piece| matches!(piece, Handed::Source(_))));
        }
    }
    assert!(matches!(
        read(&with("<項目>個人番号</項目>")).1,
        Err(AdapterError::IndividualNumber)
    ));
    assert!(matches!(
        read(&with("<a>&own;</a>")).1,
        Err(AdapterError::Refused { .. })
    ));
    assert!(matches!(read(&with("<a>")).1, Err(AdapterError::Damaged { .. })));
    for text in [
        other("世帯情報"),
        other("予防接種").replacen("?>", "?><!DOCTYPE x>", 1),
        "<gpx/>".to_owned(),
    ] {
        assert!(!CheckupDocuments.recognises(&as_input(&text.as_bytes())), "{text}");
    }
    let utf16: Vec<u8> = other("予防接種").encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(!CheckupDocuments.recognises(&as_input(&utf16.as_slice())));
}

#[test]
fn other_documents_of_a_zip_are_kept_and_one_with_individual_numbers_keeps_all_of_it_out() {
    let vaccinations = other("予防接種");
    let claims = vaccinations.replace("<明細>", "<レセプト/><明細>");
    let package = zip(&[
        ("a.xml", vaccinations.as_bytes()),
        ("b.xml", claims.as_bytes()),
        ("c.xml", b"<other/>"),
    ]);
    assert!(CheckupDocuments.recognises(&as_input(&package.as_slice())));
    let (collected, reading) = harness::read(&CheckupDocuments, &package);
    let mut text = String::new();
    for piece in collected.pieces {
        if let Handed::NotStored(left_out) = piece {
            text.extend(left_out.into_iter().map(|left| left.text));
        }
    }
    let expected = format!("{vaccinations}b.xmlc.xml");
    assert_eq!(text, expected, "of claims, and of what nobody knows, but where it lay");
    let unsupported = &reading.unwrap().accounting.reasons;
    assert!(
        unsupported
            .iter()
            .any(|(reason, count)| reason.1 == "another-document" && *count == 2),
        "{unsupported:?}"
    );
    let bearing = other("母子保健").replace("<表題>", "<項目名>マイナンバー</項目名><表題>");
    let package = zip(&[("a.xml", vaccinations.as_bytes()), ("b.xml", bearing.as_bytes())]);
    let (collected, refused) = harness::read(&CheckupDocuments, &package);
    assert!(matches!(refused, Err(AdapterError::IndividualNumber)));
    assert!(collected.pieces.iter().all(|piece| matches!(piece, Handed::Source(_))));
}
