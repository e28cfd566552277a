//! Columns by their places, held against their names.

use super::*;

/// The shipped list, with names of its columns changed by place, and cells of its first person.
fn changed(names: &[(usize, &str)], cells: &[(usize, &str)]) -> String {
    let mut lines = HISTORY.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let (mut head, mut person) = (lines.next().unwrap(), lines.next().unwrap());
    names.iter().for_each(|(place, name)| head[place - 1] = name);
    cells.iter().for_each(|(place, cell)| person[place - 1] = cell);
    format!("{}\n{}\n", head.join(","), person.join(","))
}

fn weights(entries: &[PackageEntry]) -> Vec<String> {
    let findings = entries
        .iter()
        .flat_map(|entry| &entry.checkup.as_ref().unwrap().findings);
    let weights = findings.filter(|finding| finding.item.row().code == "9N006000000000001");
    weights.map(|finding| finding.number().unwrap().0.to_string()).collect()
}

/// By names the weight would be neither of the two, and the ticket's number either.
#[test]
fn a_name_that_stands_twice_takes_nothing_from_the_column_whose_it_is() {
    for name in ["体重", "体　重"] {
        let table = changed(
            &[(9, name), (75, "健診実施年月日")],
            &[(9, "99.9"), (75, "2020-01-01"), (77, "99999999999")],
        );
        let (entries, sum) = taken(&shipped(), table.as_bytes());
        assert_eq!(sum.unwrap().without_checkup, 0);
        assert_eq!(weights(&entries), ["52.3"]);
        let checkup = entries[0].checkup.as_ref().unwrap();
        assert_eq!(
            (checkup.subject.ticket.as_str(), checkup.day.to_string()),
            ("12345678901", "2025-06-10".to_owned())
        );
        assert!(
            entries[0].left_out[0].text.contains(&format!("{name},99.9")),
            "it stays with the line"
        );
    }
}

#[test]
fn a_list_of_another_layout_is_refused_without_a_word_of_anybody() {
    let shifted: String = HISTORY.lines().map(|line| format!("番号,{line}\n")).collect();
    let short: String = HISTORY
        .lines()
        .map(|line| line.split(',').take(40).collect::<Vec<_>>().join(",") + "\n")
        .collect();
    let without_names = HISTORY.lines().skip(1).map(|line| format!("{line}\n")).collect();
    for (table, expected) in [
        (shifted, "its column 1 is not called 保険者番号"),
        (short, "is not called"),
        (
            without_names,
            "its column 1 is not called 保険者番号: it is another list, or has another layout",
        ),
        (
            changed(&[(13, "体重"), (14, "身長")], &[]),
            "its column 13 is not called 身長",
        ),
        (changed(&[(80, "HL 体重")], &[]), "its column 80 is not called HL 身長"),
    ] {
        let (entries, sum) = taken(&shipped(), table.as_bytes());
        let problem = problem(sum);
        assert!(entries.is_empty() && !problem.contains("0012345"), "{problem}");
        assert!(problem.contains(expected), "{problem}");
    }
    // The list of guidance too: one column more, and somebody's points would be their weight.
    let guided: String = GUIDANCE.lines().map(|line| format!("番号,{line}\n")).collect();
    let (entries, sum) = taken(&guidance(), guided.as_bytes());
    let problem = problem(sum);
    assert!(
        entries.is_empty() && problem.contains("its column 1 is not called 保険者番号"),
        "{problem}"
    );
    // Widths and spaces make no other name.
    let (entries, sum) = taken(
        &shipped(),
        changed(&[(15, "ＢＭＩ"), (88, "ＨＬＨＤＬコレステロール")], &[]).as_bytes(),
    );
    assert_eq!((entries.len(), sum.is_ok()), (1, true));
}
