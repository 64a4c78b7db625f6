-- Reservations and credits. Costs nothing on databases of any size: a column without a default, and an
-- empty table; the index is made while nothing is written.

-- No reservation that counts on the subject expires before; milliseconds since 1970, NULL while none is
-- open.
ALTER TABLE subjects ADD COLUMN next_expiry bigint;

CREATE INDEX subjects_by_next_expiry ON subjects (next_expiry) WHERE next_expiry IS NOT NULL;

-- What changed a subject's credits, in the encoding of LedgerRecord. Each has the seal of the one before.
CREATE TABLE ledger_entries (
    subject bigint NOT NULL,
    sequence bigint NOT NULL,
    -- 'grant:ID' or 'reference:TEXT'; NULL for what time alone caused.
    lookup text,
    body bytea NOT NULL,
    PRIMARY KEY (subject, sequence)
);

CREATE INDEX ledger_entries_by_lookup ON ledger_entries (subject, lookup) WHERE lookup IS NOT NULL;

CREATE TRIGGER ledger_entries_are_never_updated_or_deleted
    BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
