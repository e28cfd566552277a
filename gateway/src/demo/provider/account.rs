//! Who can sign in, and whether a password is theirs: hashed with Argon2id, compared in constant time, and as slow for a
//! name that nobody has.

use std::sync::Arc;

use argon2::Argon2;
use model::environment::Randomness;
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::{Login, SetupError};

/// Passwords that are checked at once, each with 19 MiB and tens of milliseconds of a core; further ones are sent away.
const AT_ONCE: usize = 16;

/// The longest password that is looked at, in bytes.
const MAX_PASSWORD: usize = 256;

/// Somebody who can sign in.
pub struct Account {
    login: String,
    password: Hashed,
    /// Their number here.
    pub sub: String,
    /// What they are called.
    pub name: String,
}

#[derive(Clone, Copy)]
struct Hashed {
    salt: [u8; 16],
    hash: [u8; 32],
}

/// All who can sign in.
pub struct Accounts {
    accounts: Vec<Account>,
    nobody: Hashed,
    turns: Arc<Semaphore>,
}

/// Which of the accounts.
pub type AccountNumber = usize;

/// What came of a name and a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They are this account's.
    Is(AccountNumber),
    /// They are not. Which of the two is wrong is not said.
    Wrong,
    /// Too many are being checked.
    Busy,
}

impl Hashed {
    fn new(password: &[u8], salt: [u8; 16]) -> Result<Self, SetupError> {
        let mut hash = [0; 32];
        hasher()
            .hash_password_into(password, &salt, &mut hash)
            .map_err(|_| SetupError::Password)?;
        Ok(Self { salt, hash })
    }

    fn is_of(self, password: &[u8]) -> bool {
        Self::new(password, self.salt).is_ok_and(|other| other.hash.ct_eq(&self.hash).into())
    }
}

/// Argon2id, 19 MiB, two passes: the defaults, which are OWASP's.
#[cfg(not(test))]
fn hasher() -> Argon2<'static> {
    Argon2::default()
}

/// As small as it can be: tests start a provider each.
#[cfg(test)]
fn hasher() -> Argon2<'static> {
    let small = argon2::Params::new(8, 1, 1, None).unwrap();
    Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, small)
}

impl Accounts {
    /// Hashes the passwords.
    pub fn new(logins: Vec<Login>, randomness: &dyn Randomness) -> Result<Self, SetupError> {
        let salt = || {
            let mut salt = [0; 16];
            randomness.fill(&mut salt);
            salt
        };
        let accounts = logins
            .into_iter()
            .map(|login| {
                let typed = Zeroizing::new(login.password);
                let password = Hashed::new(typed.as_bytes(), salt())?;
                Ok(Account {
                    login: login.login,
                    password,
                    sub: login.sub,
                    name: login.name,
                })
            })
            .collect::<Result<_, SetupError>>()?;
        Ok(Self {
            accounts,
            nobody: Hashed::new(&[], salt())?,
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        })
    }

    /// The account of this number.
    pub fn get(&self, number: AccountNumber) -> Option<&Account> {
        self.accounts.get(number)
    }

    /// Whose name and password these are.
    pub async fn check(&self, login: &str, password: String) -> Verdict {
        let password = Zeroizing::new(password);
        let Ok(turn) = Arc::clone(&self.turns).try_acquire_owned() else {
            return Verdict::Busy;
        };
        let number = self.accounts.iter().position(|account| account.login == login);
        let hashed = number
            .and_then(|number| self.accounts.get(number))
            .map_or(self.nobody, |account| account.password);
        let checked = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            password.len() <= MAX_PASSWORD && hashed.is_of(password.as_bytes())
        });
        match (number, checked.await) {
            (Some(number), Ok(true)) => Verdict::Is(number),
            _ => Verdict::Wrong,
        }
    }
}
