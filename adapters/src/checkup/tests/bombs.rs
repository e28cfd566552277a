//! Packages that unpack to far more than they seem to hold.

use std::ops::ControlFlow;

use super::*;

/// Files of spaces: each may be a document by its size, all of them are far more than their package.
fn bomb() -> Vec<(String, Vec<u8>)> {
    let large = [b"<a>".to_vec(), vec![b' '; 7 << 20], b"</a>".to_vec()].concat();
    (0..16)
        .map(|place| (format!("DATA/h{place}.xml"), large.clone()))
        .collect()
}

fn as_files(files: &[(String, Vec<u8>)]) -> Vec<(&str, &[u8])> {
    let borrowed = files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()));
    borrowed.collect()
}

#[test]
fn a_package_that_is_a_bomb_is_refused_and_nothing_of_it_is_handed_on() {
    let one = document(&MadeUp::of(1).checkup(2024));
    let files = [vec![("DATA/a.xml".to_owned(), one.into_bytes())], bomb()].concat();
    let mut packed = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (path, bytes) in &files {
        let options = zip::write::SimpleFileOptions::default();
        packed.start_file(path.as_str(), options).unwrap();
        std::io::Write::write_all(&mut packed, bytes).unwrap();
    }
    let plain = packed.finish().unwrap().into_inner();
    for (bytes, password) in [(plain, None), (locked(&as_files(&files), "p", false), Some(b"p"))] {
        assert!(bytes.len() < 1 << 20);
        let input = Input {
            bytes: &bytes,
            size: bytes.len() as u64,
        };
        let mut handed = 0;
        let mut each = |_| {
            handed += 1;
            ControlFlow::Continue(())
        };
        let taken = match password {
            None => package::zip(&input, &mut each),
            Some(password) => package::locked_zip(&input, password, &mut each),
        };
        let why = taken.unwrap_err().to_string();
        assert!(handed == 0 && why.contains("decompression bomb"), "{why}");
    }
}

#[test]
fn a_bomb_that_a_password_locks_ends_for_whoever_looks_at_it_unlocked() {
    // Called as nothing that is read, so that only who looks at all of it meets it.
    let files: Vec<_> = bomb()
        .into_iter()
        .map(|(path, bytes)| (format!("{path}.bin"), bytes))
        .collect();
    for is_old in [false, true] {
        let bytes = locked(&as_files(&files), "p", is_old);
        let input = Input {
            bytes: &bytes,
            size: bytes.len() as u64,
        };
        let mut unpacked = 0;
        let looked = package::unlocked(&input, b"p", &mut |_, file| {
            unpacked += std::io::copy(file, &mut std::io::sink()).unwrap();
            ControlFlow::Continue(())
        });
        let why = looked.unwrap_err().to_string();
        assert!(why.contains("decompression bomb"), "{why}");
        assert!(unpacked <= (64 << 20) + 300 * bytes.len() as u64, "{unpacked}");
    }
}

#[test]
fn of_a_file_that_is_damaged_in_a_locked_package_what_unpacks_is_looked_at_and_the_rest_too() {
    let [one, two] = [1, 2].map(|seed| document(&MadeUp::of(seed).checkup(2024)));
    let files = [("h1.xml", one.as_bytes()), ("h2.xml", two.as_bytes())];
    let mut bytes = locked(&files, "p", false);
    let input = Input {
        bytes: &bytes.clone(),
        size: bytes.len() as u64,
    };
    let seen = |input: &Input<'_>| {
        let mut seen = Vec::new();
        package::unlocked(input, b"p", &mut |path, file| {
            let mut text = Vec::new();
            file.read_to_end(&mut text).unwrap();
            seen.push((path.to_owned(), text));
            ControlFlow::Continue(())
        })
        .unwrap();
        seen
    };
    let whole = seen(&input);
    assert!(
        whole
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_slice()))
            .eq(files)
    );
    let place = bytes.len() / 4;
    bytes[place] ^= 1;
    let damaged = seen(&Input {
        bytes: &bytes,
        size: bytes.len() as u64,
    });
    assert_eq!((damaged.len(), &damaged[1]), (2, &whole[1]));
    assert_ne!(damaged[0], whole[0]);
    // It is let go where it is told to stop, and says so where the password is another.
    let mut looked = 0;
    package::unlocked(&input, b"p", &mut |_, _| {
        looked += 1;
        ControlFlow::Break(())
    })
    .unwrap();
    assert_eq!(looked, 1);
    let other = package::unlocked(&input, b"q", &mut |_, _| ControlFlow::Continue(()));
    assert!(matches!(other, Err(AdapterError::OtherPassword)));
}
