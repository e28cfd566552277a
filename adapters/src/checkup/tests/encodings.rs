//! Files in UTF-16, as a spreadsheet saves "Unicode text": with a mark, and mostly with tabs between the cells.

use super::*;
use crate::checkup::package;

/// A text as UTF-16 behind its mark, the lower byte first or last.
pub(in crate::checkup) fn utf16(text: &str, is_little: bool) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    let bytes = units.flat_map(|unit| match is_little {
        true => unit.to_le_bytes(),
        false => unit.to_be_bytes(),
    });
    bytes.collect()
}

const TABLE: &str = "特定健診情報\r\n\r\n項目名,内容\r\n氏名,ミホン ハナコ\r\n健診実施日,令和6年6月10日\r\n身長,152.0\r\n体重,52.3\r\n\
    中性脂肪,\"1,200\"\r\n腹囲,80\r\n尿糖,(－)\r\nめずらしい項目,1\r\n";

#[test]
fn a_residents_table_is_read_in_utf_16_and_with_tabs_and_kept_as_it_came() {
    let (expected, reading) = checkups(TABLE.as_bytes());
    assert_eq!((expected.len(), expected[0].findings.len()), (1, 5));
    let expected_accounting = reading.unwrap().accounting;
    let tabs = TABLE
        .replace("\"1,200\"", "1;200")
        .replace(',', "\t")
        .replace("1;200", "1,200");
    for bytes in [
        tabs.clone().into_bytes(),
        encoding_rs::SHIFT_JIS.encode(&tabs.replace('－', "-")).0.into_owned(),
        utf16(&tabs, true),
        utf16(&tabs, false),
        utf16(TABLE, true),
    ] {
        let (collected, reading) = harness::read(&CheckupDocuments, &bytes);
        assert_eq!(reading.unwrap().accounting, expected_accounting);
        let brought = collected.pieces.into_iter().filter_map(|piece| match piece {
            Handed::Checkup(brought) => Some(brought),
            _ => None,
        });
        let brought: Vec<_> = brought.collect();
        assert_eq!((brought.len(), &brought[0].checkup), (1, &expected[0]));
        assert_eq!(brought[0].original, bytes);
        let input = Input {
            bytes: &bytes,
            size: bytes.len() as u64,
        };
        assert!(CheckupDocuments.recognises(&input));
        let (read, _) = checkups(&zip(&[("a.csv", &bytes)]));
        assert_eq!(read, expected);
    }
}

#[test]
fn documents_in_utf_16_are_documents_and_what_is_cut_within_a_character_is_damaged() {
    let made = document(&MadeUp::of(1).checkup(2025));
    let (expected, _) = checkups(made.as_bytes());
    for is_little in [true, false] {
        let bytes = utf16(&made, is_little);
        assert_eq!(checkups(&bytes).0, expected);
        assert_eq!(checkups(&zip(&[("1", &bytes)])).0, expected);
        let (read, reading) = checkups(&bytes[..bytes.len() - 1]);
        assert!(read.is_empty() && matches!(reading, Err(AdapterError::Damaged { .. })));
    }
    let bundle = include_str!("../fixtures/lung.json");
    assert_eq!(checkups(&utf16(bundle, true)).0, checkups(bundle.as_bytes()).0);
}

#[test]
fn what_may_not_be_held_may_not_in_utf_16() {
    let table = TABLE.replace("めずらしい項目", "マイナンバー");
    let made = document(&MadeUp::of(1).checkup(2025));
    let named = made.replacen("<id ", "<id displayName=\"個人番号\" ", 1);
    let json = include_str!("../fixtures/lung.json").replacen(
        "\"resourceType\"",
        "\"note\": \"マイナンバー\", \"resourceType\"",
        1,
    );
    for text in [&table, &named, &json] {
        let bytes = utf16(text, true);
        for bytes in [zip(&[("1", &bytes)]), bytes.clone()] {
            let (read, reading) = checkups(&bytes);
            assert!(
                read.is_empty() && matches!(reading, Err(AdapterError::IndividualNumber)),
                "{text}"
            );
        }
    }
    let archive = zip(&[("1.xml", &utf16(&named, false))]);
    let input = Input {
        bytes: &archive,
        size: archive.len() as u64,
    };
    let refused = package::zip(&input, &mut |_| panic!("nothing of it is taken"));
    assert!(matches!(refused, Err(AdapterError::IndividualNumber)));
    let claims = utf16("IR\t1\t13\t1\t1234567\nRE\t1\t1112\t202506\n", true);
    assert!(matches!(checkups(&claims).1, Err(AdapterError::Claims)));
}
