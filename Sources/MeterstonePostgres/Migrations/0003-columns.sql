-- What reports are computed from, and changes by what they are about. Costs a look at every change; the
-- events themselves are put into columns when the first node of this version starts.

-- Events of one UTC day by column, in the encoding of ColumnSegment. Commits only add rows, so that they
-- never wait for each other here; a row is never changed, and small ones are merged into larger ones.
-- It holds many subjects, and so no subject in its key: shard it by day, or not at all.
CREATE TABLE event_columns (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    day bigint NOT NULL,
    events bigint NOT NULL,
    body bytea NOT NULL,
    times bytea NOT NULL
);

-- Large rows are compressed by their encoding already.
ALTER TABLE event_columns ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE event_columns ALTER COLUMN times SET STORAGE EXTERNAL;

CREATE INDEX event_columns_by_day ON event_columns (day);
CREATE INDEX event_columns_to_merge ON event_columns (day) WHERE events < 65536;

CREATE INDEX changes_by_key
    ON changes ((body::json ->> 'kind'), (body::json ->> 'key') COLLATE "C", sequence);
