-- Event ids move from the table event_ids, which took a page for nearly every id, into sealed runs. Costs
-- nothing here; the ids of a store that has events are written when it is opened, which takes seconds per
-- million, and then event_ids is dropped.

-- One row for each run that counts. A run is never changed; several are merged into one.
CREATE TABLE id_runs (
    number INTEGER PRIMARY KEY,
    entries INTEGER NOT NULL,
    -- The 64 bits of an unsigned number.
    last_key INTEGER NOT NULL,
    -- The first key of each block, in the encoding of IDRun.
    keys BLOB NOT NULL
);

-- The blocks of runs (IDBlock) and, from the number 2^23 on, the parts of their filters (IDFilter). The
-- number of the run comes first, 24 bits for the block follow. Blocks without a row in id_runs are of a run
-- that is being written, or that is not needed any more.
CREATE TABLE id_blocks (
    id INTEGER PRIMARY KEY,
    body BLOB NOT NULL
);
