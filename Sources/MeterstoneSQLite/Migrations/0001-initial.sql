-- The first schema. Costs nothing: there is no data yet.

-- What a commit writes: its facts, in the encoding of JournalBatch. Projected rows are deleted.
CREATE TABLE journal (
    first_sequence INTEGER PRIMARY KEY,
    body BLOB NOT NULL
);

-- Single values: how far the journal is projected, the default time zone of the counters.
CREATE TABLE settings (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE subjects (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    first_sequence INTEGER NOT NULL,
    -- JSON; NULL while every field has its default.
    profile TEXT,
    -- How many subjects are directly below it, by how many levels are below those: "3,0,1,0". NULL
    -- while there are none.
    children TEXT
);

-- Usage and corrections, clustered by the UTC day on which the usage occurred, then by subject, so
-- that a slice of the journal touches few pages and a subject's day is one place.
CREATE TABLE usage_events (
    day INTEGER NOT NULL,
    subject INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (day, subject, sequence)
) WITHOUT ROWID;

-- Where the event with an id stands. The key is 64 bits of the id; collisions are told apart by
-- the event itself.
CREATE TABLE event_ids (
    key INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    day INTEGER NOT NULL,
    subject INTEGER NOT NULL,
    PRIMARY KEY (key, sequence)
) WITHOUT ROWID;

CREATE TABLE counters (
    series INTEGER NOT NULL,
    -- Milliseconds since 1970 at which the window starts; -1 for lifetime.
    window_from INTEGER NOT NULL,
    subject INTEGER NOT NULL,
    value INTEGER NOT NULL,
    -- The last fact that the value includes.
    as_of INTEGER NOT NULL,
    -- What maxima, latest values and unique counts remember; NULL for sums and counts.
    memory BLOB,
    PRIMARY KEY (series, window_from, subject)
) WITHOUT ROWID;

-- Numbers that stored records refer to; given once, never again to another.
CREATE TABLE quantity_names (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

CREATE TABLE limit_numbers (
    number INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE
);

CREATE TABLE series (
    number INTEGER PRIMARY KEY,
    definition TEXT NOT NULL,
    defined_at INTEGER NOT NULL,
    is_counted INTEGER NOT NULL
);

-- Meters, plans and limits as they are now, as JSON.
CREATE TABLE catalog (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, key)
) WITHOUT ROWID;

-- The audit log: every administrative change, as JSON.
CREATE TABLE changes (
    sequence INTEGER PRIMARY KEY,
    idempotency_key TEXT UNIQUE,
    body TEXT NOT NULL
);

CREATE TRIGGER changes_are_never_updated BEFORE UPDATE ON changes
BEGIN
    SELECT RAISE(ABORT, 'changes are never updated');
END;

CREATE TRIGGER changes_are_never_deleted BEFORE DELETE ON changes
BEGIN
    SELECT RAISE(ABORT, 'changes are never deleted');
END;
