-- Pages of one report are cut at one instant. Costs a look at every subject's profile.

-- Rows of event_columns that were merged into another, and that reports no longer read: kept for a
-- while, for pages that were begun before.
CREATE TABLE merged_columns (
    id INTEGER PRIMARY KEY,
    -- The last fact that the row includes which it was merged into.
    sequence INTEGER NOT NULL,
    -- Milliseconds since 1970.
    merged_at INTEGER NOT NULL
);

CREATE INDEX merged_columns_by_sequence ON merged_columns (sequence);

-- Whose calendar is not the default one: lists of everybody's days are cut in it.
CREATE INDEX subjects_by_time_zone ON subjects (json_extract(profile, '$.timeZone'))
    WHERE json_extract(profile, '$.timeZone') IS NOT NULL;
