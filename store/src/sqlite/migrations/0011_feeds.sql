-- What vendors hand a partner of many people in one account: how far it was read, whose each account there is, and what waits of
-- accounts of which nobody knows whose they are. Ids of orphaned tokens that are never given a second time. And which sources may hold
-- copies of what another vendor measured, so that most searches need not open any.

CREATE TABLE feed (
    organisation  INTEGER NOT NULL REFERENCES organisation (id),
    vendor        TEXT    NOT NULL,
    next_sequence INTEGER NOT NULL,
    PRIMARY KEY (organisation, vendor)
) STRICT, WITHOUT ROWID;

-- The vendor's name of an account is kept as a keyed hash alone.
CREATE TABLE feed_account (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation INTEGER NOT NULL REFERENCES organisation (id),
    vendor       TEXT    NOT NULL,
    account_hash BLOB    NOT NULL,
    person       INTEGER NOT NULL,
    known_ms     INTEGER NOT NULL,
    came_ms      INTEGER,
    ended_ms     INTEGER
) STRICT;
CREATE UNIQUE INDEX feed_account_by_hash ON feed_account (organisation, vendor, account_hash);
CREATE INDEX feed_account_of_person ON feed_account (person);

-- Compressed, and sealed with the organisation's key.
CREATE TABLE feed_waiting (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation INTEGER NOT NULL REFERENCES organisation (id),
    vendor       TEXT    NOT NULL,
    account_hash BLOB    NOT NULL,
    received_ms  INTEGER NOT NULL,
    body         BLOB    NOT NULL
) STRICT;
CREATE INDEX feed_waiting_by_hash ON feed_waiting (organisation, vendor, account_hash, id);
CREATE INDEX feed_waiting_by_time ON feed_waiting (received_ms);

ALTER TABLE source ADD COLUMN copies INTEGER NOT NULL DEFAULT 0;

ALTER TABLE orphaned_tokens RENAME TO orphaned_before;
DROP INDEX orphaned_tokens_by_due;
CREATE TABLE orphaned_tokens (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation INTEGER NOT NULL REFERENCES organisation (id),
    vendor       TEXT    NOT NULL,
    due_ms       INTEGER NOT NULL,
    attempts     INTEGER NOT NULL DEFAULT 0,
    body         BLOB    NOT NULL
) STRICT;
INSERT INTO orphaned_tokens SELECT id, organisation, vendor, due_ms, attempts, body FROM orphaned_before;
DROP TABLE orphaned_before;
CREATE INDEX orphaned_tokens_by_due ON orphaned_tokens (vendor, due_ms);
