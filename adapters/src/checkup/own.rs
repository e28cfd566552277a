//! Other documents of a resident's own as XML: notices of costs, lists of medicines, vaccinations, mother and child. Nobody published their
//! form, so they are known by the words that tables of the same bear, as names, titles or words of their first elements. They are kept whole
//! for a mapping to come; claims are refused, as they are in any form.

use std::collections::HashMap;

use model::Outcome;

use super::individual_number;
use super::table::{self, TableOf, Watch, plain};
use super::tree::Tree;
use crate::{AdapterError, NotStored};

/// Tags from the first on in which a title stands, and the longest title, in characters: what stands further on, or within a sentence,
/// says nothing of what the whole is.
const FIRST_TAGS: usize = 64;
const LONGEST_TITLE: usize = 24;
/// Characters of what can be a title at all, with the spaces around it.
const MOST_WRITTEN: usize = 256;

/// Titles of claims.
const CLAIMS: &[&str] = &["診療報酬明細書", "調剤報酬明細書", "調剤報酬請求明細書"];
/// Names of elements that only claims have, wherever they stand: those of a package's, and the word for them.
const CLAIM_NAMES: &[&str] = &["checkupclaim", "interventionclaim", "レセプト"];
/// Roots of what people read and no document is: a page about vaccinations is not somebody's record of them.
const PAGES: &[&str] = &["html", "rss", "feed", "svg"];

/// Characters of one piece that is kept: of any character no more than the bytes that are kept of a record.
const PIECE: usize = crate::MAX_TEXT / 4;

/// What the beginning of a text says it is; `None` where it is no XML, declares types of its own, or says nothing that is known.
pub(super) fn recognise(beginning: &str) -> Option<TableOf> {
    if !is_xml(beginning) {
        return None;
    }
    let (mut own, mut is_in_root) = (None, false);
    for tag in beginning.split('<').skip(1).take(FIRST_TAGS) {
        let (tag, text) = tag.split_once('>').unwrap_or((tag, ""));
        let quoted_text = tag.strip_prefix("![CDATA[").map(|text| text.trim_end_matches(']'));
        if tag.starts_with('!') && !tag.starts_with("!--") && quoted_text.is_none() {
            return None;
        }
        let name = name(tag);
        if !is_in_root && tag.starts_with(is_first_of_a_name) {
            is_in_root = true;
            if PAGES.contains(&name.as_str()) {
                return None;
            }
        }
        let values = tag.split(['"', '\'']).skip(1).step_by(2);
        for title in values.chain([name.as_str(), text, quoted_text.unwrap_or("")]) {
            if title.chars().nth(MOST_WRITTEN).is_some() {
                continue;
            }
            let title = plain(title);
            if title.chars().count() > LONGEST_TITLE {
                continue;
            }
            if is_claims(&title) {
                return Some(TableOf::Claims);
            }
            own = own.or_else(|| table::own(&title));
        }
    }
    own.map(TableOf::Own)
}

/// True for what begins as a document of XML does.
pub(super) fn is_xml(beginning: &str) -> bool {
    let beginning = beginning.trim_start_matches('\u{feff}').trim_start();
    let tag = beginning.strip_prefix('<');
    tag.is_some_and(|tag| tag.starts_with(|c| matches!(c, '?' | '!') || is_first_of_a_name(c)))
}

fn is_first_of_a_name(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

/// The name of a tag, without its prefix.
fn name(tag: &str) -> String {
    let end = tag.find(|c: char| c.is_whitespace() || c == '/').unwrap_or(tag.len());
    let name = &tag[..end];
    plain(name.rsplit(':').next().unwrap_or(name))
}

/// The whole, in pieces that are it when they are put together; each kept for a mapping to come.
///
/// # Errors
/// [`AdapterError`] where it is of claims, or bears Individual Numbers.
pub(super) fn kept(text: &str, tree: &Tree<'_>, word: &str) -> Result<Vec<NotStored>, AdapterError> {
    if is_of_claims(text, tree) {
        return Err(AdapterError::Claims);
    }
    refuse_individual_numbers(tree)?;
    let mut pieces: Vec<NotStored> = Vec::new();
    let (mut line, mut room) = (1, 0);
    for part in text.split_inclusive('\n') {
        let characters: Vec<char> = part.chars().collect();
        for part in characters.chunks(PIECE) {
            match pieces.last_mut().filter(|_| part.len() <= room) {
                Some(piece) => piece.text.extend(part),
                None => {
                    room = PIECE;
                    pieces.push(NotStored {
                        outcome: Outcome::Unsupported,
                        reason: word.to_owned(),
                        line,
                        text: part.iter().collect(),
                    });
                }
            }
            room -= part.len();
        }
        line += 1;
    }
    Ok(pieces)
}

/// True for a title of claims, or a name that only they have.
fn is_claims(title: &str) -> bool {
    CLAIM_NAMES.contains(&title) || CLAIMS.iter().any(|claim| title.contains(claim))
}

/// True where an element bears such a name, wherever it stands, or lines of claims stand in it.
fn is_of_claims(text: &str, tree: &Tree<'_>) -> bool {
    let mut elements = tree.elements();
    elements.any(|element| is_claims(&plain(element.name()))) || table::recognise(text) == Some(TableOf::Claims)
}

/// Refuses a document that bears Individual Numbers. Where no form is known, a name may be a word beside its number, and a column an
/// element that comes again and again.
pub(super) fn refuse_individual_numbers(tree: &Tree<'_>) -> Result<(), AdapterError> {
    individual_number::refuse(tree)?;
    let mut places: HashMap<(&str, &str), usize> = HashMap::new();
    let mut watch = Watch::default();
    for element in tree.elements() {
        let texts = element.attributes().iter().map(|(name, value)| (*name, &**value));
        for (name, text) in texts.chain([("", element.text())]) {
            let next = places.len();
            let place = *places.entry((element.name(), name)).or_insert(next);
            watch.cell(place, text.trim())?;
        }
    }
    watch.end()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VACCINATIONS: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- a < b -->\n<わたしの情報 xmlns=\"urn:example:1.2\">\n \
                                <タイトル>予防接種情報</タイトル>\n <記録><接種日>令和7年6月1日</接種日></記録>\n</わたしの情報>\n";

    fn read(text: &str) -> Result<Vec<NotStored>, AdapterError> {
        let tree = Tree::read(text).ok().unwrap();
        kept(text, &tree, "record of vaccinations")
    }

    #[test]
    fn documents_are_known_by_the_words_of_tables_as_names_titles_and_attributes() {
        let vaccinations = Some(TableOf::Own("record of vaccinations"));
        assert_eq!(recognise(VACCINATIONS), vaccinations);
        for text in [
            "<予防接種/>",
            "\u{feff} <a:予防接種記録 xmlns:a='urn:x'><日/></a:予防接種記録>",
            "<doc title='予防接種の記録'/>",
            "<doc><![CDATA[予防接種]]></doc>",
        ] {
            assert_eq!(recognise(text), vaccinations, "{text}");
        }
        for (title, word) in [
            ("医療費通知", "notice of medical costs"),
            ("後発医薬品差額通知", "notice of generic medicines"),
            ("薬剤情報", "list of medicines"),
            ("母子保健", "record of mother and child"),
            ("妊婦健診", "record of mother and child"),
        ] {
            assert_eq!(
                recognise(&VACCINATIONS.replace("予防接種情報", title)),
                Some(TableOf::Own(word))
            );
        }
    }

    #[test]
    fn what_says_nothing_that_is_known_is_none() {
        for text in [
            VACCINATIONS.replace("予防接種情報", "世帯情報"),
            VACCINATIONS.replace(
                "予防接種情報",
                "このページでは、市が今年度に行う予防接種とその会場についてお知らせします",
            ),
            VACCINATIONS.replacen("<!--", "<!DOCTYPE a [<!ENTITY b 'c'>]><!--", 1),
            format!("<?xml version='1.0'?><{}><title>予防接種</title></{0}>", PAGES[0]),
            format!("<{}><title>予防接種</title></{0}>", PAGES[1]),
            format!("<a>{}<b>予防接種</b></a>", "<c/>".repeat(FIRST_TAGS)),
            "予防接種".to_owned(),
            "< 予防接種".to_owned(),
            "<".to_owned(),
            String::new(),
        ] {
            assert_eq!(recognise(&text), None, "{text}");
        }
    }

    #[test]
    fn claims_are_no_document_of_a_resident_s_wherever_they_say_so() {
        for text in [
            "<診療報酬明細書/>",
            "<a><title>調剤報酬明細書</title><薬剤情報/></a>",
            "<checkupClaim/>",
            "<a:レセプト/>",
        ] {
            assert_eq!(recognise(text), Some(TableOf::Claims), "{text}");
        }
        let later = |inner: &str| VACCINATIONS.replace("</わたしの情報>", &format!("{inner}</わたしの情報>"));
        for inner in [
            "<レセプト>1</レセプト>",
            "<診療報酬明細書情報/>",
            "\nIR,1,13,1\nRE,1,1112,202506\n",
        ] {
            assert!(matches!(read(&later(inner)), Err(AdapterError::Claims)), "{inner}");
        }
        assert!(read(&later("<備考>レセプトをもとに作成しています</備考>")).is_ok());
    }

    #[test]
    fn individual_numbers_are_looked_for_in_names_words_and_columns() {
        let with = |inner: &str| read(&VACCINATIONS.replace("</わたしの情報>", &format!("{inner}</わたしの情報>")));
        let passing = |body: u64| {
            let mut numbers = (0..10).map(|digit| format!("<番号>{body:011}{digit}</番号>"));
            numbers
                .find(|number| individual_number::passes(&number[8..20]))
                .unwrap()
        };
        let numbers: String = (0..10).map(|body| passing(12_345_678 + body * 977)).collect();
        for inner in [
            "<個人番号>123456789018</個人番号>",
            "<項目名>マイナンバー</項目名><内容>123456789018</内容>",
            "<a 項目='myNumber'/>",
            numbers.as_str(),
        ] {
            assert!(matches!(with(inner), Err(AdapterError::IndividualNumber)), "{inner}");
        }
        assert!(with("<番号>123456789018</番号><KDB個人番号>1</KDB個人番号>").is_ok());
        assert!(with(&passing(1).repeat(12)).is_ok(), "one number, however often");
    }

    proptest! {
        #[test]
        fn nothing_of_it_is_lost(words in prop::collection::vec("[ぁ-ん\n]{0,40}", 0..40), times in 1_usize..400) {
            let text = VACCINATIONS.replace("</わたしの情報>", &format!("{}</わたしの情報>", words.join("\n").repeat(times)));
            let pieces = read(&text).unwrap();
            prop_assert!(pieces.iter().all(|piece| piece.text.len() <= crate::MAX_TEXT));
            let ends = pieces.iter().map(|piece| piece.text.matches('\n').count() as u64);
            let mut line = 1;
            for (piece, ends) in pieces.iter().zip(ends) {
                prop_assert_eq!(piece.line, line);
                line += ends;
            }
            prop_assert_eq!(pieces.into_iter().map(|piece| piece.text).collect::<String>(), text);
        }

        #[test]
        fn no_text_panics(text in "[<>!?/'\"a予防接種\\[\\] ]{0,60}") {
            let _ = recognise(&text);
        }
    }
}
