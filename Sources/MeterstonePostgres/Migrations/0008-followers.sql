-- Finds facts by when they were recorded, for those who follow them. Rows are added in about this order, so that
-- an index of ranges of pages is enough: it takes a few pages, and a commit writes nothing to it. Made in one
-- scan: about a second per million rows.
CREATE INDEX usage_events_by_sequence ON usage_events
    USING brin (sequence) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX ledger_entries_by_sequence ON ledger_entries
    USING brin (sequence) WITH (pages_per_range = 32, autosummarize = on);
