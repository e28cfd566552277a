-- What pushes need: where a vendor's ids stand, the phones that may push, and what they pushed.

-- Vendor ids by a keyed hash: what was said of each last, and where its sample lies. Sealed blocks in the order of hashes; `first`
-- is the least hash that a block may hold. What came last waits in `alias_pending` until there is enough to fold it in.
CREATE TABLE alias (
    number  INTEGER PRIMARY KEY,
    person  INTEGER NOT NULL,
    first   INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    body    BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX alias_by_place ON alias (person, first);

CREATE TABLE alias_pending (
    person INTEGER PRIMARY KEY,
    body   BLOB    NOT NULL
) STRICT;

-- A phone that pushes for a resident; its token by its hash. Ended ones stay, so that the resident's page can say so.
CREATE TABLE companion (
    id         INTEGER PRIMARY KEY,
    person     INTEGER NOT NULL REFERENCES person (id),
    token_hash BLOB    NOT NULL UNIQUE,
    paired_ms  INTEGER NOT NULL,
    seen_ms    INTEGER,
    ended_ms   INTEGER,
    body       BLOB    NOT NULL
) STRICT;
CREATE INDEX companion_by_person ON companion (person);

-- A code that a resident reads off the page and types into the phone, by its hash; used once, for some minutes.
CREATE TABLE pairing (
    code_hash  BLOB    PRIMARY KEY,
    person     INTEGER NOT NULL REFERENCES person (id),
    expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX pairing_by_person ON pairing (person);

-- What was pushed, as it came, for a time: a better mapping reads it again. `key` is a keyed hash of the sender's own id of the
-- push; the same again is given the same answer.
CREATE TABLE payload (
    number      INTEGER PRIMARY KEY,
    person      INTEGER NOT NULL,
    adapter     TEXT    NOT NULL,
    key         BLOB    NOT NULL,
    received_ms INTEGER NOT NULL,
    answer      BLOB    NOT NULL,
    body        BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX payload_by_key ON payload (person, key);
CREATE INDEX payload_by_time ON payload (received_ms);

-- Which days of a marked month are older than their samples; NULL: any.
ALTER TABLE dirty ADD COLUMN first_day INTEGER;
ALTER TABLE dirty ADD COLUMN last_day INTEGER;

-- The last of the deliveries that a row stands for, once old ones of one day and adapter were folded into the first; NULL: itself.
ALTER TABLE batch ADD COLUMN until_batch INTEGER;
