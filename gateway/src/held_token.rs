//! An access token of this gateway itself, held until shortly before its end.

use model::UtcMillis;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

/// How long before its end a token is not used any more, in milliseconds.
const SPARE_MS: i64 = 60_000;

/// The token, and until when it is good.
#[derive(Default)]
pub struct HeldToken(Mutex<Option<(Zeroizing<String>, UtcMillis)>>);

impl HeldToken {
    /// The one that is held, or the one that `fetch` brings, with the seconds for which it is good.
    /// Whoever comes meanwhile waits for it.
    ///
    /// # Errors
    /// What fetching answers.
    pub async fn get<E>(
        &self,
        now: UtcMillis,
        fetch: impl Future<Output = Result<(String, i64), E>>,
    ) -> Result<Zeroizing<String>, E> {
        let mut held = self.0.lock().await;
        if let Some((token, until)) = held.as_ref()
            && now.plus(SPARE_MS) < *until
        {
            return Ok(token.clone());
        }
        let (token, seconds) = fetch.await?;
        let token = Zeroizing::new(token);
        *held = Some((token.clone(), now.plus(seconds * 1_000)));
        Ok(token)
    }

    /// It is good no more: the next is fetched.
    pub async fn forget(&self) {
        *self.0.lock().await = None;
    }
}
