//! `sekisho keys rotate` with the real binary: the data opens with the new master key and no more with the old one, and a crash
//! between the two steps is gone over by running it again.
#![expect(clippy::unwrap_used, reason = "a test")]

#[expect(dead_code, reason = "the demo is for other tests")]
mod binary;

use std::path::Path;

fn sekisho(data: &Path, arguments: &[&str]) -> (bool, String) {
    let output = binary::sekisho()
        .args(arguments)
        .arg("--data")
        .arg(data)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[test]
fn a_new_master_key_opens_the_data_and_the_old_one_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    assert!(sekisho(&data, &["person", "add", "--name", "花子"]).0);
    let key = data.join("secrets/master.key");
    let old = std::fs::read(&key).unwrap();
    let (done, said) = sekisho(&data, &["keys", "rotate"]);
    assert!(done, "{said}");
    let new = std::fs::read(&key).unwrap();
    assert_ne!(old, new);
    assert!(sekisho(&data, &["person", "list"]).1.contains("花子"));

    std::fs::write(&key, &old).unwrap();
    let (opened, said) = sekisho(&data, &["person", "list"]);
    assert!(!opened && said.contains("master key"), "{said}");

    // As a crash leaves it: the keys lie under the new key, which still stands beside the old one.
    std::fs::write(data.join("secrets/master.next"), &new).unwrap();
    let (done, said) = sekisho(&data, &["keys", "rotate", "--master"]);
    assert!(done, "{said}");
    assert_eq!(std::fs::read(&key).unwrap(), new);
    let (healthy, said) = sekisho(&data, &["doctor"]);
    assert!(healthy, "{said}");
}
