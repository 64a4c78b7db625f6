-- What reports are computed from, and changes by what they are about. Costs a look at every change; the
-- events themselves are put into columns when the store is opened, at some 300,000 a second.

-- Events of one UTC day by column, in the encoding of ColumnSegment. A row is never changed; small ones
-- are merged into larger ones.
CREATE TABLE event_columns (
    id INTEGER PRIMARY KEY,
    day INTEGER NOT NULL,
    -- The last fact that the row includes. A row beyond the watermark is not there yet.
    sequence INTEGER NOT NULL,
    events INTEGER NOT NULL,
    body BLOB NOT NULL,
    times BLOB NOT NULL
);

CREATE INDEX event_columns_by_day ON event_columns (day, sequence);

CREATE INDEX changes_by_key
    ON changes (json_extract(body, '$.kind'), json_extract(body, '$.key'), sequence);
