-- What remains to be done, and where recipients want to be told.

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
