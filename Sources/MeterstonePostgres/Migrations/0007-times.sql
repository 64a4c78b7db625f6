-- When each subject got its first fact, and when it was written about last, in milliseconds since 1970. What was
-- stored before is told by the log of changes; NULL where that does not say. Reads the changes of subjects once.
ALTER TABLE subjects ADD COLUMN created_at bigint;
ALTER TABLE subjects ADD COLUMN updated_at bigint;
UPDATE subjects s SET created_at = c.first, updated_at = c.last
FROM (
    SELECT body::json ->> 'key' AS id,
        (array_agg(
            round(extract(epoch FROM (body::json ->> 'recordedAt')::timestamptz) * 1000)::bigint
            ORDER BY sequence))[1] AS first,
        (array_agg(
            round(extract(epoch FROM (body::json ->> 'recordedAt')::timestamptz) * 1000)::bigint
            ORDER BY sequence DESC))[1] AS last
    FROM changes
    WHERE body::json ->> 'kind' IN ('subject', 'subscription')
        AND body::json -> 'outcome' -> 'unchanged' IS NULL
        AND body::json -> 'outcome' -> 'missing' IS NULL
    GROUP BY 1
) c
WHERE s.id = c.id AND s.number IS NOT NULL
