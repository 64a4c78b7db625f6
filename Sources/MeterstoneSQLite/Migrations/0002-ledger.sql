-- Reservations and credits. Costs nothing on stores of any size: a column without a default, and
-- empty tables.

-- No reservation that counts on the subject expires before; milliseconds since 1970, NULL while none is
-- open.
ALTER TABLE subjects ADD COLUMN next_expiry INTEGER;

CREATE INDEX subjects_by_next_expiry ON subjects (next_expiry) WHERE next_expiry IS NOT NULL;

-- What changed a subject's credits, in the encoding of LedgerRecord. Each has the seal of the one before.
CREATE TABLE ledger_entries (
    subject INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    -- 'grant:ID' or 'reference:TEXT'; NULL for what time alone caused.
    lookup TEXT,
    body BLOB NOT NULL,
    PRIMARY KEY (subject, sequence)
) WITHOUT ROWID;

CREATE INDEX ledger_entries_by_lookup ON ledger_entries (subject, lookup) WHERE lookup IS NOT NULL;

CREATE TRIGGER ledger_entries_are_never_updated BEFORE UPDATE ON ledger_entries
BEGIN
    SELECT RAISE(ABORT, 'ledger entries are never updated');
END;

CREATE TRIGGER ledger_entries_are_never_deleted BEFORE DELETE ON ledger_entries
BEGIN
    SELECT RAISE(ABORT, 'ledger entries are never deleted');
END;
