-- Residents' connections to vendors' clouds, and what the vendors say by themselves.

-- `account_hash` is a keyed hash of the vendor's name of the account. `due_ms` is when something is to be done: to fetch, or, of an
-- ended one, to give its tokens back; NULL: nothing. `tokens_version` grows with each new pair, so that the later one stays whoever
-- comes last.
CREATE TABLE link (
    id             INTEGER PRIMARY KEY,
    person         INTEGER NOT NULL REFERENCES person (id),
    vendor         TEXT    NOT NULL,
    state          INTEGER NOT NULL,
    need           INTEGER,
    account_hash   BLOB    NOT NULL,
    due_ms         INTEGER,
    leased_ms      INTEGER NOT NULL DEFAULT 0,
    fence          INTEGER NOT NULL DEFAULT 0,
    attempts       INTEGER NOT NULL DEFAULT 0,
    connected_ms   INTEGER NOT NULL,
    fetched_ms     INTEGER,
    ended_ms       INTEGER,
    tokens         BLOB,
    tokens_version INTEGER NOT NULL DEFAULT 1,
    progress       BLOB    NOT NULL
) STRICT;
-- One living link of a person to a vendor; one person of an account.
CREATE UNIQUE INDEX link_by_person ON link (person, vendor) WHERE state < 4;
CREATE UNIQUE INDEX link_by_account ON link (vendor, account_hash) WHERE state < 4;
CREATE INDEX link_of_person ON link (person);
CREATE INDEX link_by_due ON link (vendor, due_ms) WHERE due_ms IS NOT NULL;

-- What a vendor told of and was not asked for yet.
CREATE TABLE link_want (
    link        INTEGER NOT NULL REFERENCES link (id) ON DELETE CASCADE,
    series      TEXT    NOT NULL,
    start_ms    INTEGER NOT NULL,
    end_ms      INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    PRIMARY KEY (link, series, start_ms, end_ms)
) STRICT, WITHOUT ROWID;

-- Calls of vendors as they came, for a time; sealed with the key of the first organisation, since they are of many people or of
-- nobody who is known.
CREATE TABLE webhook (
    number      INTEGER PRIMARY KEY,
    vendor      TEXT    NOT NULL,
    received_ms INTEGER NOT NULL,
    known       INTEGER NOT NULL,
    unknown     INTEGER NOT NULL,
    body        BLOB    NOT NULL
) STRICT;
CREATE INDEX webhook_by_time ON webhook (received_ms);
