/// What only `copy` asks of the tables.
enum CopyStatements {
    static let days = "SELECT DISTINCT day FROM usage_events ORDER BY day"
    /// In the order in which SQLite clusters them, whoever takes them in.
    static let events = """
        DECLARE copied NO SCROLL CURSOR FOR
        SELECT day, subject, sequence, body FROM usage_events ORDER BY day, subject, sequence
        """
    static let fetchEvents = "FETCH 20000 FROM copied"
    static let closeEvents = "CLOSE copied"
    static let changesAfter = """
        SELECT body FROM changes WHERE sequence > $1::bigint ORDER BY sequence LIMIT $2::bigint
        """
    static let sizes = """
        SELECT (SELECT count(*) FROM subjects WHERE number IS NOT NULL),
            (SELECT count(*) FROM usage_events WHERE get_byte(body, 0) = 1),
            (SELECT count(*) FROM usage_events),
            (SELECT count(*) FROM counters),
            (SELECT count(*) FROM changes),
            (SELECT count(*) FROM ledger_entries)
        """
    /// Whether anything was ever recorded. Events are not asked for: each has a subject, and to touch
    /// their table before its partitions are made is to remember that it had none.
    static let isEmpty = """
        SELECT NOT EXISTS (SELECT FROM subjects WHERE number IS NOT NULL)
            AND NOT EXISTS (SELECT FROM changes) AND NOT EXISTS (SELECT FROM catalog)
            AND NOT EXISTS (SELECT FROM quantity_names)
        """
    static let insertSubjects = """
        INSERT INTO subjects (
            id, number, first_sequence, parent, profile, children, next_expiry, created_at,
            updated_at)
        SELECT id, number, first_sequence, parent, profile, children, NULLIF(next_expiry, -1),
            NULLIF(created_at, -1), NULLIF(updated_at, -1)
        FROM unnest(
            $1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[],
            $7::bigint[], $8::bigint[], $9::bigint[]
        ) w(
            id, number, first_sequence, parent, profile, children, next_expiry, created_at,
            updated_at)
        """
    /// The next commit's number is greater than this one, and than all before.
    static let raiseNumber = """
        SELECT setval('commits', greatest($1::bigint, last_value, 1)) FROM commits
        """
    /// Numbers of new subjects begin above those that stand close together; others are stepped over.
    static let raiseSubjectNumber = """
        SELECT setval('subject_numbers', coalesce(max(number), 1), count(*) > 0)
        FROM subjects WHERE number BETWEEN 1 AND 2 * (SELECT count(*) FROM subjects)
        """
    /// So that what is computed next is planned for the tables as they are now.
    static let analyze = "ANALYZE subjects, usage_events"
}
