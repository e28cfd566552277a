-- By which derivation a row's keyed hashes were made: opening derives anew what was made by another, so that nobody has to be named
-- again to be found. 0 is any before it was said.
ALTER TABLE insurance ADD COLUMN derivation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE waiting_checkup ADD COLUMN derivation INTEGER NOT NULL DEFAULT 0;
CREATE INDEX insurance_by_derivation ON insurance (derivation);
CREATE INDEX waiting_by_derivation ON waiting_checkup (derivation);
