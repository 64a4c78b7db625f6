import MeterstoneCore
import MeterstoneStore

enum ChangeStatements {
    static let insert = """
        INSERT INTO changes (sequence, idempotency_key, body)
        SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[])
        """
    static let byIdempotencyKey = """
        SELECT idempotency_key, body FROM changes WHERE idempotency_key = ANY($1::text[])
        """
    static let byKind = """
        SELECT body FROM changes WHERE body::json ->> 'kind' = $1::text ORDER BY sequence
        """
    static let lines = """
        SELECT sequence, body::json ->> 'kind', body::json ->> 'key', body::json ->> 'recordedAt'
        FROM changes
        WHERE sequence > $1::bigint AND idempotency_key IS NULL
            AND body::json ->> 'kind' = ANY($2::text[])
        ORDER BY sequence
        LIMIT $3::bigint
        """
    /// Whoever waits for the lock of the trigger holds up those who write the log.
    static let forgetting = [
        "SET LOCAL lock_timeout = '1s'", "ALTER TABLE changes DISABLE TRIGGER USER",
    ]
    static let forget = "DELETE FROM changes WHERE sequence = ANY($1::bigint[])"
    static let forgotten = "ALTER TABLE changes ENABLE TRIGGER USER"
    /// Of one kind, after a fact.
    static let newer = """
        SELECT sequence, body FROM changes
        WHERE body::json ->> 'kind' = $1::text AND sequence > $2::bigint ORDER BY sequence
        """
    static let lastByKey = """
        SELECT body FROM changes
        WHERE body::json ->> 'kind' = $1::text AND (body::json ->> 'key') COLLATE "C" = $2::text
        ORDER BY sequence DESC LIMIT 1
        """
    static let after = """
        SELECT body FROM changes WHERE sequence > $1::bigint ORDER BY sequence LIMIT $2::bigint
        """
    static let at = "SELECT body FROM changes WHERE sequence = $1::bigint"
    static let nextKey = """
        SELECT min((body::json ->> 'key') COLLATE "C") FROM changes
        WHERE body::json ->> 'kind' = $1::text AND (body::json ->> 'key') COLLATE "C" > $2::text
        """
    static let byKey = """
        SELECT body FROM changes
        WHERE body::json ->> 'kind' = $1::text AND (body::json ->> 'key') COLLATE "C" = $2::text
        ORDER BY sequence
        """
    /// Those before $1 that a filter accepts, $2 at most. The texts are bound from $3 on.
    static func before(_ filter: ChangeFilter) -> (sql: String, texts: [String]) {
        var (conditions, texts): ([String], [String]) = ([], [])
        func bound(_ text: String) -> String {
            texts.append(text)
            return "$\(texts.count + 2)::text"
        }
        let kind = "body::json ->> 'kind'"
        let key = #"(body::json ->> 'key') COLLATE "C""#
        let time = #"(body::json ->> 'recordedAt') COLLATE "C""#
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
            conditions.append("strpos(body::json ->> 'author', \(bound(author))) > 0")
        }
        if let address = filter.address {
            conditions.append("body::json ->> 'address' = \(bound(address))")
        }
        if let from = filter.from { conditions.append("\(time) >= \(bound(from.rfc3339))") }
        if let until = filter.until { conditions.append("\(time) < \(bound(until.rfc3339))") }
        let sql = """
            SELECT body FROM changes
            WHERE sequence < $1::bigint AND body::json -> 'outcome' -> 'unchanged' IS NULL
                AND body::json -> 'outcome' -> 'missing' IS NULL
                AND \(conditions.joined(separator: " AND "))
            ORDER BY sequence DESC LIMIT $2::bigint
            """
        return (sql, texts)
    }
}
