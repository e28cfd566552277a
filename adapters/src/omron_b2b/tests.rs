//! Whose an answer's readings are, and that a reading is the same whichever way it comes.

use model::Word;

use super::*;
use crate::Handed;
use crate::harness::read;

const OBTAINED: UtcMillis = UtcMillis(1_778_544_000_000);

const LIST: &str = r#"{"deviceCategory":"0","deviceModelList":[{"deviceModel":"HEM-7281T","deviceSerialIDList":[
    {"deviceSerialID":"A1","userNumberInDevice":"1","measureList":[{"measureDateFrom":"1778362500000","timeZone":"Asia/Tokyo",
    "bodyIndexList":{"1":["128","20496","0","1"],"2":["81","20496","0","2"]}}]}]}]}"#;

fn answer(users: &[(&str, &str)]) -> Vec<u8> {
    let users = users
        .iter()
        .map(|(user, list)| format!(r#"{{"UserId":"{user}","deviceCategoryList":[{list}]}}"#));
    let users: Vec<String> = users.collect();
    format!(
        r#"{{"NextSequenceNo":"17","PartnerList":[{{"PartnerId":"p","GroupList":[{{"GroupId":4,"GroupName":"n","UserList":[{}]}}]}}]}}"#,
        users.join(",")
    )
    .into_bytes()
}

fn ids(part: &Part) -> Vec<String> {
    let (collected, reading) = read(&OmronB2b, &part.text);
    assert!(reading.unwrap().accounting.adds_up());
    let records = collected.pieces.into_iter().filter_map(|piece| match piece {
        Handed::Identified(records) => Some(records),
        _ => None,
    });
    let records = records.flatten();
    records
        .map(|record| {
            assert!(matches!(record.what, Word::Holds(_)));
            record.id
        })
        .collect()
}

#[test]
fn an_answer_is_taken_apart_by_whose_it_is_and_says_where_to_go_on() {
    let page = OmronB2b
        .page(&answer(&[("a", LIST), ("b", LIST), ("a", LIST)]), OBTAINED)
        .unwrap();
    assert_eq!(page.next, 17);
    let accounts: Vec<&str> = page.parts.iter().map(|part| part.account.as_str()).collect();
    assert_eq!(
        accounts,
        ["4/a", "4/b"],
        "one text an account, its group ahead of its name"
    );
    assert_eq!(ids(&page.parts[0]).len(), 2);
    assert_eq!(ids(&page.parts[1]), ["HEM-7281T_A1_1_1778362500000"]);
    let nothing_new = r#"{"NextSequenceNo":18}"#;
    let page = OmronB2b.page(nothing_new.as_bytes(), OBTAINED).unwrap();
    assert_eq!((page.next, page.parts.len()), (18, 0));
    for none in ["", "[]", "<p>", r#"{"PartnerList":[]}"#, r#"{"NextSequenceNo":"x"}"#] {
        assert_eq!(OmronB2b.page(none.as_bytes(), OBTAINED), Err(NotAnAnswer), "{none}");
    }
}

#[test]
fn a_reading_of_a_file_has_the_id_that_it_has_in_an_answer() {
    let file = r#"[{"PartnerId":"p","GroupId":"4","UserId":"b","deviceCategory":"0","measureList":[
        {"_id":"HEM-7281T_A1_1_1778362500000","timeZone":"Asia/Tokyo",
         "bodyIndexList":{"1":["128","20496","0","1"],"2":["81","20496","0","2"]}}]}]"#;
    let parts = OmronB2b.file(file.as_bytes(), OBTAINED).unwrap();
    let page = OmronB2b.page(&answer(&[("b", LIST)]), OBTAINED).unwrap();
    assert_eq!(parts[0].account, page.parts[0].account);
    assert_eq!(ids(&parts[0]), ids(&page.parts[0]));
    assert_eq!(OmronB2b.file(b"{}", OBTAINED), Err(NotAnAnswer));
    assert_eq!(
        OmronB2b.file(br#"[{"UserId":"b"}]"#, OBTAINED),
        Err(NotAnAnswer),
        "nobody's"
    );
}

#[test]
fn the_password_goes_in_the_body_and_the_number_in_the_address() {
    let partner = Partner {
        number: "p-1",
        tenant: "t-1",
        account: ("town", "secret"),
    };
    let call = OmronB2b.sign_in(&partner);
    assert_eq!(call.path, "/oauth2/token");
    assert_eq!(call.body.unwrap()["password"], "secret");
    let call = OmronB2b.request(&partner, 17);
    assert!(call.path.ends_with("/wps/8/t-1/partners/p-1/vital-signs?SequenceNo=17"));
    assert_eq!(call.headers, [("MyLoginName", "town".to_owned())]);
    let answer = br#"{"id":"1","access_token":"t","refresh_token":"r","expires_in":2147483647,"token_type":"bearer"}"#;
    assert_eq!(OmronB2b.token(answer), Ok(("t".to_owned(), 2_147_483_647)));
}

#[test]
fn a_list_of_another_shape_is_rejected_and_those_beside_it_are_read() {
    let other = r#"{"deviceCategory":"9","results":[{"value":1}]}"#;
    let page = OmronB2b
        .page(&answer(&[("b", &format!("{other},{LIST}"))]), OBTAINED)
        .unwrap();
    let (collected, reading) = read(&OmronB2b, &page.parts[0].text);
    let accounting = reading.unwrap().accounting;
    assert_eq!((collected.records(), accounting.rejected), (1, 1));
    let reasons: Vec<&str> = accounting.reasons.keys().map(|(_, reason)| reason.as_str()).collect();
    assert_eq!(reasons, ["shape-unknown"]);
}
