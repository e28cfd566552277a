-- People, what came from them, and what was computed of it. Bodies are sealed with the person's key unless said otherwise.

CREATE TABLE migration (
    number INTEGER PRIMARY KEY,
    name   TEXT    NOT NULL,
    sum    BLOB    NOT NULL,
    at_ms  INTEGER NOT NULL
) STRICT;

-- Whole numbers kept beside the data: the last journal entry carried out, among others.
CREATE TABLE setting (
    name  TEXT    PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE organisation (
    id         INTEGER PRIMARY KEY,
    kind       INTEGER NOT NULL,
    name       TEXT    NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT;

-- seq and commit_ms are the person's clock: the first statement of every write moves both, and is the person's lock.
-- An erased person keeps this row with nothing in it.
CREATE TABLE person (
    id              INTEGER PRIMARY KEY,
    custodian       INTEGER NOT NULL REFERENCES organisation (id),
    key_version     INTEGER NOT NULL,
    seq             INTEGER NOT NULL DEFAULT 0,
    commit_ms       INTEGER NOT NULL DEFAULT 0,
    consent_version INTEGER NOT NULL DEFAULT 0,
    next_batch      INTEGER NOT NULL DEFAULT 1,
    created_ms      INTEGER NOT NULL,
    erased_ms       INTEGER,
    body            BLOB
) STRICT;

CREATE TABLE membership (
    person       INTEGER NOT NULL REFERENCES person (id),
    organisation INTEGER NOT NULL REFERENCES organisation (id),
    since_ms     INTEGER NOT NULL,
    PRIMARY KEY (person, organisation)
) STRICT, WITHOUT ROWID;
CREATE INDEX membership_by_organisation ON membership (organisation, person);

-- hash is a keyed hash of (issuer, subject): a sign-in finds its person, the file names nobody.
CREATE TABLE identity (
    hash      BLOB    PRIMARY KEY,
    person    INTEGER NOT NULL REFERENCES person (id),
    linked_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_by_person ON identity (person);

-- When each commit of a person was made, and by which delivery (0 for none).
CREATE TABLE commits (
    person INTEGER NOT NULL,
    seq    INTEGER NOT NULL,
    at_ms  INTEGER NOT NULL,
    batch  INTEGER NOT NULL,
    PRIMARY KEY (person, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE batch (
    person          INTEGER NOT NULL,
    batch           INTEGER NOT NULL,
    adapter         TEXT    NOT NULL,
    mapping_version INTEGER NOT NULL,
    obtained_ms     INTEGER NOT NULL,
    asserted_ms     INTEGER,
    finished_ms     INTEGER,
    body            BLOB,
    PRIMARY KEY (person, batch)
) STRICT, WITHOUT ROWID;

-- A device or app; its number stands in the keys of its samples and never changes.
CREATE TABLE source (
    person  INTEGER NOT NULL,
    number  INTEGER NOT NULL,
    version INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    body    BLOB    NOT NULL,
    PRIMARY KEY (person, number)
) STRICT, WITHOUT ROWID;

-- Up to 4,096 samples of one series, consecutive by start. `live` counts those that are not tombstones.
CREATE TABLE leaf (
    number         INTEGER PRIMARY KEY,
    person         INTEGER NOT NULL,
    metric         INTEGER NOT NULL,
    source         INTEGER NOT NULL,
    first_start    INTEGER NOT NULL,
    max_end        INTEGER NOT NULL,
    min_seq        INTEGER NOT NULL,
    max_seq        INTEGER NOT NULL,
    asserted_floor INTEGER NOT NULL,
    samples        INTEGER NOT NULL,
    format         INTEGER NOT NULL,
    body           BLOB    NOT NULL
) STRICT;
CREATE INDEX leaf_by_place ON leaf (person, metric, source, first_start, max_end);
CREATE INDEX leaf_by_seq ON leaf (person, max_seq);

-- Superseded versions of one series.
CREATE TABLE history (
    number      INTEGER PRIMARY KEY,
    person      INTEGER NOT NULL,
    metric      INTEGER NOT NULL,
    source      INTEGER NOT NULL,
    first_start INTEGER NOT NULL,
    max_seq     INTEGER NOT NULL,
    samples     INTEGER NOT NULL,
    format      INTEGER NOT NULL,
    body        BLOB    NOT NULL
) STRICT;
CREATE INDEX history_by_place ON history (person, metric, source, first_start);

-- A month of one summed metric's days.
CREATE TABLE total (
    number  INTEGER PRIMARY KEY,
    person  INTEGER NOT NULL,
    metric  INTEGER NOT NULL,
    month   INTEGER NOT NULL,
    max_seq INTEGER NOT NULL,
    body    BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX total_by_place ON total (person, metric, month);

-- Months whose totals or nights are older than their samples; emptied when a delivery ends, or at opening after a crash.
CREATE TABLE dirty (
    person INTEGER NOT NULL,
    metric INTEGER NOT NULL,
    month  INTEGER NOT NULL,
    PRIMARY KEY (person, metric, month)
) STRICT, WITHOUT ROWID;

-- A vendor's type (and unit) that nothing maps yet.
CREATE TABLE parked_type (
    person INTEGER NOT NULL,
    number INTEGER NOT NULL,
    body   BLOB    NOT NULL,
    PRIMARY KEY (person, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE parked (
    number         INTEGER PRIMARY KEY,
    person         INTEGER NOT NULL,
    type           INTEGER NOT NULL,
    source         INTEGER NOT NULL,
    first_start    INTEGER NOT NULL,
    max_end        INTEGER NOT NULL,
    min_seq        INTEGER NOT NULL,
    max_seq        INTEGER NOT NULL,
    asserted_floor INTEGER NOT NULL,
    samples        INTEGER NOT NULL,
    format         INTEGER NOT NULL,
    body           BLOB    NOT NULL
) STRICT;
CREATE INDEX parked_by_place ON parked (person, type, source, first_start, max_end);

-- Text of records that are neither stored nor parked. hash (keyed) keeps the same text from being kept twice.
CREATE TABLE raw (
    number  INTEGER PRIMARY KEY,
    person  INTEGER NOT NULL,
    batch   INTEGER NOT NULL,
    hash    BLOB    NOT NULL,
    records INTEGER NOT NULL,
    body    BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX raw_by_hash ON raw (person, hash);
