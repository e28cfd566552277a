//! A store in a folder that vanishes, a clock in the hand, and short ways to say what a test is about.

use std::path::Path;
use std::sync::Arc;

use model::environment::{Clock as _, HandClock, SeededRandomness};
use model::{PersonId, UtcMillis};
use store::{MasterKey, NewPerson, OpenOptions, Result, Store};
use tempfile::TempDir;

/// 2026-05-10T00:00:00+09:00, the day most tests live on.
pub const MAY_10: UtcMillis = UtcMillis(1_778_338_800_000);

/// An open store with its folder and its clock.
pub struct House {
    pub store: Store,
    pub clock: Arc<HandClock>,
    pub folder: TempDir,
    seed: u64,
}

/// How the tests open a folder.
pub fn options(folder: &Path, clock: &Arc<HandClock>, seed: u64) -> OpenOptions {
    OpenOptions {
        folder: folder.to_owned(),
        master_key: MasterKey::new([7; 32]),
        clock: Arc::new(Arc::clone(clock)),
        randomness: Arc::new(SeededRandomness::new(seed)),
        exclusive: true,
        size_limit: None,
    }
}

impl House {
    /// A new store at noon of 2026-05-20.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let clock = Arc::new(HandClock::at(
            MAY_10.plus(10 * model::time::DAY_MS + 12 * model::time::HOUR_MS),
        ));
        let store = Store::open(options(folder.path(), &clock, 1))
            .await
            .expect("a new store");
        Self {
            store,
            clock,
            folder,
            seed: 1,
        }
    }

    /// Closes the store and opens the folder again.
    pub async fn reopen(&mut self) -> Result<()> {
        self.store.clone().close().await;
        self.seed += 1;
        self.store = Store::open(options(self.folder.path(), &self.clock, self.seed)).await?;
        Ok(())
    }

    /// A person who lives in Japan.
    pub async fn person(&self) -> PersonId {
        self.store
            .create_person(NewPerson {
                name: Some("山田 花子".to_owned()),
                ..NewPerson::default()
            })
            .await
            .expect("a person")
    }

    /// The instant now.
    pub fn now(&self) -> UtcMillis {
        self.clock.now()
    }
}
