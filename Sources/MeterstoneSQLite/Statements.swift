package import MeterstoneCore

/// Every statement that is not part of a migration, by table.
package enum SubjectStatements {
    private static let columns =
        "number, id, first_sequence, profile, children, next_expiry, created_at, updated_at"
    package static let byID = """
        SELECT \(columns) FROM subjects
        WHERE id = ?1
        """
    package static let byNumber = """
        SELECT \(columns) FROM subjects
        WHERE number = ?1
        """
    package static let after = """
        SELECT \(columns) FROM subjects
        WHERE id > ?1
        ORDER BY id
        LIMIT ?2
        """
    /// Two rows that have changed their ids are both written, in one transaction.
    package static let put = """
        INSERT OR REPLACE INTO subjects (\(columns))
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        """
    package static let putExpiry = "UPDATE subjects SET next_expiry = ?2 WHERE number = ?1"
    /// Those that have, or had, a zone of their own: its name, and the former ones as JSON.
    package static let zones = """
        SELECT number, json_extract(profile, '$.timeZone'), json_extract(profile, '$.formerZones')
        FROM subjects WHERE json_extract(profile, '$.timeZone') IS NOT NULL
        UNION ALL
        SELECT number, NULL, json_extract(profile, '$.formerZones') FROM subjects
        WHERE json_extract(profile, '$.timeZone') IS NULL
            AND json_extract(profile, '$.formerZones') IS NOT NULL
        """
    package static let due = """
        SELECT id FROM subjects
        WHERE next_expiry <= ?1
        ORDER BY next_expiry
        LIMIT ?2
        """
    package static let clearNextExpiry = """
        UPDATE subjects SET next_expiry = NULL
        WHERE next_expiry IS NOT NULL AND ((number >> 18) + number) % ?1 = ?2
        """
    package static let putNextExpiry = "UPDATE subjects SET next_expiry = ?2 WHERE number = ?1"
    package static let numberMax = "SELECT COALESCE(MAX(number), 0) FROM subjects"
    package static let count = "SELECT COUNT(*) FROM subjects"
    package static let aliasCount = """
        SELECT COUNT(*) FROM subjects
        WHERE json_extract(profile, '$.alias') IS NOT NULL
        """
}

package enum JournalStatements {
    package static let append = """
        INSERT INTO journal (first_sequence, body, committed_at) VALUES (?1, ?2, ?3)
        """
    /// With when each was committed, which rows of earlier versions do not know.
    package static let page = """
        SELECT body, COALESCE(committed_at, 0) FROM journal
        WHERE first_sequence > ?1
        ORDER BY first_sequence
        """
    package static let after = """
        SELECT body FROM journal
        WHERE first_sequence > ?1
        ORDER BY first_sequence
        """
    package static let last = """
        SELECT body FROM journal
        ORDER BY first_sequence DESC
        LIMIT 1
        """
    /// A few rows at a time, since every page of a deleted body is touched.
    package static let drop = """
        DELETE FROM journal WHERE first_sequence IN (
            SELECT first_sequence FROM journal
            WHERE first_sequence <= ?1
            ORDER BY first_sequence
            LIMIT ?2
        )
        """
}

/// What sealed runs of every kind need.
package protocol RunStatements {
    static var numbers: String { get }
    static var nextBody: String { get }
    static var dropBodies: String { get }
    static var deleteRuns: String { get }
    static var deleteBodies: String { get }
}

package enum EventRunStatements: RunStatements {
    package static let numbers = "SELECT number FROM event_runs ORDER BY number"
    package static let ofDay = """
        SELECT number, day, blocks, facts, usages, first_sequence, last_sequence FROM event_runs
        WHERE day = ?1
        ORDER BY number
        """
    package static let daysOfSeveral = """
        SELECT day FROM event_runs GROUP BY day HAVING COUNT(*) > 1
        """
    /// With facts between two, by the first of them.
    package static let between = """
        SELECT number, day, blocks, facts, usages, first_sequence, last_sequence FROM event_runs
        WHERE last_sequence > ?1 AND first_sequence <= ?2
        ORDER BY first_sequence
        """
    package static let firstDay = "SELECT MIN(day) FROM event_runs WHERE day >= ?1"
    package static let lastDay = "SELECT MAX(day) FROM event_runs WHERE day <= ?1"
    /// Days before one on which something is in no archive yet, or may not be.
    package static let archivableDays = """
        SELECT day, SUM(facts), MAX(last_sequence) FROM event_runs
        WHERE day >= ?1 AND day < ?2
        GROUP BY day HAVING day >= ?3 OR MAX(last_sequence) > ?4
        ORDER BY day
        """
    package static let putRun = """
        INSERT INTO event_runs
            (number, day, blocks, facts, usages, first_sequence, last_sequence)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        """
    package static let deleteRun = "DELETE FROM event_runs WHERE number = ?1"
    package static let deleteRuns = "DELETE FROM event_runs"
    package static let body = "SELECT body FROM event_blocks WHERE id = ?1"
    package static let startBlock = """
        SELECT id FROM event_blocks
        WHERE run = ?1 AND (subject, sequence) <= (?2, ?3)
        ORDER BY subject DESC, sequence DESC
        LIMIT 1
        """
    /// And the last block that begins before a subject's first fact.
    package static let blockBefore = """
        SELECT id, earliest, latest FROM event_blocks
        WHERE run = ?1 AND subject < ?2
        ORDER BY subject DESC, sequence DESC
        LIMIT 1
        """
    package static let blocksOfSubject = """
        SELECT id, earliest, latest FROM event_blocks WHERE run = ?1 AND subject = ?2
        """
    package static let nextBody = "SELECT MIN(id) FROM event_blocks WHERE id > ?1"
    package static let putBlock = """
        INSERT INTO event_blocks (id, run, subject, sequence, earliest, latest, body)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        """
    package static let timesOfBlock = """
        SELECT earliest, latest FROM event_blocks WHERE run = ?1 AND subject = ?2 AND sequence = ?3
        """
    /// A few at a time, since every page of a deleted body is touched.
    package static let dropBodies = """
        DELETE FROM event_blocks WHERE id IN (
            SELECT id FROM event_blocks WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3
        )
        """
    package static let deleteBodies = "DELETE FROM event_blocks"
    package static let factCount = "SELECT COALESCE(SUM(facts), 0) FROM event_runs"
    package static let usageCount = "SELECT COALESCE(SUM(usages), 0) FROM event_runs"
    package static let putCorrection = """
        INSERT OR IGNORE INTO event_corrections (day, subject, event, sequence)
        VALUES (?1, ?2, ?3, ?4)
        """
    package static let correctionsOfEvent = """
        SELECT sequence FROM event_corrections
        WHERE day = ?1 AND subject = ?2 AND event = ?3 AND sequence <= ?4
        """
    package static let correctionCount = """
        SELECT COUNT(*) FROM event_corrections WHERE sequence <= ?1
        """
    package static let hasCorrection = """
        SELECT 1 FROM event_corrections
        WHERE day = ?1 AND subject = ?2 AND event = ?3 AND sequence = ?4
        """
    package static let deleteCorrections = "DELETE FROM event_corrections"
}

/// The table that stores of earlier versions have.
package enum FormerEventStatements {
    package static let exists = "SELECT 1 FROM sqlite_schema WHERE name = 'usage_events'"
    package static let nextDay = "SELECT MIN(day) FROM usage_events WHERE day > ?1"
    package static let ofDay = """
        SELECT subject, sequence, body FROM usage_events
        WHERE day = ?1 AND sequence <= ?2
        ORDER BY subject, sequence
        """
    package static let drop = "DROP TABLE usage_events"
}

package enum EventIDStatements: RunStatements {
    package static let runs = "SELECT number, entries, last_key, keys FROM id_runs ORDER BY number"
    package static let numbers = "SELECT number FROM id_runs ORDER BY number"
    package static let putRun = """
        INSERT INTO id_runs (number, entries, last_key, keys) VALUES (?1, ?2, ?3, ?4)
        """
    package static let deleteRun = "DELETE FROM id_runs WHERE number = ?1"
    package static let deleteRuns = "DELETE FROM id_runs"
    package static let body = "SELECT body FROM id_blocks WHERE id = ?1"
    package static let nextBody = "SELECT MIN(id) FROM id_blocks WHERE id > ?1"
    package static let putBody = "INSERT INTO id_blocks (id, body) VALUES (?1, ?2)"
    /// A few at a time, since every page of a deleted body is touched.
    package static let dropBodies = """
        DELETE FROM id_blocks WHERE id IN (
            SELECT id FROM id_blocks WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3
        )
        """
    package static let deleteBodies = "DELETE FROM id_blocks"
    /// Where stores of earlier versions had them.
    package static let dropFormerTable = "DROP TABLE IF EXISTS event_ids"
}

package enum ColumnStatements {
    package static let put = """
        INSERT INTO event_columns (day, sequence, events, body, times) VALUES (?1, ?2, ?3, ?4, ?5)
        """
    /// As of a fact, with what was merged after it as it was before.
    private static let asOf = """
        WHERE day BETWEEN ?1 AND ?2 AND sequence <= ?3 AND NOT EXISTS (
            SELECT 1 FROM merged_columns m WHERE m.id = event_columns.id AND m.sequence <= ?3
        )
        ORDER BY day
        """
    package static let ofDays = "SELECT day, events, body FROM event_columns \(asOf)"
    package static let ofDaysWithTimes = """
        SELECT day, events, body, times FROM event_columns \(asOf)
        """
    package static let rowsOfDays = "SELECT day, id FROM event_columns \(asOf), id"
    package static let days = """
        SELECT DISTINCT day FROM event_columns WHERE day BETWEEN ?1 AND ?2 ORDER BY day
        """
    package static let sizesOfDay = """
        SELECT id, sequence, events FROM event_columns
        WHERE day = ?1
            AND NOT EXISTS (SELECT 1 FROM merged_columns m WHERE m.id = event_columns.id)
        ORDER BY id
        """
    package static let noteMerged = """
        INSERT INTO merged_columns (id, sequence, merged_at) VALUES (?1, ?2, ?3)
        """
    package static let oldestMerged = """
        SELECT id, sequence, merged_at FROM merged_columns ORDER BY sequence, id LIMIT 64
        """
    package static let forgetMerged = "DELETE FROM merged_columns WHERE id = ?1"
    package static let forgetAllMerged = "DELETE FROM merged_columns"
    package static let byID = "SELECT body, times FROM event_columns WHERE id = ?1"
    package static let delete = "DELETE FROM event_columns WHERE id = ?1"
    package static let deleteAfter = "DELETE FROM event_columns WHERE sequence > ?1"
    package static let deleteAll = "DELETE FROM event_columns"
}

package enum LedgerStatements {
    package static let put = """
        INSERT OR IGNORE INTO ledger_entries (subject, sequence, lookup, body)
        VALUES (?1, ?2, ?3, ?4)
        """
    /// Without statistics SQLite would rather walk the subject's whole ledger.
    package static let byLookup = """
        SELECT sequence, body FROM ledger_entries INDEXED BY ledger_entries_by_lookup
        WHERE subject = ?1 AND lookup = ?2
        ORDER BY sequence
        """
    package static let before = """
        SELECT sequence, body FROM ledger_entries
        WHERE subject = ?1 AND sequence < ?2
        ORDER BY sequence DESC
        LIMIT ?3
        """
    package static let between = """
        SELECT subject, sequence, body FROM ledger_entries
        WHERE sequence > ?1 AND sequence <= ?2
        ORDER BY sequence
        LIMIT ?3
        """
    package static let ofPass = """
        SELECT subject, sequence, body FROM ledger_entries
        WHERE ((subject >> 18) + subject) % ?1 = ?2
        ORDER BY subject, sequence
        """
    package static let count = "SELECT COUNT(*) FROM ledger_entries"
}

package enum CounterStatements {
    package static let byKey = """
        SELECT value, memory, as_of FROM counters
        WHERE series = ?1 AND window_from = ?2 AND subject = ?3
        """
    /// Where the next window of a series begins, whoever's counter it is.
    package static let nextWindow = """
        SELECT MIN(window_from) FROM counters WHERE series = ?1 AND window_from > ?2
        """
    package static let ofPass = """
        SELECT series, window_from, subject, value, memory FROM counters
        WHERE ((subject >> 18) + subject) % ?1 = ?2
        """
    package static let put = """
        INSERT OR REPLACE INTO counters (series, window_from, subject, value, as_of, memory)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        """
    package static let delete = """
        DELETE FROM counters
        WHERE series = ?1 AND window_from = ?2 AND subject = ?3
        """
    package static let deleteAll = "DELETE FROM counters"
    package static let count = "SELECT COUNT(*) FROM counters"
}

package enum CatalogStatements {
    package static let all = "SELECT kind, body FROM catalog ORDER BY kind, key"
    package static let put = "INSERT OR REPLACE INTO catalog (kind, key, body) VALUES (?1, ?2, ?3)"
    package static let delete = "DELETE FROM catalog WHERE kind = ?1 AND key = ?2"
    package static let names = "SELECT name FROM quantity_names ORDER BY number"
    package static let putName =
        "INSERT OR IGNORE INTO quantity_names (number, name) VALUES (?1, ?2)"
    package static let limits = "SELECT key FROM limit_numbers ORDER BY number"
    package static let putLimit =
        "INSERT OR IGNORE INTO limit_numbers (number, key) VALUES (?1, ?2)"
    package static let series =
        "SELECT definition, defined_at, is_counted FROM series ORDER BY number"
    package static let putSeries = """
        INSERT OR REPLACE INTO series (number, definition, defined_at, is_counted)
        VALUES (?1, ?2, ?3, ?4)
        """
}

package enum ChangeStatements {
    package static let put = """
        INSERT OR IGNORE INTO changes (sequence, idempotency_key, body) VALUES (?1, ?2, ?3)
        """
    package static let byIdempotencyKey = "SELECT body FROM changes WHERE idempotency_key = ?1"
    /// Those before ?1 that a filter accepts, ?2 at most. The texts are bound from ?3 on.
    package static func before(_ filter: ChangeFilter) -> (sql: String, texts: [String]) {
        var (conditions, texts): ([String], [String]) = ([], [])
        func bound(_ text: String) -> String {
            texts.append(text)
            return "?\(texts.count + 2)"
        }
        let kind = "json_extract(body, '$.kind')"
        let key = "json_extract(body, '$.key')"
        let time = "json_extract(body, '$.recordedAt')"
        if filter.kind != nil || filter.key != nil || filter.subject != nil {
            // With the kind, too, the index finds them.
            conditions.append("\(kind) IN (\(filter.kinds.map(bound).joined(separator: ", ")))")
        } else {
            for unasked in ChangeFilter.unaskedKinds {
                conditions.append("\(kind) <> \(bound(unasked))")
            }
        }
        if let wanted = filter.key { conditions.append("\(key) = \(bound(wanted))") }
        if let id = filter.subject?.text {
            conditions.append(
                "(\(key) = \(bound(id)) OR \(key) >= \(bound(id + "/")) AND \(key) < \(bound(id + "0")))"
            )
        }
        if let author = filter.author {
            conditions.append("instr(json_extract(body, '$.author'), \(bound(author))) > 0")
        }
        if let address = filter.address {
            conditions.append("json_extract(body, '$.address') = \(bound(address))")
        }
        if let from = filter.from { conditions.append("\(time) >= \(bound(from.rfc3339))") }
        if let until = filter.until { conditions.append("\(time) < \(bound(until.rfc3339))") }
        let sql = """
            SELECT body FROM changes
            WHERE sequence < ?1 AND json_extract(body, '$.outcome.unchanged') IS NULL
                AND json_extract(body, '$.outcome.missing') IS NULL
                AND \(conditions.joined(separator: " AND "))
            ORDER BY sequence DESC
            LIMIT ?2
            """
        return (sql, texts)
    }

    package static let after = """
        SELECT body FROM changes
        WHERE sequence > ?1
        ORDER BY sequence
        LIMIT ?2
        """
    package static let byKind = """
        SELECT body FROM changes WHERE json_extract(body, '$.kind') = ?1 ORDER BY sequence
        """
    /// In the order of recording: what the index finds would have to be sorted for each part.
    static func lines(ofKinds kinds: [String]) -> String {
        """
        SELECT sequence, json_extract(body, '$.kind'), json_extract(body, '$.key'),
            json_extract(body, '$.recordedAt')
        FROM changes
        WHERE sequence > ?1 AND idempotency_key IS NULL
            AND +json_extract(body, '$.kind') IN ('\(kinds.joined(separator: "', '"))')
        ORDER BY sequence
        LIMIT ?2
        """
    }
    static let forget = "DELETE FROM changes WHERE sequence = ?1"
    static let deletionTrigger = """
        SELECT sql FROM sqlite_schema
        WHERE type = 'trigger' AND name = 'changes_are_never_deleted'
        """
    static let dropDeletionTrigger = "DROP TRIGGER changes_are_never_deleted"
    package static let nextKey = """
        SELECT MIN(json_extract(body, '$.key')) FROM changes
        WHERE json_extract(body, '$.kind') = ?1 AND json_extract(body, '$.key') > ?2
        """
    package static let byKey = """
        SELECT body FROM changes
        WHERE json_extract(body, '$.kind') = ?1 AND json_extract(body, '$.key') = ?2
        ORDER BY sequence
        """
    package static let lastByKey = """
        SELECT body FROM changes
        WHERE json_extract(body, '$.kind') = ?1 AND json_extract(body, '$.key') = ?2
        ORDER BY sequence DESC
        LIMIT 1
        """
    package static let count = "SELECT COUNT(*) FROM changes"
}

package enum SettingStatements {
    package static let byKey = "SELECT value FROM settings WHERE key = ?1"
    package static let delete = "DELETE FROM settings WHERE key = ?1"
    package static let put = "INSERT OR REPLACE INTO settings (key, value) VALUES (?1, ?2)"
    package static let zones = "SELECT key, value FROM settings WHERE key GLOB 'time_zone_rules:*'"
}

/// Keys of `settings`.
package enum Setting {
    package static let watermark = "watermark"
    /// Which store this is, once its journal was shipped.
    package static let identity = "identity"
    package static let defaultTimeZone = "default_time_zone"
    package static let derivedVersion = "derived_version"
    /// Followed by the name of a zone: the digest of the rules that counters were cut with.
    package static let zone = "time_zone_rules:"
    /// Pages of a report that was begun before this fact cannot be told any more.
    package static let cutFloor = "cut_floor"
    /// While the events of an earlier version are copied: the last day of which all are.
    package static let copiedDay = "copied_day"
    package static let archive = "archive"
    /// How often all rows of columns were made anew.
    package static let columnsEra = "columns_era"
}
