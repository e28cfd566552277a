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
