import MeterstoneCore
import MeterstoneStore

/// Every statement of the store, by what it is about.
///
/// Rows are looked for and written as sets: arrays in, rows out. The committer's session plans each
/// statement once, with index look-ups only (see `Session`).
enum SubjectStatements {
    static let columns = """
        id, number, first_sequence, profile, children, next_expiry, created_at, updated_at
        """

    /// Brings in rows for subjects that have none, so that they can be locked. In the order of ids.
    static let bringIn = """
        INSERT INTO subjects (id)
        SELECT w.id FROM unnest($1::text[]) w(id)
        WHERE NOT EXISTS (SELECT FROM subjects s WHERE s.id = w.id)
        ORDER BY w.id COLLATE "C"
        ON CONFLICT DO NOTHING
        """
    /// Locked in the order of ids.
    static let lock = """
        SELECT \(columns) FROM subjects WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE
        """
    /// Takes numbers for those that have none, or only that of somebody who is erased, if the second argument is
    /// fewer than they are.
    static let takeNumbers = """
        SELECT take_subject_numbers(new.count), new.count
        FROM (
            SELECT count(*) FROM (
                SELECT number, profile FROM subjects WHERE id = ANY($1::text[]) OFFSET 0
            ) s
            WHERE number IS NULL OR profile::json ->> 'alias' = 'erased'
        ) new(count)
        WHERE new.count > $2::bigint
        """
    /// The subjects and all above them.
    static let withAncestors = """
        WITH RECURSIVE wanted AS (
            SELECT id, parent FROM subjects WHERE id = ANY($1::text[])
            UNION
            SELECT s.id, s.parent FROM wanted w JOIN subjects s ON s.id = w.parent
        )
        SELECT \(columns) FROM subjects
        WHERE id = ANY(ARRAY(SELECT id FROM wanted)) AND number IS NOT NULL
        """
    /// Those that have, or had, a zone of their own: its name, and the former ones as JSON.
    static let zones = """
        SELECT number, profile::json ->> 'timeZone', profile::json ->> 'formerZones' FROM subjects
        WHERE (profile::json ->> 'timeZone') IS NOT NULL AND number IS NOT NULL
        UNION ALL
        SELECT number, NULL, profile::json ->> 'formerZones' FROM subjects
        WHERE (profile::json ->> 'timeZone') IS NULL
            AND (profile::json ->> 'formerZones') IS NOT NULL AND number IS NOT NULL
        """
    static let byNumber = "SELECT \(columns) FROM subjects WHERE number = ANY($1::bigint[])"
    static let after = """
        SELECT \(columns) FROM subjects WHERE id > $1::text AND number IS NOT NULL
        ORDER BY id LIMIT $2::bigint
        """
    static let ownKeyCount = """
        SELECT
            (SELECT count(*) FROM subjects WHERE number IS NOT NULL)
            - (SELECT count(*) FROM subjects
                WHERE (profile::json ->> 'alias') IS NOT NULL AND number IS NOT NULL),
            (SELECT coalesce(max(number), 0) FROM subjects)
        """
    static let clearNumbers =
        "UPDATE subjects SET number = NULL WHERE id = ANY($1::text[])"
    static let update = """
        UPDATE subjects s
        SET number = w.number, first_sequence = w.first_sequence, parent = w.parent,
            profile = w.profile, children = w.children,
            next_expiry = NULLIF(w.next_expiry, -1), created_at = NULLIF(w.created_at, -1),
            updated_at = NULLIF(w.updated_at, -1)
        FROM unnest(
            $1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[],
            $7::bigint[], $8::bigint[], $9::bigint[]
        ) w(
            id, number, first_sequence, parent, profile, children, next_expiry, created_at,
            updated_at)
        WHERE s.id = w.id
        """
    static let due = """
        SELECT id FROM subjects WHERE next_expiry <= $1::bigint ORDER BY next_expiry
        LIMIT $2::bigint
        """
    static let clearNextExpiry = """
        UPDATE subjects SET next_expiry = NULL
        WHERE next_expiry IS NOT NULL AND ((number >> 18) + number) % $1::bigint = $2::bigint
        """
    static let putNextExpiry = """
        UPDATE subjects s SET next_expiry = w.next_expiry
        FROM unnest($1::bigint[], $2::bigint[]) w(number, next_expiry)
        WHERE s.number = w.number
        """
    /// Rows that were brought in for subjects of which nothing was recorded.
    static let dropUnused = "DELETE FROM subjects WHERE id = ANY($1::text[]) AND number IS NULL"
}

enum UsageEventStatements {
    static let insert = """
        INSERT INTO usage_events (subject, day, sequence, body)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[])
        """
    /// In the order of ids: two nodes that bring the same ones wait for each other in one direction.
    static let insertIDs = """
        INSERT INTO event_ids (identity, subject, day, sequence)
        SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bigint[]) w(identity)
        ORDER BY w.identity
        """
    static let replaceIDs = """
        INSERT INTO event_ids (identity, subject, day, sequence)
        SELECT DISTINCT ON (w.identity) w.identity, w.subject, w.day, w.sequence
        FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bigint[])
            w(identity, subject, day, sequence)
        ORDER BY w.identity, w.sequence DESC
        ON CONFLICT (identity) DO UPDATE
        SET subject = excluded.subject, day = excluded.day, sequence = excluded.sequence
        WHERE event_ids.sequence < excluded.sequence
        """
    /// Ids that are forgotten and used again.
    static let forgetIDs = """
        DELETE FROM event_ids USING unnest($1::bytea[], $2::bigint[]) w(identity, sequence)
        WHERE event_ids.identity = w.identity AND event_ids.sequence = w.sequence
        """
    static let byIdentity = """
        SELECT i.identity, i.subject, i.day, i.sequence, e.body
        FROM unnest($1::bytea[]) w(identity)
        JOIN event_ids i ON i.identity = w.identity
        LEFT JOIN usage_events e
            ON e.subject = i.subject AND e.day = i.day AND e.sequence = i.sequence
        """
    /// Some facts. Here, and in the two that follow, the span of all days leaves the planner a few partitions:
    /// with hundreds it takes longer than the reading.
    static let bodies = """
        SELECT e.subject, e.day, e.sequence, e.body
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) w(subject, day, sequence)
        JOIN usage_events e
            ON e.subject = w.subject AND e.day = w.day AND e.sequence = w.sequence
            AND e.day BETWEEN $4::bigint AND $5::bigint
        """
    /// The facts of several subjects, each with days of its own; the first column says whose.
    static let facts = """
        SELECT w.place, e.sequence, e.body
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) WITH ORDINALITY
            w(subject, first_day, last_day, place)
        JOIN usage_events e ON e.subject = w.subject AND e.day BETWEEN w.first_day AND w.last_day
            AND e.day BETWEEN $4::bigint AND $5::bigint
        ORDER BY w.place, e.day, e.sequence
        """
    /// What was recorded of subjects from a fact on, of usage on or after a day. From day to day by the
    /// index, of which each day's end alone is read.
    static let newer = """
        SELECT w.place, e.sequence, e.body
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) WITH ORDINALITY
            w(subject, first_day, last, place)
        CROSS JOIN LATERAL (
            WITH RECURSIVE found AS (
                (
                    SELECT day FROM usage_events
                    WHERE subject = w.subject AND day >= w.first_day
                    ORDER BY day DESC LIMIT 1
                )
                UNION ALL
                SELECT (
                    SELECT u.day FROM usage_events u
                    WHERE u.subject = w.subject AND u.day >= w.first_day AND u.day < found.day
                    ORDER BY u.day DESC LIMIT 1
                )
                FROM found WHERE found.day IS NOT NULL
            )
            SELECT day FROM found WHERE day IS NOT NULL OFFSET 0
        ) d
        CROSS JOIN LATERAL (
            SELECT sequence, body FROM usage_events
            WHERE subject = w.subject AND day = d.day AND sequence >= w.last OFFSET 0
        ) e
        ORDER BY w.place, e.sequence
        """
    /// Everything of one subject, in pieces.
    static let whole = """
        DECLARE whole NO SCROLL CURSOR FOR
        SELECT sequence, body FROM usage_events
        WHERE subject = $1::bigint AND day BETWEEN $2::bigint AND $3::bigint
        ORDER BY day, sequence
        """
    static let fetchWhole = "FETCH 20000 FROM whole"
    static let closeWhole = "CLOSE whole"
    /// The corrections of some events, by their index alone.
    static let corrections = """
        SELECT w.place, e.sequence, e.body
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) WITH ORDINALITY
            w(subject, day, target, place)
        JOIN usage_events e ON e.subject = w.subject AND e.day = w.day
            AND corrected_event(e.body) = w.target AND get_byte(e.body, 0) = 2
            AND e.day BETWEEN $4::bigint AND $5::bigint
        ORDER BY w.place, e.sequence
        """
    /// Facts of one subject that are read before a cursor is worth its round trips.
    static let usageAtFirst = 2_000
    /// The first of them from a day on; `DESC`: back from one.
    static func firstUsage(_ order: ReadingOrder) -> String {
        usage(order) + " LIMIT \(usageAtFirst)"
    }
    /// All that come after those, in pieces.
    static func laterUsage(_ order: ReadingOrder) -> String {
        "DECLARE usage NO SCROLL CURSOR FOR \(usage(order)) OFFSET \(usageAtFirst)"
    }
    private static func usage(_ order: ReadingOrder) -> String {
        """
        SELECT day, sequence, body FROM usage_events
        WHERE subject = $1::bigint AND day BETWEEN $2::bigint AND $3::bigint
        ORDER BY \(order == .newestFirst ? "day DESC, sequence DESC" : "day, sequence")
        """
    }
    static let fetchUsage = "FETCH 20000 FROM usage"
    static let closeUsage = "CLOSE usage"
    static let scan = """
        DECLARE scan NO SCROLL CURSOR FOR
        SELECT day, subject, sequence, body FROM usage_events
        WHERE day BETWEEN $1::bigint AND $2::bigint
        ORDER BY subject, day, sequence
        """
    static let fetch = "FETCH 20000 FROM scan"
    static let closeScan = "CLOSE scan"
    /// Ids that lead to no event.
    static let lostIDs = """
        SELECT i.sequence, i.subject FROM event_ids i
        LEFT JOIN usage_events e
            ON e.subject = i.subject AND e.day = i.day AND e.sequence = i.sequence
        WHERE e.sequence IS NULL LIMIT 100
        """
    /// Those of subjects that were merged are counted where they were moved to.
    static let usageCount = """
        SELECT count(*) FROM usage_events WHERE get_byte(body, 0) = 1 AND subject NOT IN (
            SELECT number FROM subjects WHERE CASE WHEN profile LIKE '%"alias":"merged"%'
                THEN profile::json ->> 'alias' = 'merged' ELSE false END)
        """
    static let any = "SELECT 1 FROM usage_events LIMIT 1"
    static let idCount = "SELECT count(*) FROM event_ids"
    static let deleteIDs = "DELETE FROM event_ids"
}

enum LedgerStatements {
    static let insert = """
        INSERT INTO ledger_entries (subject, sequence, lookup, body)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bytea[])
        """
    /// The entries of several subjects by what they are looked up by; the first column says which.
    static let byLookup = """
        SELECT w.place, l.sequence, l.body
        FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY w(subject, lookup, place)
        JOIN ledger_entries l ON l.subject = w.subject AND l.lookup = w.lookup
        ORDER BY w.place, l.sequence
        """
    static let before = """
        SELECT sequence, body FROM ledger_entries
        WHERE subject = $1::bigint AND sequence < $2::bigint
        ORDER BY sequence DESC LIMIT $3::bigint
        """
    static let scan = """
        DECLARE ledger NO SCROLL CURSOR FOR
        SELECT subject, sequence, body FROM ledger_entries
        WHERE ((subject >> 18) + subject) % $1::bigint = $2::bigint
        ORDER BY subject, sequence
        """
    static let fetch = "FETCH 20000 FROM ledger"
    static let closeScan = "CLOSE ledger"
}

enum CounterStatements {
    static let byKey = """
        SELECT c.series, c.window_from, c.subject, c.value, c.memory, c.as_of, c.ctid
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) w(series, window_from, subject)
        JOIN counters c
            ON c.subject = w.subject AND c.series = w.series AND c.window_from = w.window_from
        """
    /// Writes rows that are new, or that were not read.
    static let put = """
        INSERT INTO counters (series, window_from, subject, value, as_of, memory)
        SELECT * FROM unnest(
            $1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bytea[])
        ON CONFLICT (subject, series, window_from) DO UPDATE
        SET value = excluded.value, as_of = excluded.as_of, memory = excluded.memory
        """
    /// Writes rows where this transaction has just read them, which spares a second search. They cannot
    /// have moved, since their subjects are locked; were one not found, the division would say so.
    static let update = """
        WITH written AS (
            UPDATE counters c SET value = w.value, as_of = w.as_of, memory = w.memory
            FROM unnest($1::tid[], $2::bigint[], $3::bigint[], $4::bytea[])
                w(place, value, as_of, memory)
            WHERE c.ctid = w.place
            RETURNING 1
        )
        SELECT 1 / (count(*) = cardinality($1::tid[]))::integer FROM written
        """
    static let delete = """
        DELETE FROM counters c
        USING unnest($1::bigint[], $2::bigint[], $3::bigint[]) w(series, window_from, subject)
        WHERE c.subject = w.subject AND c.series = w.series AND c.window_from = w.window_from
        """
    static let ofSeries = """
        SELECT series, window_from, subject, value, memory, as_of FROM counters
        WHERE subject = $1::bigint AND series = $2::bigint
        """
    static let count = "SELECT count(*) FROM counters"
    /// Which subjects belong to a pass: as `Recount` has it.
    static let ofPass = """
        SELECT series, window_from, subject, value, memory FROM counters
        WHERE ((subject >> 18) + subject) % $1::bigint = $2::bigint
        """
    static let deleteAll = "DELETE FROM counters"
}

enum CatalogStatements {
    static let version = "SELECT value::bigint FROM settings WHERE key = 'catalogVersion'"
    /// A part of a version is random: a server that takes over with an older catalog must not come to
    /// the same version with another content.
    static let raiseVersion = """
        UPDATE settings
        SET value = ((((value::bigint >> 20) + 1) << 20) | (random() * 1048575)::bigint)::text
        WHERE key = 'catalogVersion'
        """
    static let notify = "SELECT pg_notify('meterstone_catalog', '')"
    static let listen = "LISTEN meterstone_catalog"
    static let all = "SELECT kind, key, body FROM catalog ORDER BY kind, key"
    static let names = "SELECT name FROM quantity_names ORDER BY number"
    static let limits = "SELECT key FROM limit_numbers ORDER BY number"
    static let series = "SELECT definition, defined_at, is_counted FROM series ORDER BY number"
    static let put = """
        INSERT INTO catalog (kind, key, body) VALUES ($1::text, $2::text, $3::text)
        ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body
        """
    static let delete = "DELETE FROM catalog WHERE kind = $1::text AND key = $2::text"
    static let putNames = """
        INSERT INTO quantity_names (number, name)
        SELECT * FROM unnest($1::bigint[], $2::text[]) ON CONFLICT DO NOTHING
        """
    static let putLimits = """
        INSERT INTO limit_numbers (number, key)
        SELECT * FROM unnest($1::bigint[], $2::text[]) ON CONFLICT DO NOTHING
        """
    static let putSeries = """
        INSERT INTO series (number, definition, defined_at, is_counted)
        SELECT number, definition, defined_at, is_counted = 1
        FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[])
            w(number, definition, defined_at, is_counted)
        ON CONFLICT (number) DO UPDATE SET is_counted = excluded.is_counted
        """
}

enum SettingStatements {
    static let putNew = """
        INSERT INTO settings (key, value) VALUES ($1::text, $2::text) ON CONFLICT DO NOTHING
        """
    static let zones = "SELECT key, value FROM settings WHERE key LIKE 'timeZoneRules:%'"
    /// Notes the rules of a zone, unless somebody has noted others: then the division fails.
    static let noteZone = """
        WITH noted AS (
            INSERT INTO settings (key, value) VALUES ($1::text, $2::text)
            ON CONFLICT (key) DO UPDATE SET value = settings.value
            RETURNING value
        )
        SELECT 1 / count(*)::integer FROM noted WHERE value = $2::text
        """
    static let byKey = "SELECT value FROM settings WHERE key = $1::text"
    static let put = """
        INSERT INTO settings (key, value) VALUES ($1::text, $2::text)
        ON CONFLICT (key) DO UPDATE SET value = excluded.value
        """
}

enum TransactionStatements {
    static let begin = "BEGIN ISOLATION LEVEL READ COMMITTED"
    static let beginReading = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    static let commit = "COMMIT"
    static let rollback = "ROLLBACK"
    /// How long this transaction may be silent. Only this one.
    static let beSilent =
        "SELECT set_config('idle_in_transaction_session_timeout', $1::text, true)"
    /// Held by everyone who commits: while it is held nobody changes the catalog.
    static let shareCatalog = "SELECT pg_advisory_xact_lock_shared($1::bigint)"
    static let ownCatalog = "SELECT pg_advisory_xact_lock($1::bigint)"
    /// Taken after every lock, so that of two commits that touch the same the later has the greater.
    static let number = "SELECT nextval('commits')"
}

/// How a node finds out what became of a commit whose answer was lost.
enum CommitSessionStatements {
    static let open = """
        INSERT INTO commit_sessions (id, last_commit) VALUES ($1::bigint, $2::bigint)
        ON CONFLICT DO NOTHING
        """
    /// Nobody asks any more about a commit of so long ago.
    static let dropOld = "DELETE FROM commit_sessions WHERE used_at < now() - interval '7 days'"
    /// The last statement before a commit. Were the row not as the session left it, because the commit
    /// was given up meanwhile, the division would say so, and nothing would be committed.
    static let note = """
        WITH noted AS (
            UPDATE commit_sessions SET last_commit = $3::bigint, used_at = now()
            WHERE id = $1::bigint AND last_commit = $2::bigint
            RETURNING 1
        )
        SELECT 1 / count(*)::integer FROM noted
        """
    /// A connection that is lost to us may be whole to the server, and keep its locks. It is known by
    /// the advisory lock of the session.
    static let endEarlier = """
        SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
        WHERE l.locktype = 'advisory' AND d.datname = current_database() AND l.objsubid = 1
            AND (l.classid::bigint << 32 | l.objid::bigint) = $1::bigint
            AND l.pid <> pg_backend_pid()
        """
    static let own = "SELECT pg_advisory_lock($1::bigint)"
    /// Waits for a commit that is under way.
    static let last = """
        SELECT last_commit FROM commit_sessions WHERE id = $1::bigint FOR UPDATE
        """
    static let giveUp = """
        INSERT INTO commit_sessions (id, last_commit) VALUES ($1::bigint, $2::bigint)
        ON CONFLICT (id) DO UPDATE SET last_commit = excluded.last_commit, used_at = now()
        """
}
