-- What residents ask for by law: to be shown what is kept of them, to have it corrected, not used any more, or deleted. Kept after
-- an erasure, since the law asks what came of it: body holds the words of both sides, sealed with the custodian's key.
CREATE TABLE subject_request (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation INTEGER NOT NULL REFERENCES organisation (id),
    person       INTEGER NOT NULL,
    kind         INTEGER NOT NULL,
    state        INTEGER NOT NULL,
    created_ms   INTEGER NOT NULL,
    due_ms       INTEGER NOT NULL,
    changed_ms   INTEGER NOT NULL,
    body         BLOB    NOT NULL
) STRICT;
CREATE INDEX subject_request_by_person ON subject_request (person, id);
CREATE INDEX subject_request_by_organisation ON subject_request (organisation, state, due_ms);
