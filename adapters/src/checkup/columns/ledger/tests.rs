use model::Municipality;

use super::super::tests::Watched;
use super::*;

mod held;

/// The names of the ledger that are one in every prefecture (`kokuho-columns`).
const NAMES: &[(usize, &str)] = &[
    (7, "氏名カナ"),
    (8, "性別"),
    (10, "生年月日"),
    (27, "国保取得年月日"),
    (28, "国保喪失年月日"),
    (29, "後期取得年月日"),
    (30, "後期喪失年月日"),
];

/// A ledger of 100 columns with these cells, by place, a line each.
fn written(lines: &[&[(usize, &str)]]) -> String {
    let named = |place: usize| NAMES.iter().find(|(known, _)| *known == place);
    let mut text = (1..=100)
        .map(|place| named(place).map_or(format!("列{place}"), |(_, name)| (*name).to_owned()))
        .collect::<Vec<_>>()
        .join(",");
    for line in lines {
        let cell = |place: usize| {
            line.iter()
                .find(|(known, _)| *known == place)
                .map_or("", |(_, cell)| cell)
        };
        text.push('\n');
        text.push_str(&(1..=100).map(cell).collect::<Vec<_>>().join(","));
    }
    text
}

fn read(text: &[u8]) -> Result<Vec<LedgerLine>, AdapterError> {
    read_by("kdb-ledger", text)
}

fn read_by(shipped: &str, text: &[u8]) -> Result<Vec<LedgerLine>, AdapterError> {
    let columns = LedgerColumns::parse(LedgerColumns::shipped(shipped).unwrap()).unwrap();
    tried(&columns, text).map(|(lines, _)| lines)
}

fn tried(columns: &LedgerColumns, text: &[u8]) -> Result<(Vec<LedgerLine>, LedgerSum), AdapterError> {
    let mut lines = Vec::new();
    let input = Input {
        bytes: &text,
        size: text.len() as u64,
    };
    let sum = ledger(columns, &input, &mut |line| {
        lines.push(line);
        ControlFlow::Continue(())
    })?;
    Ok((lines, sum))
}

/// What each column that is anything gives, and what became of its cells.
fn told(sum: &LedgerSum) -> String {
    let columns = sum.columns.iter().zip(1..).filter(|(column, _)| !column.is.is_empty());
    let columns = columns.map(|(column, place)| {
        let refused = column.refused.iter().map(|(why, count)| format!(" {why} {count}"));
        let refused: String = refused.collect();
        format!("{place} {} [{}/{}]{refused}\n", column.is, column.taken, column.filled)
    });
    columns.collect()
}

const HANAKO: &[(usize, &str)] = &[
    (4, "５５５５５５５５"),
    (5, "0001234567"),
    (7, "ミホン　ハナコ"),
    (8, "2"),
    (10, "昭和25年5月6日"),
    (27, "H20.4.1"),
    (28, "R7.5.5"),
    (29, "20250506"),
    (41, "999-9999"),
    (43, "第一小学校区"),
    (44, "139999"),
    (58, "００１２３"),
    (62, "39139999"),
    (79, "01"),
];

#[test]
fn the_shipped_ledger_tells_of_both_insurances_in_both_encodings() {
    let text = written(&[HANAKO, &[], &[(10, "19500506")], &[(7, "ミホン"), (10, "五月")]]);
    let lines = read(text.as_bytes()).unwrap();
    let (shift_jis, ..) = encoding_rs::SHIFT_JIS.encode(&text);
    assert_eq!(read(&shift_jis).unwrap(), lines);
    let told = lines[0].told.as_ref().unwrap();
    let days = |membership: &Membership| {
        let lost = membership.lost.map(|lost| lost.to_string());
        let gained = membership.gained.unwrap().to_string();
        (membership.subject.insurer.clone(), gained, lost)
    };
    assert_eq!(
        told.iter().map(days).collect::<Vec<_>>(),
        [
            (
                "00139999".to_owned(),
                "2008-04-01".to_owned(),
                Some("2025-05-05".to_owned())
            ),
            ("39139999".to_owned(), "2025-05-06".to_owned(), None),
        ]
    );
    let first = &told[0];
    assert_eq!(
        (first.subject.number.as_str(), first.subject.branch.as_str()),
        ("00123", "01")
    );
    assert_eq!(
        (first.subject.care_number.as_str(), first.area.as_str()),
        ("0001234567", "第一小学校区")
    );
    assert_eq!(
        (first.subject.sex, first.subject.birth.unwrap().to_string().as_str()),
        (Some(2), "1950-05-06")
    );
    assert_eq!(
        (told[1].subject.symbol.as_str(), told[1].subject.number.as_str()),
        ("", "55555555")
    );
    let rest: Vec<_> = lines[1..].iter().map(|line| (line.line, line.told.clone())).collect();
    assert_eq!(rest, [(4, Err("not-insured")), (5, Err("no-birth-date"))]);
}

/// The names of the columns of 受診券 that are read (`kokuho-columns`).
const NAMES_OF_TICKETS: &[(usize, &str)] = &[
    (1, "保険者番号"),
    (3, "被保険者証記号"),
    (4, "被保険者証番号"),
    (5, "生年月日元号"),
    (6, "生年月日"),
    (7, "性別"),
    (10, "年度"),
    (11, "受診券整理番号"),
    (18, "交付年月日"),
    (19, "有効期限"),
    (86, "無効フラグ"),
];

/// A list of tickets, with names above it.
fn tickets(names: &[(usize, &str)], lines: &[&[(usize, &str)]]) -> String {
    let table = written(lines);
    let (above, below) = table.split_once('\n').unwrap();
    let mut above: Vec<&str> = above.split(',').collect();
    above.resize(105, "別の列");
    names.iter().for_each(|(place, name)| above[place - 1] = name);
    format!("{}\n{below}", above.join(","))
}

#[test]
fn a_list_of_tickets_of_another_layout_is_refused() {
    let moved: Vec<(usize, &str)> = NAMES_OF_TICKETS
        .iter()
        .map(|(place, name)| (place + 1, *name))
        .collect();
    let error = read_by("checkup-tickets", tickets(&moved, &[&[(1, "139999")]]).as_bytes()).unwrap_err();
    assert!(error.to_string().contains("is not called"), "{error}");
}

/// A ticket, by the places of its columns.
const TICKET: &[(usize, &str)] = &[
    (1, "139999"),
    (3, "見本"),
    (4, "００１２３"),
    (5, "昭和"),
    (6, "25.5.6"),
    (7, "2"),
    (10, "２０２６"),
    (11, "26100000001"),
    (18, "20260501"),
    (19, "20270331"),
    (25, "1000"),
];

#[test]
fn the_shipped_list_of_tickets_is_read_by_place_and_says_which_were_taken_back() {
    let with = |more: &[(usize, &'static str)]| -> Vec<(usize, &'static str)> {
        let kept = TICKET
            .iter()
            .filter(|(place, _)| !more.iter().any(|(other, _)| other == place));
        kept.copied().chain(more.iter().copied()).collect()
    };
    let lines = [
        with(&[]),
        with(&[(86, "1")]),
        with(&[(19, "")]),
        with(&[(10, "今年")]),
        with(&[(11, "")]),
    ];
    let lines: Vec<&[(usize, &str)]> = lines.iter().map(Vec::as_slice).collect();
    let text = tickets(NAMES_OF_TICKETS, &lines);
    let lines = read_by("checkup-tickets", text.as_bytes()).unwrap();
    let (shift_jis, ..) = encoding_rs::SHIFT_JIS.encode(&text);
    assert_eq!(read_by("checkup-tickets", &shift_jis).unwrap(), lines);
    let told = lines[0].told.as_ref().unwrap();
    assert_eq!((told.len(), told[0].gained, told[0].subject.sex), (1, None, Some(2)));
    assert_eq!(told[0].subject.birth.unwrap().to_string(), "1950-05-06");
    let ticket = told[0].ticket.as_ref().unwrap();
    assert_eq!(
        (ticket.number.as_str(), ticket.year, ticket.is_void),
        ("26100000001", 2026, false)
    );
    assert_eq!(ticket.until.to_string(), "2027-03-31");
    let void = lines[1].told.as_ref().unwrap()[0].ticket.as_ref().unwrap();
    assert!(void.is_void);
    let rest: Vec<_> = lines[2..].iter().map(|line| line.told.clone().unwrap_err()).collect();
    assert_eq!(rest, ["not-a-day", "not-a-year", "no-ticket"]);
}

#[test]
fn a_ledger_with_individual_numbers_is_refused_and_its_own_person_numbers_are_none() {
    let own = written(&[&[HANAKO, &[(38, "123456789018"), (39, "123456789018")]].concat()]);
    assert_eq!(read(own.as_bytes()).unwrap().len(), 1);
    let refused = own.replacen("列50", "個人番号", 1);
    assert!(matches!(read(refused.as_bytes()), Err(AdapterError::IndividualNumber)));
    let moved = own.replacen("国保取得年月日", "国保取得事由", 1);
    let error = read(moved.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("its column 27 is not called 国保取得年月日"), "{error}");
    let narrow = read("氏名,生年月日\nミホン,19500506".as_bytes());
    assert!(matches!(narrow, Err(AdapterError::Refused { .. })), "{narrow:?}");
}

#[test]
fn forty_thousand_lines_go_by_one_at_a_time() {
    let line: &[(usize, &str)] = HANAKO;
    let ticket: &[(usize, &str)] = TICKET;
    for (shipped, text) in [
        ("kdb-ledger", written(&vec![line; 40_000])),
        ("checkup-tickets", tickets(NAMES_OF_TICKETS, &vec![ticket; 40_000])),
    ] {
        let columns = LedgerColumns::parse(LedgerColumns::shipped(shipped).unwrap()).unwrap();
        let watched = Watched::new(text.as_bytes());
        let mut met = 0;
        let sum = ledger(&columns, &watched.input(), &mut |line| {
            met += u64::from(line.told.is_ok());
            watched.is_read_up_to(met + 1, 40_001);
            ControlFlow::Continue(())
        });
        assert!(sum.is_ok() && met == 40_000, "{shipped}");
    }
}

#[test]
fn what_is_wrong_in_a_file_of_columns_is_said() {
    let none = "insurance = []\n[person]\nbirth = 1";
    assert!(
        LedgerColumns::parse(none)
            .unwrap_err()
            .to_string()
            .contains("1 to 8 insurances")
    );
    assert!(LedgerColumns::parse("[person]\nbirthday = 1").is_err());
    let ticket = "\n[ticket]\ninsurer = 1\nnumber = 2\nyear = 3\nticket = 4\nuntil = 5";
    assert!(LedgerColumns::parse(&format!("[person]\nbirth = 6{ticket}")).is_ok());
    let numberless = "[person]\nbirth = 1\n[[insurance]]\ninsurer = 2\ngained = 3";
    let error = LedgerColumns::parse(numberless).unwrap_err().to_string();
    assert!(
        error.starts_with("insurance 1: number is \"\": an insurance has a number of its own, or"),
        "{error}"
    );
    assert!(LedgerColumns::parse(&format!("held = {{ number = 4 }}\n{numberless}")).is_ok());
    let both = format!("[person]\nbirth = 6{ticket}\n[[insurance]]\ninsurer = 1\nnumber = 2\ngained = 7");
    assert!(LedgerColumns::parse(&both).is_err());
    assert!(LedgerColumns::shipped("no-such").is_none());
}

#[test]
fn what_each_column_of_a_ledger_gives_is_said_without_any_value() {
    let text = written(&[
        HANAKO,
        &[(7, "ミホン"), (10, "五月")],
        &[(10, "19500506"), (27, "いつか"), (44, "139999"), (4, "1")],
    ]);
    let columns = LedgerColumns::parse(LedgerColumns::shipped("kdb-ledger").unwrap()).unwrap();
    let (_, sum) = tried(&columns, text.as_bytes()).unwrap();
    assert_eq!((sum.lines, sum.told), (3, 2));
    let refused: Vec<(&str, u64)> = sum.refused.clone().into_iter().collect();
    assert_eq!(refused, [("no-birth-date", 1), ("not-a-day", 1)]);
    insta::assert_snapshot!(told(&sum), @r"
    3 held.symbol [0/0]
    4 held.number [1/2]
    5 person.care_number [1/1]
    7 person.name [1/2]
    8 person.sex [1/1]
    10 person.birth [1/3] no-birth-date 1
    27 insurance 1: gained [1/2] not-a-day 1
    28 insurance 1: lost [1/1]
    29 insurance 2: gained [1/1]
    30 insurance 2: lost [0/0]
    41 person.postal_code [1/1]
    43 area [1/1]
    44 insurance 1: insurer [1/2]
    58 insurance 1: number [1/1]
    62 insurance 2: insurer [1/1]
    79 insurance 1: branch [1/1]
    ");
    let columns = LedgerColumns::parse(LedgerColumns::shipped("checkup-tickets").unwrap()).unwrap();
    let (_, sum) = tried(
        &columns,
        tickets(NAMES_OF_TICKETS, &[&[(6, "19500506"), (1, "139999"), (4, "1")]]).as_bytes(),
    )
    .unwrap();
    insta::assert_snapshot!(told(&sum), @r"
    1 ticket.insurer [0/1]
    3 ticket.symbol [0/0]
    4 ticket.number [0/1]
    5 person.birth_era [0/0]
    6 person.birth [0/1]
    7 person.sex [0/0]
    10 ticket.year [0/0]
    11 ticket.ticket [0/0] no-ticket 1
    18 ticket.issued [0/0]
    19 ticket.until [0/0]
    86 ticket.void [0/0]
    ");
}

/// A ledger of an operator's own, in which a municipality stands with its days.
const OWN: &str = "
municipality = '市区町村コード'
municipality_since = '転入日'
municipality_until = '転出日'
[person]
birth = '生年月日'
[[insurance]]
insurer = { always = '139999' }
number = '番号'
gained = '取得日'
";

#[test]
fn a_municipality_is_taken_from_its_column_or_said_once_for_all() {
    let columns = LedgerColumns::parse(OWN).unwrap();
    assert!(columns.says_where());
    let text = "番号,生年月日,取得日,市区町村コード,転入日,転出日\n1,S25.5.6,H20.4.1,１３１０１６,R4.8.1,\n2,S25.5.6,H20.4.1,13102,,R6.3.31\n\
                3,S25.5.6,H20.4.1,,,\n4,S25.5.6,H20.4.1,131017,,\n5,S25.5.6,H20.4.1,00139999,,\n6,S25.5.6,H20.4.1,13101,いつか,\n";
    let (cp932, ..) = encoding_rs::SHIFT_JIS.encode(text);
    let (lines, sum) = tried(&columns, text.as_bytes()).unwrap();
    assert_eq!(tried(&columns, &cp932).unwrap(), (lines.clone(), sum.clone()));
    let told: Vec<_> = lines
        .into_iter()
        .map(|line| line.told.map(|told| told[0].residence))
        .collect();
    let [midori, aoi] = ["13101", "13102"].map(|code| Residence::of(Municipality::parse(code).unwrap()));
    let day = LocalDay::parse;
    assert_eq!(
        told,
        [
            Ok(Some(Residence {
                since: day("2022-08-01"),
                ..midori
            })),
            Ok(Some(Residence {
                until: day("2024-03-31"),
                ..aoi
            })),
            Ok(None),
            Err("wrong-check-digit"),
            // The number of an insurer is another number.
            Err("not-a-municipality"),
            Err("not-a-day"),
        ]
    );
    let refused: Vec<(&str, u64)> = sum.columns[3].refused.clone().into_iter().collect();
    assert_eq!(refused, [("not-a-municipality", 1), ("wrong-check-digit", 1)]);
    let once = OWN.replace("'市区町村コード'", "{ always = '131024' }");
    let (lines, _) = tried(&LedgerColumns::parse(&once).unwrap(), text.as_bytes()).unwrap();
    let residence = lines[2].told.as_ref().unwrap()[0].residence;
    assert_eq!(residence, Some(aoi));
    for (from, to, expected) in [
        (
            "'市区町村コード'",
            "{ always = '131025' }",
            "municipality is \"131025\": the check digit",
        ),
        (
            "'市区町村コード'",
            "{ always = '139999' }",
            "municipality is \"139999\"",
        ),
        (
            "municipality = '市区町村コード'",
            "",
            "days of a municipality belong to one",
        ),
    ] {
        let error = LedgerColumns::parse(&OWN.replace(from, to)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let shipped = LedgerColumns::parse(LedgerColumns::shipped("kdb-ledger").unwrap()).unwrap();
    assert!(
        !shipped.says_where(),
        "it has numbers of insurers, which are no codes of municipalities"
    );
}

#[test]
fn a_file_of_columns_is_known_for_a_ledger_s_by_what_it_tells_of() {
    assert!(LedgerColumns::is_meant(LedgerColumns::shipped("kdb-ledger").unwrap()));
    assert!(LedgerColumns::is_meant("[ticket]\ntypo = 1"));
    assert!(!LedgerColumns::is_meant("[checkup]\nday = 1") && !LedgerColumns::is_meant("not toml"));
}
