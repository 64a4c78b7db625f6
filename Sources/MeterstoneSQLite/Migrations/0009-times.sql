-- When each subject got its first fact, and when it was written about last, in milliseconds since 1970. What was
-- stored before is told by the log of changes; NULL where that does not say. Looks two changes of each subject
-- up by an index.
ALTER TABLE subjects ADD COLUMN created_at INTEGER;
ALTER TABLE subjects ADD COLUMN updated_at INTEGER;
UPDATE subjects SET
    created_at = (
        SELECT CAST(ROUND(
            (julianday(json_extract(body, '$.recordedAt')) - 2440587.5) * 86400000) AS INTEGER)
        FROM changes
        WHERE json_extract(body, '$.kind') IN ('subject', 'subscription')
            AND json_extract(body, '$.key') = subjects.id
            AND json_extract(body, '$.outcome.unchanged') IS NULL
            AND json_extract(body, '$.outcome.missing') IS NULL
        ORDER BY sequence LIMIT 1
    ),
    updated_at = (
        SELECT CAST(ROUND(
            (julianday(json_extract(body, '$.recordedAt')) - 2440587.5) * 86400000) AS INTEGER)
        FROM changes
        WHERE json_extract(body, '$.kind') IN ('subject', 'subscription')
            AND json_extract(body, '$.key') = subjects.id
            AND json_extract(body, '$.outcome.unchanged') IS NULL
            AND json_extract(body, '$.outcome.missing') IS NULL
        ORDER BY sequence DESC LIMIT 1
    );
