-- Says of each block of events from when to when what is in it occurred, in milliseconds since 1970, so that a
-- page of a subject's events reads the blocks that it is about. NULL, in blocks that were written before:
-- any time of the run's day. Reads no block; the index is made anew, which takes a second per million blocks.
ALTER TABLE event_blocks ADD COLUMN earliest INTEGER;
ALTER TABLE event_blocks ADD COLUMN latest INTEGER;
DROP INDEX event_blocks_by_start;
CREATE INDEX event_blocks_by_start ON event_blocks (run, subject, sequence, earliest, latest);
