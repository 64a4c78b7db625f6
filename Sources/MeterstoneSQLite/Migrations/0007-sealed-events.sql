-- Facts about usage move from the table usage_events into sealed runs. Costs nothing here; the facts of a
-- store that has any are copied when it is opened, which takes seconds per million, and then usage_events
-- is dropped. Until then both take room.

-- One row for each run that counts: facts about one UTC day, by subject and sequence. A run is never
-- changed; several of one day are merged into one.
CREATE TABLE event_runs (
    number INTEGER PRIMARY KEY,
    day INTEGER NOT NULL,
    blocks INTEGER NOT NULL,
    facts INTEGER NOT NULL,
    -- Usages of subjects themselves: neither corrections nor the rows of teams.
    usages INTEGER NOT NULL,
    first_sequence INTEGER NOT NULL,
    last_sequence INTEGER NOT NULL
);

CREATE INDEX event_runs_by_day ON event_runs (day);

-- The blocks of runs, in the encoding of EventBlock. The number of the run comes first, 24 bits for the block
-- follow. Blocks without a row in event_runs are of a run that is being written, or not needed any more.
CREATE TABLE event_blocks (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    -- The first fact of the block.
    subject INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    body BLOB NOT NULL
);

CREATE INDEX event_blocks_by_start ON event_blocks (run, subject, sequence);

-- Finds the corrections of an event without reading what else its subject did on that day.
CREATE TABLE event_corrections (
    day INTEGER NOT NULL,
    subject INTEGER NOT NULL,
    -- The sequence number of the event.
    event INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (day, subject, event, sequence)
) WITHOUT ROWID;
