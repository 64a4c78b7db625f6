extension MirrorViews {
    /// The shop audience builder: what each shop used ever, and what all may use.
    static func shop(_ words: DialectWords) -> [MirrorView] {
        let limits = [
            ("maxChats", "maxChats"), ("maxListsGenerated", "maxListsGenerated"),
            ("maxListsSaved", "maxListsSaved"), ("maxExports", "maxExports"),
        ].map { key, column in
            "MAX(CASE WHEN l.key = '\(key)' THEN l.default_allowance END) AS \"\(column)\""
        }.joined(separator: ", ")
        return [
            MirrorView(
                "\"UsageTracking\"", key: ["id"],
                """
                SELECT \(words.text("s.number")) AS id, s.id AS shop,
                    COALESCE(u.chats, 0) AS "totalChatsCreated",
                    COALESCE(u.generated, 0) AS "totalListsGenerated",
                    COALESCE(u.saved, 0) AS "totalListsSaved",
                    COALESCE(u.exports, 0) AS "totalExports",
                    (s.blocked OR EXISTS (
                        SELECT 1 FROM limits l LEFT JOIN subject_overrides o
                            ON o.limit_key = l.key AND o.subject_number = s.number
                        WHERE l.active AND COALESCE(o.allowance, l.default_allowance) >= 0
                            AND CASE l.key WHEN 'maxChats' THEN u.chats
                                WHEN 'maxListsGenerated' THEN u.generated
                                WHEN 'maxListsSaved' THEN u.saved
                                WHEN 'maxExports' THEN u.exports END > 0
                            AND CASE l.key WHEN 'maxChats' THEN u.chats
                                WHEN 'maxListsGenerated' THEN u.generated
                                WHEN 'maxListsSaved' THEN u.saved
                                WHEN 'maxExports' THEN u.exports END
                                >= COALESCE(o.allowance, l.default_allowance)))
                        AS "isBlocked",
                    COALESCE(s.created_at, u.first_used_at) AS "createdAt",
                    CASE WHEN s.updated_at IS NULL OR u.last_used_at > s.updated_at
                        THEN u.last_used_at ELSE s.updated_at END AS "updatedAt"
                FROM subjects s LEFT JOIN (
                    SELECT subject,
                        \(words.sum(of: "totalChatsCreated", "chats", "chatsCreated", as: "chats")),
                        \(words.sum(of: "totalListsGenerated", "listsGenerated", as: "generated")),
                        \(words.sum(of: "totalListsSaved", "listsSaved", as: "saved")),
                        \(words.sum(of: "totalExports", "exports", as: "exports")),
                        MIN(first_used_at) AS first_used_at, MAX(last_used_at) AS last_used_at
                    FROM usage_lifetime GROUP BY subject
                ) u ON u.subject = s.id
                """),
            MirrorView(
                "\"UsageLimits\"", key: ["id"],
                """
                SELECT '1' AS id, \(limits),
                    COUNT(CASE WHEN l.active THEN 1 END) > 0 AS "isActive",
                    MIN(t.created_at) AS "createdAt", MAX(t.updated_at) AS "updatedAt"
                FROM limits l LEFT JOIN limit_times t ON t.key = l.key
                WHERE l.key IN ('maxChats', 'maxListsGenerated', 'maxListsSaved', 'maxExports')
                """),
        ]
    }
}
