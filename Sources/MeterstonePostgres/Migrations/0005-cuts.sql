-- Pages of one report are cut at one instant, whichever node answers. Costs a look at every subject's
-- profile. Rows that were written before are there for every page.

-- The transaction that wrote a row, and the one that merged it into another. A page sees what the
-- snapshot of the first page saw; nobody else sees rows that were merged, which are kept for a while.
ALTER TABLE event_columns ADD COLUMN created xid8 NOT NULL DEFAULT '0';
ALTER TABLE event_columns ALTER COLUMN created SET DEFAULT pg_current_xact_id();
ALTER TABLE event_columns ADD COLUMN merged xid8;
ALTER TABLE event_columns ADD COLUMN merged_at timestamptz;

DROP INDEX event_columns_to_merge;
CREATE INDEX event_columns_to_merge ON event_columns (day) WHERE events < 65536 AND merged IS NULL;
CREATE INDEX event_columns_merged ON event_columns (merged_at) WHERE merged IS NOT NULL;

-- Whose calendar is not the default one: lists of everybody's days are cut in it.
CREATE INDEX subjects_by_time_zone ON subjects (number)
    WHERE (profile::json ->> 'timeZone') IS NOT NULL;
