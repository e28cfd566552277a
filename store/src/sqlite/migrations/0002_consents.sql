-- Consents, who they are given to, what was handed out under them, and the record of what was read.
-- consent_change and access_event are kept after an erasure: their bodies are sealed with the key of the person's custodian.

-- Numbers are random, so that none is given twice after an older database was brought back.
CREATE TABLE recipient (
    id           INTEGER PRIMARY KEY,
    organisation INTEGER NOT NULL REFERENCES organisation (id),
    name_ja      TEXT    NOT NULL,
    name_en      TEXT    NOT NULL,
    created_ms   INTEGER NOT NULL
) STRICT;

CREATE TABLE recipient_purpose (
    recipient INTEGER NOT NULL REFERENCES recipient (id),
    purpose   TEXT    NOT NULL,
    place     INTEGER NOT NULL,
    text_ja   TEXT    NOT NULL,
    text_en   TEXT    NOT NULL,
    PRIMARY KEY (recipient, purpose)
) STRICT, WITHOUT ROWID;

-- redirect_uris is a JSON array. secret_hash is the SHA-256 of a confidential client's secret.
CREATE TABLE client (
    client_id     TEXT    PRIMARY KEY,
    recipient     INTEGER NOT NULL REFERENCES recipient (id),
    name          TEXT    NOT NULL,
    secret_hash   BLOB,
    redirect_uris TEXT    NOT NULL,
    launch_url    TEXT,
    created_ms    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Where each consent stands: its latest version, that version's last change, and when nothing of it holds any more.
CREATE TABLE consent (
    id        INTEGER PRIMARY KEY,
    person    INTEGER NOT NULL REFERENCES person (id),
    recipient INTEGER NOT NULL,
    purpose   TEXT    NOT NULL,
    state     INTEGER NOT NULL,
    version   INTEGER NOT NULL,
    change    INTEGER NOT NULL,
    ends_ms   INTEGER
) STRICT;
CREATE INDEX consent_by_person ON consent (person);
CREATE UNIQUE INDEX consent_one_active ON consent (person, recipient, purpose) WHERE state = 1;
CREATE INDEX consent_by_end ON consent (ends_ms) WHERE state = 1 AND ends_ms IS NOT NULL;

-- Every change of every version of a consent, whole, as it stood from then on. Never changed, never deleted.
CREATE TABLE consent_change (
    person  INTEGER NOT NULL,
    number  INTEGER NOT NULL,
    consent INTEGER NOT NULL,
    body    BLOB    NOT NULL,
    hash    BLOB    NOT NULL,
    PRIMARY KEY (person, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX consent_change_by_consent ON consent_change (consent, number);

-- What a recipient was given, when, under which version of a consent. Never changed, never deleted.
CREATE TABLE access_event (
    person INTEGER NOT NULL,
    number INTEGER NOT NULL,
    body   BLOB    NOT NULL,
    hash   BLOB    NOT NULL,
    PRIMARY KEY (person, number)
) STRICT, WITHOUT ROWID;

-- The end of each chain of a person. hash of a row is SHA-256 over the hash before it and its body.
CREATE TABLE chain_head (
    person INTEGER NOT NULL,
    chain  INTEGER NOT NULL,
    number INTEGER NOT NULL,
    hash   BLOB    NOT NULL,
    PRIMARY KEY (person, chain)
) STRICT, WITHOUT ROWID;

-- Handles are known by the SHA-256 of their text only.
CREATE TABLE code (
    hash           BLOB    PRIMARY KEY,
    person         INTEGER NOT NULL,
    recipient      INTEGER NOT NULL,
    consent        INTEGER NOT NULL,
    family         INTEGER NOT NULL,
    state          INTEGER NOT NULL,
    client_id      TEXT    NOT NULL,
    redirect_uri   TEXT    NOT NULL,
    code_challenge BLOB    NOT NULL,
    scopes         TEXT    NOT NULL,
    nonce          TEXT,
    expires_ms     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX code_by_expiry ON code (expires_ms);
CREATE INDEX code_by_person ON code (person);

-- All that came of one code; only tokens of the living generation hold.
CREATE TABLE token_family (
    id         INTEGER PRIMARY KEY,
    person     INTEGER NOT NULL,
    recipient  INTEGER NOT NULL,
    consent    INTEGER NOT NULL,
    client_id  TEXT    NOT NULL,
    generation INTEGER NOT NULL,
    parent     INTEGER NOT NULL,
    rotated_ms INTEGER NOT NULL,
    revoked    INTEGER
) STRICT;
CREATE INDEX token_family_by_consent ON token_family (consent);
CREATE INDEX token_family_by_person ON token_family (person);

CREATE TABLE token (
    hash       BLOB    PRIMARY KEY,
    person     INTEGER NOT NULL,
    family     INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    kind       INTEGER NOT NULL,
    scopes     TEXT    NOT NULL,
    expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX token_by_family ON token (family);
CREATE INDEX token_by_expiry ON token (expires_ms);
CREATE INDEX token_by_person ON token (person);

-- body is sealed with a key made of the handle's hash and the lookup key.
CREATE TABLE session (
    hash       BLOB    PRIMARY KEY,
    person     INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    body       BLOB    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_by_expiry ON session (expires_ms);
CREATE INDEX session_by_person ON session (person);

-- A sign-in or an authorization request under way; sealed as sessions are.
CREATE TABLE pending (
    hash       BLOB    NOT NULL,
    kind       INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    body       BLOB    NOT NULL,
    PRIMARY KEY (hash, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX pending_by_expiry ON pending (expires_ms);
