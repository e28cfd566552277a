//! A document without what names its subject to an insurer: for those whom the resident lets have the document itself.
//!
//! Of the subject (`patientRole`, hc08 header) only address, telephone and the person stay: insurer, symbol, number and branch are ids
//! there, and whatever else stands there is not known to be anything else. The ticket by which the insurer sent them goes too
//! (`participant` of type `HLD`). What people read in the document, its narrative, may say the same numbers again: words that have one
//! are cut too. Everything else stays as it is, so that what is left is the document.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use unicode_normalization::UnicodeNormalization as _;

/// Numbers shorter than this are looked for in no words: results and days would be taken for them.
const SHORTEST_NUMBER: usize = 4;

/// The document without those parts, in UTF-8 whatever it came in; `None` for anything but an electronic checkup document: what cannot
/// be taken apart is not given.
#[must_use]
pub fn without_insurance(document: &[u8]) -> Option<Vec<u8>> {
    let text = in_utf8(super::encoding::text(document).ok()?);
    let (kept, numbers) = without_ids(&text)?;
    without_words(std::str::from_utf8(&kept).ok()?, &numbers)
}

/// The text with a declaration that says what it is encoded in now.
fn in_utf8(text: Cow<'_, str>) -> Cow<'_, str> {
    let whole = text.trim_start_matches('\u{feff}');
    let Some((declaration, rest)) = whole.strip_prefix("<?xml ").and_then(|rest| rest.split_once("?>")) else {
        return text;
    };
    let says_another = declaration.contains("encoding") && !declaration.to_ascii_lowercase().contains("utf-8");
    match says_another {
        true => Cow::Owned(format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{rest}")),
        false => text,
    }
}

/// The document without the parts that hold ids of the insurance, and those ids.
fn without_ids(text: &str) -> Option<(Vec<u8>, Vec<String>)> {
    let document = text.as_bytes();
    let mut numbers = Vec::new();
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    let mut path: Vec<String> = Vec::new();
    let mut kept: Vec<u8> = Vec::with_capacity(document.len());
    // From where on bytes are still to be kept, and how deep what is being cut lies.
    let (mut from, mut cut_at) = (0, None);
    let mut met_subject = false;
    loop {
        let before = position(&reader)?;
        let event = reader.read_event().ok()?;
        let after = position(&reader)?;
        match event {
            Event::Start(start) => {
                path.push(start.local_name().as_ref().to_owned());
                if cut_at.is_none() && is_cut(&path, &start) {
                    kept.extend_from_slice(document.get(from..before)?);
                    cut_at = Some(path.len());
                }
                if cut_at.is_some() {
                    numbers.extend(number(&start));
                }
                met_subject |= is_subject(&path);
            }
            Event::End(_) => {
                if cut_at == Some(path.len()) {
                    (from, cut_at) = (after, None);
                }
                path.pop()?;
            }
            Event::Empty(start) => {
                path.push(start.local_name().as_ref().to_owned());
                let goes_alone = cut_at.is_none() && is_cut(&path, &start);
                if goes_alone {
                    kept.extend_from_slice(document.get(from..before)?);
                    from = after;
                }
                if goes_alone || cut_at.is_some() {
                    numbers.extend(number(&start));
                }
                path.pop();
            }
            // Stray words where ids stand may be what is left of one.
            Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) | Event::Comment(_)
                if cut_at.is_none() && is_subject(&path) =>
            {
                kept.extend_from_slice(document.get(from..before)?);
                from = after;
            }
            // Nothing here defines entities, and what does is no document of ours.
            Event::DocType(_) => return None,
            Event::Eof => break,
            _ => {}
        }
        if path.len() > super::tree::MOST_DEPTH {
            return None;
        }
    }
    kept.extend_from_slice(document.get(from..)?);
    let is_document = path.is_empty() && cut_at.is_none() && met_subject;
    is_document.then_some((kept, numbers))
}

/// The document without words that have one of these numbers. Words stand between two tags, whatever they are made of.
fn without_words(text: &str, numbers: &[String]) -> Option<Vec<u8>> {
    let mut reader = Reader::from_str(text);
    let (mut kept, mut from) = (Vec::with_capacity(text.len()), 0);
    let (mut words, mut words_from) = (String::new(), 0);
    loop {
        let before = position(&reader)?;
        let event = reader.read_event().ok()?;
        if words.is_empty() {
            words_from = before;
        }
        match event {
            Event::Text(told) => words.push_str(&told),
            Event::CData(told) => words.push_str(&told),
            Event::Comment(told) => words.push_str(&told),
            Event::GeneralRef(told) => words.push(told.resolve_char_ref().ok().flatten().unwrap_or(' ')),
            _ => {
                if tells(&words, numbers) {
                    kept.extend_from_slice(text.as_bytes().get(from..words_from)?);
                    from = before;
                }
                words.clear();
                if matches!(event, Event::Eof) {
                    break;
                }
            }
        }
    }
    kept.extend_from_slice(text.as_bytes().get(from..)?);
    Some(kept)
}

/// An id as it is compared: whatever its width, without leading zeros. `None` for one that is too short to be told from a result.
fn number(start: &BytesStart<'_>) -> Option<String> {
    let id = start.try_get_attribute("extension").ok().flatten()?;
    let plain: String = id.value.nfkc().filter(|c| !c.is_whitespace()).collect();
    let plain = plain.trim_start_matches('0');
    (plain.chars().count() >= SHORTEST_NUMBER).then(|| plain.to_owned())
}

fn tells(words: &str, numbers: &[String]) -> bool {
    if words.trim().is_empty() {
        return false;
    }
    let words: String = words.nfkc().collect();
    let is_part = |c: char| c.is_ascii_alphanumeric();
    numbers.iter().any(|number| {
        words.match_indices(number.as_str()).any(|(at, found)| {
            let before = words[..at].trim_end_matches('0');
            let after = &words[at + found.len()..];
            !before.ends_with(is_part) && !after.starts_with(is_part)
        })
    })
}

fn position(reader: &Reader<&[u8]>) -> Option<usize> {
    usize::try_from(reader.buffer_position()).ok()
}

fn is_at(path: &[String], names: &[&str]) -> bool {
    path.len() == names.len() && path.iter().zip(names).all(|(step, name)| step == name)
}

fn is_subject(path: &[String]) -> bool {
    is_at(path, &["ClinicalDocument", "recordTarget", "patientRole"])
}

fn is_cut(path: &[String], start: &BytesStart<'_>) -> bool {
    let is_ticket = || {
        let of_type = start.try_get_attribute("typeCode").ok().flatten();
        of_type.is_none_or(|of_type| of_type.value.as_ref() == "HLD")
    };
    let known = ["addr", "telecom", "patient"];
    let of_subject = path
        .split_last()
        .is_some_and(|(own, above)| is_subject(above) && !known.contains(&own.as_str()));
    of_subject || (is_at(path, &["ClinicalDocument", "participant"]) && is_ticket())
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::{MadeUp, document};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_of_the_insurance_is_left_and_everything_else_is() {
        let checkup = MadeUp::of(7).checkup(2025);
        let whole = document(&checkup);
        let masked = String::from_utf8(without_insurance(whole.as_bytes()).unwrap()).unwrap();
        let subject = &checkup.subject;
        for secret in [&subject.insurer, &subject.symbol, &subject.number, &subject.branch] {
            let id = format!("extension=\"{secret}\"");
            assert!(whole.contains(&id) && !masked.contains(&id), "{secret}");
        }
        assert!(masked.contains(&subject.name) && masked.contains(&checkup.facility.number));
        let results = |text: &str| text.matches("<observation ").count();
        assert_eq!(results(&masked), results(&whole));
        // What is left is still the same checkup.
        let again = without_insurance(masked.as_bytes()).unwrap();
        assert_eq!(again, masked.as_bytes());
    }

    #[test]
    fn a_ticket_goes_and_who_else_took_part_stays() {
        let text = "<ClinicalDocument xmlns=\"urn:hl7-org:v3\"><recordTarget><patientRole><id extension=\"1\"/><id extension=\"2\"><x/></id>\
                    <addr>a</addr></patientRole></recordTarget><participant typeCode=\"HLD\"><associatedEntity><id extension=\"3\"/>\
                    </associatedEntity></participant><participant><id extension=\"4\"/></participant><participant typeCode=\"PRF\"><id extension=\"5\"/></participant>\
                    <component><id extension=\"6\"/></component></ClinicalDocument>";
        let masked = String::from_utf8(without_insurance(text.as_bytes()).unwrap()).unwrap();
        assert_eq!(
            masked,
            "<ClinicalDocument xmlns=\"urn:hl7-org:v3\"><recordTarget><patientRole>\
             <addr>a</addr></patientRole></recordTarget><participant typeCode=\"PRF\"><id extension=\"5\"/></participant>\
             <component><id extension=\"6\"/></component></ClinicalDocument>"
        );
    }

    #[test]
    fn what_cannot_be_taken_apart_is_not_given() {
        for none in [
            "",
            "{\"resourceType\":\"Bundle\"}",
            "項目名,内容",
            "<ClinicalDocument/>",
            "<ClinicalDocument><recordTarget><patientRole></recordTarget></ClinicalDocument>",
            "<!DOCTYPE x [<!ENTITY a \"b\">]><ClinicalDocument><recordTarget><patientRole/></recordTarget></ClinicalDocument>",
            "<ClinicalDocument><recordTarget><patientRole><id extension=\"1\">",
        ] {
            assert_eq!(without_insurance(none.as_bytes()), None, "{none}");
        }
        let whole = document(&MadeUp::of(1).checkup(2025));
        let (mut neither, ..) = encoding_rs::SHIFT_JIS.encode(&whole);
        neither.to_mut().extend_from_slice(&[0x81, 0xff]);
        assert_eq!(without_insurance(&neither), None);
    }

    #[test]
    fn a_document_in_another_encoding_is_given_in_utf_8_and_says_so() {
        let whole = document(&MadeUp::of(1).checkup(2025));
        let masked = without_insurance(whole.as_bytes()).unwrap();
        let of_another = |name: &str| whole.replacen("encoding=\"UTF-8\"", &format!("encoding=\"{name}\""), 1);
        let of_shift_jis = of_another("Shift_JIS");
        let (in_shift_jis, ..) = encoding_rs::SHIFT_JIS.encode(&of_shift_jis);
        assert_eq!(without_insurance(&in_shift_jis).unwrap(), masked);
        let marked = format!("\u{feff}{}", of_another("UTF-16"));
        let in_utf_16: Vec<u8> = marked.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(without_insurance(&in_utf_16).unwrap(), masked);
    }

    #[test]
    fn words_that_say_a_number_again_go_and_other_words_stay() {
        let of = |words: &str| {
            format!(
                "<ClinicalDocument><recordTarget><patientRole><id extension=\"００１２３４５\"/><id extension=\"01\"/></patientRole>\
                 </recordTarget><participant typeCode=\"HLD\"><associatedEntity><id extension=\"25100000001\"/></associatedEntity>\
                 </participant><component><text>{words}<b>体重 65.4</b></text></component></ClinicalDocument>"
            )
        };
        let left = |words: &str| {
            let masked = String::from_utf8(without_insurance(of(words).as_bytes()).unwrap()).unwrap();
            let (_, text) = masked.split_once("<text>").unwrap();
            text.split_once("<b>体重 65.4</b></text>").unwrap().0.to_owned()
        };
        for told in [
            "番号12345です",
            "１２３４５",
            "記号番号: 0012345-01",
            "1<!-- -->2345 12345",
            "<![CDATA[12345]]>",
            "&#49;2345",
            "<!-- 12345 -->",
            "受診券 25100000001",
        ] {
            assert_eq!(left(told), "", "{told}");
        }
        for other in [
            "",
            "012345678",
            "A12345",
            "血圧 132/84 &lt;2025-01-01&gt;",
            "<!-- 01 -->",
            "1234",
        ] {
            assert_eq!(left(other), other);
        }
    }

    proptest! {
        /// A document that is cut off, or of which a piece is gone, gives nothing of the insurance.
        #[test]
        fn no_damage_lets_a_number_out(from in 0_usize..4_000, length in 0_usize..400) {
            let checkup = MadeUp::of(7).checkup(2025);
            let mut text = document(&checkup).into_bytes();
            let from = from.min(text.len());
            let until = (from + length).min(text.len());
            text.drain(from..until);
            if let Some(masked) = without_insurance(&text) {
                let masked = String::from_utf8(masked).unwrap();
                let number = format!("\"{}\"", checkup.subject.number);
                prop_assert!(!masked.contains(&number), "{}", masked);
            }
        }
    }
}
