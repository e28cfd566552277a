//! Rows of links that cannot be read: each is left alone, and holds up nobody else's.

use std::sync::Arc;

use consent::OwnAccess;
use model::environment::{HandClock, SeededRandomness};
use model::{PersonId, UtcMillis};
use rusqlite::params;

use super::links::UNREADABLE_MS;
use crate::{LinkTokens, MasterKey, NewLink, NewPerson, OpenOptions, Result, Store};

const CLOUD: &str = "cloud";

async fn opened(folder: &std::path::Path, clock: &Arc<HandClock>) -> Result<Store> {
    Store::open(OpenOptions {
        folder: folder.to_owned(),
        master_key: MasterKey::new([7; 32]),
        clock: Arc::new(Arc::clone(clock)),
        randomness: Arc::new(SeededRandomness::new(1)),
        exclusive: true,
        size_limit: None,
    })
    .await
}

/// Three people, each with a link.
async fn connected(store: &Store) -> Result<Vec<(PersonId, i64)>> {
    let mut all = Vec::new();
    for account in ["a", "b", "c"] {
        let person = store.create_person(NewPerson::default()).await?;
        let new = NewLink {
            vendor: CLOUD.to_owned(),
            account: account.to_owned(),
            scopes: Vec::new(),
            zone: None,
            tokens: LinkTokens {
                access: account.to_owned(),
                refresh: None,
                expires: 0,
            },
            continues: None,
        };
        let link = store.connect_link(&OwnAccess::of_signed_in(person), new).await?;
        all.push((person, link.id));
    }
    Ok(all)
}

/// Changes a byte in the middle of what one row holds in a column.
async fn damage(store: &Store, table: &'static str, column: &'static str, id: i64) -> Result<()> {
    let change = move |writing: &super::writer::Writing<'_>| -> Result<()> {
        let select = format!("SELECT {column} FROM {table} WHERE id = ?1");
        let mut held: Vec<u8> = writing.query_row(&select, [id], |row| row.get(0)).expect("a row");
        let middle = held.len() / 2;
        held[middle] ^= 1;
        let update = format!("UPDATE {table} SET {column} = ?2 WHERE id = ?1");
        assert_eq!(writing.execute(&update, params![id, held]), Ok(1));
        Ok(())
    };
    store.database.write("damage a row", change).await
}

async fn leased(store: &Store, limit: u32) -> Result<Vec<i64>> {
    let leased = store.lease_links(CLOUD, limit).await?;
    Ok(leased.iter().map(|leased| leased.link.id).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_cannot_be_read_holds_up_no_other() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(HandClock::at(UtcMillis(1_778_382_000_000)));
    let store = opened(folder.path(), &clock).await?;
    let links = connected(&store).await?;
    damage(&store, "link", "progress", links[0].1).await?;
    damage(&store, "link", "tokens", links[1].1).await?;
    assert!(leased(&store, 2).await?.is_empty(), "both were due longest");
    assert_eq!(leased(&store, 2).await?, [links[2].1]);
    assert!(!store.has_due_links(CLOUD).await?);
    clock.advance(UNREADABLE_MS);
    assert!(store.has_due_links(CLOUD).await?, "they are tried again");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_cannot_be_read_hold_up_neither_others_nor_an_erasure() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(HandClock::at(UtcMillis(1_778_382_000_000)));
    let store = opened(folder.path(), &clock).await?;
    let links = connected(&store).await?;
    damage(&store, "link", "tokens", links[0].1).await?;
    for (person, _) in &links {
        store.erase_person(*person).await?;
    }
    damage(&store, "orphaned_tokens", "body", 1).await?;
    let orphaned = store.lease_orphaned_tokens(CLOUD, 8).await?;
    let whose: Vec<&str> = orphaned
        .iter()
        .map(|orphaned| orphaned.tokens.access.as_str())
        .collect();
    assert_eq!(whose, ["c"]);
    store.end_orphaned_tokens(orphaned[0].id, None).await?;
    clock.advance(crate::LINK_LEASE_MS + 1);
    assert!(store.lease_orphaned_tokens(CLOUD, 8).await?.is_empty());
    Ok(())
}
