-- The first schema. Costs nothing: there is no data yet.
-- Written for PostgreSQL 14 and later. Tables are made in the first schema of the search path.

-- Single values: the version of the catalog, the default time zone of the counters.
CREATE TABLE settings (
    key text PRIMARY KEY,
    value text NOT NULL
);

INSERT INTO settings (key, value) VALUES ('catalogVersion', '0');

-- Every commit takes one number, and with it 262,144 sequence numbers and as many subjects' numbers.
CREATE SEQUENCE commits;

-- What each session that commits has committed last, by a number of its own: how a node finds out what
-- became of a commit whose answer was lost. The server's own transaction numbers do not tell: after a
-- crash it gives some of them out again.
CREATE TABLE commit_sessions (
    id bigint PRIMARY KEY,
    last_commit bigint NOT NULL,
    used_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

CREATE TABLE subjects (
    -- Compared byte by byte: the order in which rows are locked, and listed.
    id text COLLATE "C" PRIMARY KEY,
    -- NULL only within the transaction that brings the subject in.
    number bigint UNIQUE,
    first_sequence bigint,
    parent text COLLATE "C",
    -- JSON; NULL while every field has its default.
    profile text,
    -- How many subjects are directly below it, by how many levels are below those: "3,0,1,0". NULL
    -- while there are none.
    children text
) WITH (fillfactor = 80);

-- Usage and corrections by subject, and within a subject by the UTC day, counted from 1970, on which the
-- usage occurred. Partitions hold one month each, and are made before the first event of the month.
CREATE TABLE usage_events (
    subject bigint NOT NULL,
    day bigint NOT NULL,
    sequence bigint NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (subject, day, sequence)
) PARTITION BY RANGE (day);

-- Where the event with an id stands. An id counts once whoever the subject is, so that this table, alone
-- among those that grow, has the id for its key. See UsageRecord.identity for its bytes.
CREATE TABLE event_ids (
    identity bytea PRIMARY KEY,
    subject bigint NOT NULL,
    day bigint NOT NULL,
    sequence bigint NOT NULL
);

CREATE TABLE counters (
    subject bigint NOT NULL,
    series bigint NOT NULL,
    -- Milliseconds since 1970 at which the window starts; -1 for lifetime.
    window_from bigint NOT NULL,
    value bigint NOT NULL,
    -- The last fact that the value includes.
    as_of bigint NOT NULL,
    -- What maxima, latest values and unique counts remember; NULL for sums and counts.
    memory bytea,
    PRIMARY KEY (subject, series, window_from)
) WITH (fillfactor = 70);

-- Numbers that stored records refer to; given once, never again to another.
CREATE TABLE quantity_names (
    number integer PRIMARY KEY,
    name text NOT NULL UNIQUE
);

CREATE TABLE limit_numbers (
    number integer PRIMARY KEY,
    key text NOT NULL UNIQUE
);

CREATE TABLE series (
    number integer PRIMARY KEY,
    definition text NOT NULL,
    defined_at bigint NOT NULL,
    is_counted boolean NOT NULL
);

-- Meters, plans and limits as they are now, as JSON.
CREATE TABLE catalog (
    kind text NOT NULL,
    key text NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (kind, key)
);

-- The audit log: every administrative change, as JSON.
CREATE TABLE changes (
    sequence bigint PRIMARY KEY,
    idempotency_key text UNIQUE,
    body text NOT NULL
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% are never updated or deleted', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER changes_are_never_updated_or_deleted
    BEFORE UPDATE OR DELETE OR TRUNCATE ON changes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
