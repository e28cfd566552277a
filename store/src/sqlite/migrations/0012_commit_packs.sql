-- Commits that follow each other without a gap, packed: a push is a commit, and a row of each takes more room than its samples.
-- body is plain, as the rows are: times and deliveries of `first` and those after it, as columns.
CREATE TABLE commit_pack (
    person INTEGER NOT NULL,
    first  INTEGER NOT NULL,
    body   BLOB    NOT NULL,
    PRIMARY KEY (person, first)
) STRICT, WITHOUT ROWID;

-- When a source was described last, so that reading sources, which every push does, need not look for a commit.
ALTER TABLE source ADD COLUMN at_ms INTEGER NOT NULL DEFAULT 0;
UPDATE source SET at_ms = coalesce(
    (SELECT commits.at_ms FROM commits WHERE commits.person = source.person AND commits.seq = source.seq), 0);
ALTER TABLE source DROP COLUMN seq;
