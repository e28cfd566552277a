-- What residents let a portal of the state hand over for some weeks; and the number of long-term care insurance among what records are
-- matched by: a keyed hash of it and the birth date, empty where nobody said it.
ALTER TABLE insurance ADD COLUMN care_hash BLOB NOT NULL DEFAULT x'';
ALTER TABLE waiting_checkup ADD COLUMN care_hash BLOB NOT NULL DEFAULT x'';
CREATE INDEX insurance_by_care ON insurance (care_hash) WHERE length(care_hash) > 0;
CREATE INDEX waiting_by_care ON waiting_checkup (care_hash) WHERE length(care_hash) > 0;

-- `reader` is who signed in and agreed: the person, or somebody who acts for them. `handle` is a hash of what the browser comes back
-- with, `browser` one of the session that it left from. `session` is the portal's name of it, sealed; gone once it is over. `due_ms` is
-- when something is to be done; NULL: nothing any more. A number is never
-- given twice, since rows that nobody agreed to are deleted while a browser may still be under way with them. `fence` grows with each change, so that who looked at it before changes nothing.
CREATE TABLE delegation (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    person     INTEGER NOT NULL REFERENCES person (id),
    reader     INTEGER NOT NULL,
    vendor     TEXT    NOT NULL,
    state      INTEGER NOT NULL,
    why        INTEGER,
    handle     BLOB    NOT NULL UNIQUE,
    browser    BLOB    NOT NULL,
    session    BLOB,
    begun_ms   INTEGER NOT NULL,
    agreed_ms  INTEGER,
    expires_ms INTEGER,
    fetched_ms INTEGER,
    over_ms    INTEGER,
    due_ms     INTEGER,
    fence      INTEGER NOT NULL DEFAULT 0,
    attempts   INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX delegation_of_person ON delegation (person, id);
CREATE INDEX delegation_by_due ON delegation (due_ms) WHERE due_ms IS NOT NULL;

-- What vendors allowed us for people who were erased since, until it was given back; sealed with the organisation's key, since theirs is
-- gone. Nothing says whose it was.
CREATE TABLE orphaned_tokens (
    id           INTEGER PRIMARY KEY,
    organisation INTEGER NOT NULL REFERENCES organisation (id),
    vendor       TEXT    NOT NULL,
    due_ms       INTEGER NOT NULL,
    attempts     INTEGER NOT NULL DEFAULT 0,
    body         BLOB    NOT NULL
) STRICT;
CREATE INDEX orphaned_tokens_by_due ON orphaned_tokens (vendor, due_ms);
