//! Of several files one that cannot be read, and what becomes of the others; and what only all of them together tell.

use std::ops::ControlFlow;

use super::*;

/// A document that declares entities of its own, or uses one that only HTML knows: neither is read.
const REFUSED: [(&str, &str); 2] = [
    ("<ClinicalDocument", "<!DOCTYPE a [<!ENTITY b 'c'>]><ClinicalDocument"),
    ("</name>", "&nbsp;</name>"),
];

#[test]
fn one_that_is_refused_by_itself_takes_nothing_from_the_others() {
    let [one, two] = [1, 2].map(|seed| synthetic::document(&MadeUp::of(seed).checkup(2025)));
    for (from, to) in REFUSED {
        let refused = one.replacen(from, to, 1);
        assert_ne!(refused, one);
        let archive = zip(&[
            ("DATA/h1.xml", one.as_bytes()),
            ("DATA/h2.xml", refused.as_bytes()),
            ("DATA/h3.xml", two.as_bytes()),
        ]);
        let input = Input {
            bytes: &archive.as_slice(),
            size: archive.len() as u64,
        };
        let mut taken = Vec::new();
        let sum = package::zip(&input, &mut |entry| {
            let reasons: Vec<String> = entry.left_out.into_iter().map(|left_out| left_out.reason).collect();
            taken.push((entry.checkup.is_some(), reasons));
            ControlFlow::Continue(())
        });
        assert_eq!(sum.unwrap().documents, 3);
        let unread = (false, vec!["refused-document".to_owned()]);
        assert_eq!(taken, [(true, Vec::new()), unread, (true, Vec::new())]);
        // The same files as a resident's own.
        let (read, reading) = checkups(&archive);
        let accounting = reading.unwrap().accounting;
        assert_eq!((read.len(), accounting.rejected), (2, 1));
        assert!(accounting.adds_up());
    }
}

/// One number of twelve digits proves nothing; those of all documents do.
#[test]
fn ids_that_nearly_all_pass_the_check_digit_keep_a_package_out() {
    let numbered = |seed: u64, number: u64, check: char| {
        let made = synthetic::document(&MadeUp::of(seed).checkup(2025));
        let body = format!("{:011}", number * 7_654_321);
        let passing = ('0'..='9').find(|digit| individual_number::passes(&format!("{body}{digit}")));
        let digit = if check == 'p' { passing.unwrap() } else { check };
        let own = format!("<id root='1.2.392.200119.6.205' extension='{body}{digit}'/><patient>");
        let changed = made.replacen("<patient>", &own, 1);
        assert_ne!(changed, made);
        changed
    };
    let taken = |number: &dyn Fn(u64) -> (u64, char), count: u64| {
        let documents: Vec<(String, String)> = (1..=count)
            .map(|seed| {
                let (number, check) = number(seed);
                (format!("DATA/h{seed:02}.xml"), numbered(seed, number, check))
            })
            .collect();
        let files: Vec<(&str, &[u8])> = documents
            .iter()
            .map(|(path, document)| (path.as_str(), document.as_bytes()))
            .collect();
        let archive = zip(&files);
        let input = Input {
            bytes: &archive.as_slice(),
            size: archive.len() as u64,
        };
        let mut handed = 0;
        let taken = package::zip(&input, &mut |_| {
            handed += 1;
            ControlFlow::Continue(())
        });
        (handed, matches!(taken, Err(AdapterError::IndividualNumber)))
    };
    assert_eq!(taken(&|seed| (seed, 'p'), 20), (0, true));
    let nearly_all = |seed| (seed, if seed == 1 { '0' } else { 'p' });
    assert_eq!(taken(&nearly_all, 20), (0, true));
    assert_eq!(taken(&|seed| (seed, 'p'), 6), (0, true), "all of a few");
    assert_eq!(taken(&|seed| (seed, 'p'), 5), (5, false), "too few to say");
    assert_eq!(taken(&|seed| (seed, '0'), 20), (20, false), "another number");
    assert_eq!(taken(&|_| (1, 'p'), 12), (12, false), "one number in each of them");
}
