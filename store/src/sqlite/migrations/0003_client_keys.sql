-- Clients that authenticate by a signature, and when the resident signed in who agreed to what a code stands for.

-- A JSON Web Key Set with the public keys of the client; a client that has one authenticates in no other way.
ALTER TABLE client ADD COLUMN keys TEXT;

-- For the ID token's auth_time.
ALTER TABLE code ADD COLUMN signed_in_ms INTEGER;

-- Assertions that were shown, by the hash of client and jti: each holds once.
CREATE TABLE client_assertion (
    hash       BLOB    PRIMARY KEY,
    expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX client_assertion_by_expiry ON client_assertion (expires_ms);
