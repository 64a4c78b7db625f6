-- Dense numbers of subjects, corrections by what they correct, columns that merge under load, and changes
-- by kind. Costs a look at every event, as 0004 did: about a second per million rows.

-- Numbers of subjects, from 1 on, without the gaps that commits leave. Those that earlier versions gave out
-- (262,144 and more, in blocks) stay, and are stepped over.
CREATE SEQUENCE subject_numbers;

-- So many numbers in a row that nobody has, and nobody else gets: returns the first. The lock is let go of
-- at once, so that commits that bring subjects in do not wait for each other.
CREATE FUNCTION take_subject_numbers(wanted bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    key bigint := hashtextextended(
        'meterstone ' || coalesce(current_schema(), '') || ' subject numbers', 0);
    lowest bigint;
    taken bigint;
BEGIN
    PERFORM pg_advisory_lock(key);
    BEGIN
        LOOP
            lowest := nextval('subject_numbers');
            SELECT number INTO taken FROM subjects
                WHERE number BETWEEN lowest AND lowest + wanted - 1 ORDER BY number DESC LIMIT 1;
            EXIT WHEN taken IS NULL;
            PERFORM setval('subject_numbers', taken);
        END LOOP;
        PERFORM setval('subject_numbers', lowest + wanted - 1);
    EXCEPTION WHEN query_canceled OR OTHERS THEN
        PERFORM pg_advisory_unlock(key);
        RAISE;
    END;
    PERFORM pg_advisory_unlock(key);
    RETURN lowest;
END $$;

-- The sequence number of the event that a correction corrects, as CorrectionRecord writes it: after the
-- kind and two signed numbers. NULL where it cannot be read.
CREATE FUNCTION corrected_event(body bytea) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    place integer := 1;
    skipped integer := 0;
    shift integer := 0;
    result bigint := 0;
    part integer;
BEGIN
    WHILE place < length(body) AND shift < 63 LOOP
        part := get_byte(body, place);
        place := place + 1;
        IF skipped < 2 THEN
            IF part < 128 THEN skipped := skipped + 1; END IF;
        ELSE
            result := result | ((part & 127)::bigint << shift);
            IF part < 128 THEN RETURN result; END IF;
            shift := shift + 7;
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

-- Finds the corrections of an event without reading other corrections of its day.
CREATE INDEX usage_events_corrected ON usage_events (subject, day, corrected_event(body), sequence)
    WHERE get_byte(body, 0) = 2;
DROP INDEX usage_events_corrections;

-- Reports read rows that were not merged; pages that were begun before a merge find what went into it.
CREATE INDEX event_columns_current ON event_columns (day) WHERE merged IS NULL;
CREATE INDEX event_columns_merged_in ON event_columns (merged) WHERE merged IS NOT NULL;
-- Which days have enough rows of one size.
DROP INDEX event_columns_to_merge;
CREATE INDEX event_columns_to_merge ON event_columns (day, events)
    WHERE events < 65536 AND merged IS NULL;

-- What is new of one kind.
CREATE INDEX changes_by_kind ON changes ((body::json ->> 'kind'), sequence);
