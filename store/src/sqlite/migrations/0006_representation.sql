-- Who may act for whom: a parent, a guardian, or a proxy whom the person named. decides: may also agree and withdraw, not only see.
-- document is what shows it (the number of a certificate, say), sealed with the custodian's key. Kept after its end for the record;
-- gone when either of the two is erased.
CREATE TABLE representation (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    person       INTEGER NOT NULL REFERENCES person (id),
    actor        INTEGER NOT NULL REFERENCES person (id),
    relationship INTEGER NOT NULL,
    decides      INTEGER NOT NULL,
    since_ms     INTEGER NOT NULL,
    until_ms     INTEGER,
    ended_ms     INTEGER,
    document     BLOB    NOT NULL
) STRICT;
CREATE INDEX representation_by_person ON representation (person);
CREATE INDEX representation_by_actor ON representation (actor);
CREATE UNIQUE INDEX representation_one ON representation (person, actor) WHERE ended_ms IS NULL;

-- Whether residents are asked again for what they agreed to before this version. A corrected spelling does not matter to them.
ALTER TABLE purpose_version ADD COLUMN asks INTEGER NOT NULL DEFAULT 1;

-- Rows of a chain that were deleted when their time was over: up to which number, and the hash of the last of them, from which the
-- first row that is left goes on. Each such deletion is an act in the organisation's own chain.
ALTER TABLE chain_head ADD COLUMN pruned INTEGER NOT NULL DEFAULT 0;
ALTER TABLE chain_head ADD COLUMN pruned_hash BLOB;
