-- When each batch was committed, in milliseconds since 1970: who restores an instant has to know. NULL in rows
-- of earlier versions. Costs nothing: no row is written.
ALTER TABLE journal ADD COLUMN committed_at INTEGER;
