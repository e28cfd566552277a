//! Of several files one that cannot be read, and what becomes of the others.

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
