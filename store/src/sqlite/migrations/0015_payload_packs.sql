-- Pushes that are some hours old, many in a row, compressed together: each by itself pays for the same keys and words anew.
-- `last` is the number of the last of them; those of one person and adapter in a row follow each other without another between.
-- `hashes` has of each the first four bytes of its key, in their order: whoever looks for a push opens no row that has it not.
CREATE TABLE payload_pack (
    last     INTEGER PRIMARY KEY,
    person   INTEGER NOT NULL,
    adapter  TEXT    NOT NULL,
    first_ms INTEGER NOT NULL,
    last_ms  INTEGER NOT NULL,
    hashes   BLOB    NOT NULL,
    body     BLOB    NOT NULL
) STRICT;
CREATE INDEX payload_pack_by_person ON payload_pack (person);
CREATE INDEX payload_pack_by_time ON payload_pack (first_ms);
