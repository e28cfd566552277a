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

-- On what ground a recipient is given data beside the resident's consent: 1 consent alone, 2 entrusted, 3 joint use, 4 a statute,
-- 5 notice under the next-generation medical infrastructure law. With the document, its dates, and who handles the data; handlers
-- and subcontractors are JSON arrays. From basis_until_ms on nothing is given, and a report of return and erasure is owed until
-- returned_ms says that it came.
ALTER TABLE recipient ADD COLUMN basis INTEGER NOT NULL DEFAULT 1;
ALTER TABLE recipient ADD COLUMN basis_document TEXT NOT NULL DEFAULT '';
ALTER TABLE recipient ADD COLUMN basis_from INTEGER;
ALTER TABLE recipient ADD COLUMN basis_until_ms INTEGER;
ALTER TABLE recipient ADD COLUMN handlers TEXT NOT NULL DEFAULT '[]';
ALTER TABLE recipient ADD COLUMN subcontractors TEXT NOT NULL DEFAULT '[]';
ALTER TABLE recipient ADD COLUMN returned_ms INTEGER;

-- Consents given on paper at a counter: entered by one operator, waiting for another. 1 proposed, 2 given, 3 rejected. body is the
-- draft, sealed with the organisation's key, and empty once the form does not wait any more.
CREATE TABLE paper_consent (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation INTEGER NOT NULL REFERENCES organisation (id),
    person       INTEGER NOT NULL,
    state        INTEGER NOT NULL,
    entered_by   INTEGER NOT NULL REFERENCES operator (id),
    entered_ms   INTEGER NOT NULL,
    body         BLOB    NOT NULL
) STRICT;
CREATE INDEX paper_consent_waiting ON paper_consent (organisation, id) WHERE state = 1;

-- How a recipient asks for a purpose: what it needs and why, what it does not use data for, what becomes of data after a consent
-- ends. Every version is kept whole, the texts of the purpose among it; template is the latest one's JSON.
ALTER TABLE recipient_purpose ADD COLUMN template TEXT NOT NULL DEFAULT '{}';
CREATE TABLE purpose_version (
    recipient INTEGER NOT NULL REFERENCES recipient (id),
    purpose   TEXT    NOT NULL,
    version   INTEGER NOT NULL,
    at_ms     INTEGER NOT NULL,
    text_ja   TEXT    NOT NULL,
    text_en   TEXT    NOT NULL,
    template  TEXT    NOT NULL,
    PRIMARY KEY (recipient, purpose, version)
) STRICT, WITHOUT ROWID;
