-- Ids of the last few pushes, before they join those of `alias_pending`: a push writes some dozens anew, not thousands.
CREATE TABLE alias_recent (
    person INTEGER PRIMARY KEY,
    body   BLOB    NOT NULL
) STRICT;
