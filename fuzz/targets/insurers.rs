//! What insurers hand over: packages of documents, plain and locked, tables and ledgers by every file of columns that comes with the
//! program, and files of columns that an operator writes.
#![no_main]

use std::ops::ControlFlow;
use std::sync::LazyLock;

use adapters::Input;
use adapters::checkup::columns::{self, Columns, LedgerColumns};
use adapters::checkup::package::{self, PackageEntry};

const TABLES: [&str; 3] = ["checkup-history", "guidance", "elderly-questionnaire"];
const LEDGERS: [&str; 2] = ["kdb-ledger", "checkup-tickets"];

static OF_TABLES: LazyLock<Vec<Columns>> = LazyLock::new(|| {
    let shipped = TABLES.iter().map(|name| Columns::shipped(name).expect("it is shipped"));
    shipped.map(|text| Columns::parse(text).expect("it is read")).collect()
});

static OF_LEDGERS: LazyLock<Vec<LedgerColumns>> = LazyLock::new(|| {
    let shipped = LEDGERS.iter().map(|name| LedgerColumns::shipped(name).expect("it is shipped"));
    shipped.map(|text| LedgerColumns::parse(text).expect("it is read")).collect()
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let input = Input {
        bytes: &bytes,
        size: bytes.len() as u64,
    };
    let counted = |read: &dyn Fn(package::Each<'_>) -> Option<u64>| {
        let mut handed = 0;
        let documents = read(&mut |entry: PackageEntry| {
            handed += 1;
            assert!(entry.checkup.is_some() || !entry.left_out.is_empty(), "an entry that says nothing");
            ControlFlow::Continue(())
        });
        if let Some(documents) = documents {
            assert_eq!(documents, handed, "documents that were not handed on");
        }
    };
    counted(&|each| package::zip(&input, each).ok().map(|sum| sum.documents));
    if package::is_locked(&input) {
        counted(&|each| package::locked_zip(&input, b"secret", each).ok().map(|sum| sum.documents));
    }
    for of_table in OF_TABLES.iter() {
        counted(&|each| columns::table(of_table, &input, each).ok().map(|sum| sum.documents));
    }
    for of_ledger in OF_LEDGERS.iter() {
        let _ = columns::ledger(of_ledger, &input, &mut |_| ControlFlow::Continue(()));
    }
    let _ = columns::look_through(&input);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = (Columns::parse(text), LedgerColumns::parse(text));
    }
});
