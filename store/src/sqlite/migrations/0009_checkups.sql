-- Checkups, one row each: what its latest document says, and the document itself. `day` is the civil day; `state` 0 is there,
-- 1 was deleted at its sender's request; `word` 1 a facility's or insurer's, 2 the resident's own. `first_seq` is the commit that
-- first told of it, `seq` the last.
CREATE TABLE checkup (
    person    INTEGER NOT NULL REFERENCES person (id),
    number    INTEGER NOT NULL,
    day       INTEGER NOT NULL,
    state     INTEGER NOT NULL,
    word      INTEGER NOT NULL,
    source    INTEGER NOT NULL,
    version   INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    seq       INTEGER NOT NULL,
    body      BLOB    NOT NULL,
    original  BLOB    NOT NULL,
    PRIMARY KEY (person, number)
) STRICT;
CREATE INDEX checkup_by_day ON checkup (person, day);

-- What a later document took the place of.
CREATE TABLE checkup_version (
    person   INTEGER NOT NULL REFERENCES person (id),
    number   INTEGER NOT NULL,
    version  INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    source   INTEGER NOT NULL,
    body     BLOB    NOT NULL,
    original BLOB    NOT NULL,
    PRIMARY KEY (person, number, version)
) STRICT;

-- By what insurers know a person, from when to when; the hashes are keyed, of insurer, symbol, number and birth date, and of name,
-- birth date, sex and postal code.
CREATE TABLE insurance (
    person       INTEGER NOT NULL REFERENCES person (id),
    number       INTEGER NOT NULL,
    organisation INTEGER NOT NULL REFERENCES organisation (id),
    number_hash  BLOB    NOT NULL,
    name_hash    BLOB    NOT NULL,
    body         BLOB    NOT NULL,
    PRIMARY KEY (person, number)
) STRICT;
CREATE INDEX insurance_by_number ON insurance (number_hash);
CREATE INDEX insurance_by_name ON insurance (name_hash);

-- A package of many people's documents that an organisation handed over, and how far it was taken in.
CREATE TABLE package (
    id           INTEGER PRIMARY KEY,
    organisation INTEGER NOT NULL REFERENCES organisation (id),
    hash         BLOB    NOT NULL,
    began_ms     INTEGER NOT NULL,
    ended_ms     INTEGER,
    done         INTEGER NOT NULL DEFAULT 0,
    UNIQUE (organisation, hash)
) STRICT;

-- How each document of a package ended: numbers only.
CREATE TABLE package_entry (
    package     INTEGER NOT NULL REFERENCES package (id),
    entry       INTEGER NOT NULL,
    outcome     INTEGER NOT NULL,
    reasons     TEXT    NOT NULL,
    stored      INTEGER NOT NULL,
    duplicate   INTEGER NOT NULL,
    unsupported INTEGER NOT NULL,
    rejected    INTEGER NOT NULL,
    PRIMARY KEY (package, entry)
) STRICT, WITHOUT ROWID;

-- Documents that no one has claimed, or that may be of several: `state` 1 of nobody known, 2 of somebody perhaps.
CREATE TABLE waiting_checkup (
    id           INTEGER PRIMARY KEY,
    organisation INTEGER NOT NULL REFERENCES organisation (id),
    package      INTEGER NOT NULL REFERENCES package (id),
    entry        INTEGER NOT NULL,
    state        INTEGER NOT NULL,
    number_hash  BLOB    NOT NULL,
    name_hash    BLOB    NOT NULL,
    received_ms  INTEGER NOT NULL,
    body         BLOB    NOT NULL,
    UNIQUE (package, entry)
) STRICT;
CREATE INDEX waiting_by_number ON waiting_checkup (number_hash);
CREATE INDEX waiting_by_name ON waiting_checkup (name_hash);
CREATE INDEX waiting_by_time ON waiting_checkup (received_ms);
