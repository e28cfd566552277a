-- What remains to be done, where recipients want to be told, how they registered, and their own tokens.

-- A job is enqueued in the transaction of its cause. lane keeps those to one recipient together, so that one that does not answer
-- does not hold up the others. due_ms: while waiting, not before; under lease, until when the lease holds; afterwards, when it
-- ended. fence counts leases: who comes back with an older one has lost it. body is JSON and holds numbers only, no value and
-- no name.
CREATE TABLE job (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    lane       INTEGER NOT NULL,
    state      INTEGER NOT NULL,
    due_ms     INTEGER NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    fence      INTEGER NOT NULL DEFAULT 0,
    created_ms INTEGER NOT NULL,
    consent    INTEGER,
    body       TEXT    NOT NULL,
    problem    TEXT
) STRICT;
CREATE INDEX job_by_lane ON job (state, lane, due_ms);
CREATE INDEX job_by_consent ON job (consent) WHERE consent IS NOT NULL;

-- Where a recipient takes messages. secret is sealed with the key of the recipient's organisation.
CREATE TABLE recipient_endpoint (
    recipient  INTEGER PRIMARY KEY REFERENCES recipient (id),
    url        TEXT    NOT NULL,
    secret     BLOB    NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT;

-- Who is responsible for a recipient, whom to ask, and where it stands: 1 asked for, 2 approved, 3 blocked.
ALTER TABLE recipient ADD COLUMN state INTEGER NOT NULL DEFAULT 2;
ALTER TABLE recipient ADD COLUMN company TEXT NOT NULL DEFAULT '';
ALTER TABLE recipient ADD COLUMN contact TEXT NOT NULL DEFAULT '';
ALTER TABLE recipient ADD COLUMN privacy_policy TEXT NOT NULL DEFAULT '';

-- The scopes that a client may ask for at most (NULL: all that are offered), where its keys are published, and the hash of the
-- token with which it manages its own registration (RFC 7592). A new client of a recipient waits for approval as well.
ALTER TABLE client ADD COLUMN state INTEGER NOT NULL DEFAULT 2;
ALTER TABLE client ADD COLUMN scopes TEXT;
ALTER TABLE client ADD COLUMN jwks_uri TEXT;
ALTER TABLE client ADD COLUMN registration_hash BLOB;

-- Access tokens that a client holds for itself (client_credentials): of no person, for one purpose.
CREATE TABLE system_token (
    hash       BLOB    PRIMARY KEY,
    client_id  TEXT    NOT NULL,
    recipient  INTEGER NOT NULL,
    purpose    TEXT    NOT NULL,
    scopes     TEXT    NOT NULL,
    expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX system_token_by_expiry ON system_token (expires_ms);

CREATE INDEX consent_by_recipient ON consent (recipient, person);

-- Who runs an organisation's side. identity is a keyed hash of (issuer, subject), as residents' are.
CREATE TABLE operator (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation INTEGER NOT NULL REFERENCES organisation (id),
    name         TEXT    NOT NULL,
    identity     BLOB    NOT NULL UNIQUE,
    created_ms   INTEGER NOT NULL,
    ended_ms     INTEGER
) STRICT;

CREATE TABLE operator_session (
    hash       BLOB    PRIMARY KEY,
    operator   INTEGER NOT NULL REFERENCES operator (id),
    issued_ms  INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX operator_session_by_expiry ON operator_session (expires_ms);

-- What was done on an organisation's side: chained like access events, sealed with the organisation's key. Its head stands in
-- chain_head under chain 3 and the organisation's number.
CREATE TABLE organisation_event (
    organisation INTEGER NOT NULL,
    number       INTEGER NOT NULL,
    body         BLOB    NOT NULL,
    hash         BLOB    NOT NULL,
    PRIMARY KEY (organisation, number)
) STRICT, WITHOUT ROWID;

-- Up to which row a chain's head was signed, and what was signed: a JWS over the heads that moved and the signature before.
ALTER TABLE chain_head ADD COLUMN signed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX chain_head_unsigned ON chain_head (chain, person) WHERE number > signed;
CREATE TABLE signed_head (
    number INTEGER PRIMARY KEY,
    at_ms  INTEGER NOT NULL,
    jws    TEXT    NOT NULL
) STRICT;
