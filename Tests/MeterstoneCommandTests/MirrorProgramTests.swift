import Foundation
import MeterstoneMirror
import Testing

/// The commands around the mirror, and what an application's own tables bring in.
@Suite struct MirrorProgramTests {
    private func number(_ name: String, in output: String) throws -> Int {
        let object = try JSONSerialization.jsonObject(with: Data(output.utf8))
        return try #require((object as? [String: Any])?[name] as? Int)
    }

    @Test func `a mirror is made, goes on, and is asked as table, CSV and JSON`() async throws {
        try await withFolder { folder in
            let store = ["--data", "\(folder)/store"]
            let mirror = "sqlite:\(folder)/reports.db"
            _ = try await Program.run(["blueprint", "apply", "video-studio"] + store)
            for type in ["prompt", "prompt", "export"] {
                _ = try await Program.run(["record", "u1", "--type", type] + store)
            }
            let first = try await Program.run(["mirror", "--to", mirror, "--json"] + store)
            #expect(first.status == 0, "\(first.errors)")
            #expect(try number("facts", in: first.output) > 3)
            _ = try await Program.run(["record", "u,2", "--type", "prompt"] + store)
            let next = try await Program.run(["mirror", "--to", mirror, "--json"] + store)
            #expect(try number("facts", in: next.output) == 1)
            let sql = """
                SELECT user_id, count FROM user_usage WHERE usage_type = 'prompt' ORDER BY user_id
                """
            func ask(_ format: String) async throws -> String {
                try await Program.run(
                    ["sql", sql, "--format", format], ["METERSTONE_MIRROR": mirror]
                ).output
            }
            #expect(
                try await ask("table")
                    == "user_id  count\n-------  -----\nu,2          1\nu1           2\n")
            #expect(try await ask("csv") == "user_id,count\r\n\"u,2\",1\r\nu1,2\r\n")
            #expect(
                try await ask("json")
                    == #"[{"user_id":"u,2","count":1},{"user_id":"u1","count":2}]"# + "\n")
            let write = try await Program.run(["sql", "DELETE FROM events", "--mirror", mirror])
            #expect(write.status != 0)
            #expect(try await ask("csv").contains("u1,2"))
            let nowhere = try await Program.run(["sql", "SELECT 1"])
            #expect(nowhere.status == 64)
            #expect(nowhere.errors.contains("METERSTONE_MIRROR"))
            let missing = "sqlite:\(folder)/missing.db"
            let absent = try await Program.run(["sql", "SELECT 1", "--mirror", missing])
            #expect(absent.status == 74 && absent.errors.contains("\(missing): unable to open"))
            let untold = try await Program.run(
                ["import", "--from-table", "\(missing)#chat_requests"] + store)
            #expect(untold.status != 0 && untold.errors.contains("\(missing): unable to open"))
        }
    }

    @Test func `a server keeps a mirror up, and tells its lag`() async throws {
        try await withFolder { folder in
            let mirror = "sqlite:\(folder)/reports.db"
            let ending = try await Program.serve(
                ["--data", "\(folder)/store", "--blueprint", "video-studio", "--mirror", mirror]
            ) { server in
                let client = HTTPConnection(port: try #require(Int(server.port)))
                _ = try client.send(
                    "POST", "/v1/events", #"{"subject":"u1","type":"prompt"}"#)
                var found = ""
                while !found.contains("u1") {
                    found = try await Program.run(
                        ["sql", "SELECT user_id FROM user_usage", "--mirror", mirror]
                    ).output
                }
                let metrics = try client.send("GET", "/metrics").body
                #expect(metrics.contains("meterstone_mirror_watermark"))
                #expect(metrics.contains("meterstone_mirror_lag_seconds 0"))
            }
            #expect(ending.status == 0, "\(ending.errors)")
        }
    }

    // MARK: Tables

    /// An SQLite file with an application's table in it.
    private func table(_ path: String, _ statements: String...) throws {
        let database = try SQLiteMirror(path: path)
        for statement in statements { try database.execute(statement) }
        database.close()
    }

    @Test func `usage_events keep ids, times and every field, and a repeat counts nothing`()
        async throws
    {
        try await withFolder { folder in
            try table(
                "\(folder)/old.db",
                """
                CREATE TABLE usage_events (id INTEGER PRIMARY KEY, user_id TEXT, event_type TEXT,
                    event_subtype TEXT, project_id TEXT, tokens_used INTEGER, duration_ms INTEGER,
                    status TEXT, error_message TEXT, metadata TEXT, created_at TEXT)
                """,
                """
                INSERT INTO usage_events VALUES
                    (1, 'u1', 'prompt', 'gpt-4', 'p1', 120, 900, 'success', NULL, '{"a":1}',
                        '2026-01-05 10:00:00'),
                    (2, 'u1', 'export', 'mp4', NULL, NULL, 2000, 'failed', 'no memory', NULL,
                        '2026-01-06 11:00:00'),
                    (3, 'u2', 'prompt', NULL, NULL, 30, NULL, 'success', NULL, NULL,
                        '2026-01-07 12:00:00'),
                    (4, 'u2', 'prompt', NULL, NULL, 5, NULL, 'unheard-of', NULL, NULL,
                        '2026-01-07 13:00:00')
                """)
            let store = ["--data", "\(folder)/store"]
            _ = try await Program.run(["blueprint", "apply", "video-studio"] + store)
            let import_ =
                ["import", "--from-table", "sqlite:\(folder)/old.db#usage_events", "--json"] + store
            let first = try await Program.run(import_)
            #expect(first.status == 1)
            #expect(first.errors.contains("usage_events: row 4: status 'unheard-of'"))
            #expect(try number("counted", in: first.output) == 3)
            #expect(try number("rejected", in: first.output) == 1)
            #expect(first.output.contains(#"{"of":"prompts","table":2,"store":2}"#))
            #expect(first.output.contains(#"{"of":"tokens","table":150,"store":150}"#))
            #expect(try number("duplicate", in: try await Program.run(import_).output) == 3)
            let mirror = "sqlite:\(folder)/reports.db"
            _ = try await Program.run(["mirror", "--to", mirror] + store)
            let rows = try await Program.run(
                [
                    "sql",
                    """
                    SELECT e.id, e.source, u.user_id, u.event_type, u.event_subtype, u.project_id,
                        u.tokens_used, u.duration_ms, u.status, u.error_message, u.metadata,
                        u.created_at
                    FROM usage_events u JOIN events e ON e.sequence = u.id ORDER BY e.id
                    """, "--mirror", mirror, "--format", "csv",
                ]
            ).output.split(separator: "\r\n").dropFirst()
            #expect(
                Array(rows) == [
                    "1,usage_events,u1,prompt,gpt-4,p1,120,900,success,,\"{\"\"a\"\":1}\","
                        + "2026-01-05 10:00:00.000",
                    "2,usage_events,u1,export,mp4,,,2000,failed,no memory,,2026-01-06 11:00:00.000",
                    "3,usage_events,u2,prompt,,,30,,success,,,2026-01-07 12:00:00.000",
                ])
        }
    }

    @Test func `rows that sum up are opening balances of the meter that their type means`()
        async throws
    {
        try await withFolder { folder in
            try """
            user_id,usage_type,usage_date,count
            u1,prompt,2026-01-05,7
            u1,export,2026-01-05,2
            u2,prompt,2026-01-06,"4
            u2,prompt,2026-01-07,3
            """.write(
                toFile: "\(folder)/old.csv", atomically: true, encoding: .utf8)
            let store = ["--data", "\(folder)/store"]
            _ = try await Program.run(["blueprint", "apply", "video-studio"] + store)
            let ending = try await Program.run(
                ["import", "--from-table", "\(folder)/old.csv#user_usage", "--json"] + store)
            #expect(ending.errors.contains("line 4: a quote is not closed"))
            #expect(ending.output.contains(#"{"of":"exports","table":2,"store":2}"#))
            #expect(ending.output.contains(#"{"of":"prompts","table":10,"store":10}"#))
            let usage = try await Program.run(
                ["usage", "u1", "prompts", "--window", "lifetime", "--json"] + store)
            #expect(usage.output.contains(#""quantity":7"#))
        }
    }

    @Test func `a type that is a meter's name means it, and one that moves nothing is told`()
        async throws
    {
        try await withFolder { folder in
            try table(
                "\(folder)/old.db",
                """
                CREATE TABLE usage_events (id INTEGER PRIMARY KEY, user_id TEXT, event_type TEXT,
                    event_subtype TEXT, metadata TEXT, created_at TEXT);
                CREATE TABLE user_usage (id INTEGER, user_id TEXT, usage_type TEXT, usage_date TEXT,
                    count INTEGER)
                """,
                """
                INSERT INTO usage_events VALUES
                    (1, 'u1', 'prompts', '', 'null', '2026-01-05 10:00:00'),
                    (2, 'u1', 'image_upload', NULL, '', '2026-01-05 11:00:00');
                INSERT INTO user_usage VALUES
                    (1, 'u2', 'prompt', '2026-02-01', 7), (2, 'u2', 'prompts', '2026-02-02', 4),
                    (3, 'u2', 'projects', '2026-02-02', 2)
                """)
            let store = ["--data", "\(folder)/store"]
            _ = try await Program.run(["blueprint", "apply", "video-studio"] + store)
            func bring(_ table: String) async throws -> Program.Ending {
                try await Program.run(
                    ["import", "--from-table", "sqlite:\(folder)/old.db#\(table)", "--json"] + store
                )
            }
            let events = try await bring("usage_events")
            #expect(events.status == 0 && events.output.contains(#""counted":2"#), "\(events)")
            #expect(events.output.contains(#"{"of":"prompts","table":1,"store":1}"#))
            #expect(events.errors.contains("1 rows of the type 'image_upload' move no meter"))
            let usage = try await bring("user_usage")
            #expect(usage.status == 0 && !usage.errors.contains("move no meter"), "\(usage)")
            #expect(usage.output.contains(#"{"of":"projects","table":2,"store":2}"#))
            #expect(usage.output.contains(#"{"of":"prompts","table":11,"store":11}"#))
        }
    }

    @Test func `who has an unreadable last row of credits gets nothing`() async throws {
        try await withFolder { folder in
            try """
            id,user_id,balance_after,created_at
            1,u1,500,2026-01-05 10:00:00
            2,u1,-100,2026-01-06 10:00:00
            3,u2,-5,2026-01-05 10:00:00
            4,u2,70,2026-01-06 10:00:00
            5,u3,30,2026-01-05 10:00:00
            6,u3,20,yesterday
            """.write(toFile: "\(folder)/old.csv", atomically: true, encoding: .utf8)
            let store = ["--data", "\(folder)/store"]
            let ending = try await Program.run(
                ["import", "--from-table", "\(folder)/old.csv#credit_transactions", "--json"]
                    + store)
            #expect(ending.status == 1, "\(ending)")
            #expect(ending.output.contains(#"{"of":"credits","table":70,"store":70}"#))
        }
    }

    @Test func `a log of credits is an opening balance for each user, once`() async throws {
        try await withFolder { folder in
            try table(
                "\(folder)/old.db",
                """
                CREATE TABLE credit_transactions (id INTEGER, user_id TEXT, amount INTEGER,
                    balance_after INTEGER, created_at TEXT)
                """,
                """
                INSERT INTO credit_transactions VALUES
                    (1, 'u1', 100, 100, '2026-01-05 10:00:00'),
                    (2, 'u1', -10, 90, '2026-01-06 10:00:00'),
                    (3, 'u2', 50, 50, '2026-01-06 10:00:00')
                """)
            let store = ["--data", "\(folder)/store"]
            for _ in 0..<2 {
                let ending = try await Program.run(
                    [
                        "import", "--from-table", "sqlite:\(folder)/old.db#credit_transactions",
                        "--json",
                    ] + store)
                #expect(ending.status == 0, "\(ending.errors)")
                #expect(ending.output.contains(#"{"of":"credits","table":140,"store":140}"#))
            }
        }
    }

    @Test func `chat_requests are tracked requests, listed, rated and in the dashboard`()
        async throws
    {
        try await withFolder { folder in
            try table(
                "\(folder)/old.db",
                """
                CREATE TABLE chat_requests (id TEXT PRIMARY KEY, user_id TEXT, session_id TEXT,
                    prompt TEXT, response TEXT, model TEXT, tokens_used INTEGER, cost INTEGER,
                    duration INTEGER, status TEXT, error_message TEXT, ip_address TEXT,
                    user_agent TEXT, started_at TEXT, completed_at TEXT, category TEXT,
                    user_rating INTEGER)
                """,
                """
                INSERT INTO chat_requests VALUES
                    ('r1', 'u1', 's1', '\(String(repeating: "p", count: 150))', 'Here it is', 'gpt-4',
                        1500, 3, 2500, 'completed', NULL, '10.0.0.1', 'curl',
                        '2026-01-05 10:00:00', '2026-01-05 10:00:03', 'nft', 5),
                    ('r2', 'u1', 's1', 'Again', NULL, 'gpt-4', NULL, NULL, 10, 'failed', 'boom',
                        NULL, NULL, '2026-01-05 11:00:00', NULL, NULL, NULL),
                    ('r3', 'u2', 's2', 'Hi', 'Ho', NULL, 20, NULL, NULL, 'completed', NULL, NULL,
                        NULL, '2026-01-06 10:00:00', '2026-01-06 10:00:01', NULL, NULL),
                    ('r4', 'u2', 's2', 'Hi', NULL, NULL, NULL, NULL, NULL, 'pending', NULL, NULL,
                        NULL, '2026-01-06 10:00:00', NULL, NULL, NULL),
                    ('r5', 'u2', 's2', 'Hi', NULL, NULL, NULL, NULL, NULL, 'completed', NULL, NULL,
                        NULL, '2026-01-06 10:00:00', NULL, NULL, 6),
                    ('r6', 'u2', 's2', 'Hi
                there', NULL, NULL, NULL, NULL, NULL, 'completed', NULL, NULL,
                        NULL, '2026-01-06 10:00:00', '2026-01-06 09:59:59', NULL, NULL),
                    ('r7', 'u2', 's2', 'Hi', NULL, NULL, NULL, NULL, NULL, 'completed', NULL, NULL,
                        NULL, 'noon', NULL, NULL, NULL)
                """)
            let store = ["--data", "\(folder)/store"]
            _ = try await Program.run(["blueprint", "apply", "chat-builder"] + store)
            let import_ =
                ["import", "--from-table", "sqlite:\(folder)/old.db#chat_requests"] + store
            let first = try await Program.run(import_ + ["--json"])
            #expect(first.errors.contains("status 'pending'"))
            #expect(first.errors.contains("rating '6': expected a whole number from 1 to 5"))
            #expect(
                first.errors.contains(
                    "row 6: the end '2026-01-06T09:59:59.000Z': expected none before the start"))
            // The row before has a text of two lines.
            #expect(first.errors.contains("row 7: time 'noon'"))
            #expect(try number("counted", in: first.output) == 3)
            #expect(first.output.contains(#"{"of":"requests","table":2,"store":2}"#))
            #expect(first.output.contains(#"{"of":"tokens","table":1520,"store":1520}"#))
            #expect(
                try number("duplicate", in: try await Program.run(import_ + ["--json"]).output) == 3
            )
            let named = try await Program.run(import_ + ["--source", "old"])
            #expect(named.status == 64 && named.errors.contains("--source"))

            let mirror = "sqlite:\(folder)/reports.db"
            let ending = try await Program.serve(store) { server in
                let client = HTTPConnection(port: try #require(Int(server.port)))
                let one = try client.send("GET", "/v1/requests/r1").body
                for part in [
                    #""userId":"u1""#, #""status":"completed""#, #""sessionId":"s1""#,
                    #""prompt":"\#(String(repeating: "p", count: 100))""#, #""model":"gpt-4""#,
                    #""response":"Here it is""#, #""category":"nft""#, #""tokensUsed":1500"#,
                    #""cost":3,"costMillionths":30000,"costSource":"given","duration":2500"#,
                    #""userRating":5"#,
                    #""startedAt":"2026-01-05T10:00:00.000Z""#,
                    #""completedAt":"2026-01-05T10:00:03.000Z""#,
                ] { #expect(one.contains(part), "\(part) in \(one)") }
                let list = try client.send("GET", "/v1/subjects/u1/requests").body
                #expect(list.contains("r1") && list.contains("r2") && !list.contains("r3"))
                #expect(list.contains(#""completedAt":"2026-01-05T11:00:00.010Z""#))
                let dashboard = try client.send("GET", "/api/user/dashboard?userId=u1").body
                #expect(
                    dashboard.contains(
                        #""totalRequests":2,"totalTokensUsed":1500,"totalCost":3"#), "\(dashboard)")
                let rated = try client.send(
                    "PUT", "/api/chat/track",
                    #"{"requestId":"r1","userId":"u1","userRating":2}"#)
                #expect(rated.status == 200 && rated.body.contains(#""userRating":2"#))
                let again = try client.send(
                    "PUT", "/api/chat/track",
                    #"{"requestId":"r1","userId":"u1","status":"failed"}"#)
                #expect(again.status == 409 && again.body.contains("request_closed"))
                let unpriced = try client.send("GET", "/v1/requests/unpriced").body
                #expect(unpriced.contains(#""unpriced":2"#), "\(unpriced)")
            }
            #expect(ending.status == 0, "\(ending.errors)")
            _ = try await Program.run(["mirror", "--to", mirror] + store)
            let rows = try await Program.run(
                [
                    "sql",
                    """
                    SELECT c.id, c.user_id, c.session_id, length(c.prompt), c.response, c.model,
                        c.tokens_used, c.cost, c.duration, c.status, c.error_message, c.ip_address,
                        c.started_at, c.completed_at, a.category, a.user_rating
                    FROM chat_requests c JOIN request_analytics a ON a.id = c.id ORDER BY c.id
                    """, "--mirror", mirror, "--format", "csv",
                ]
            ).output.split(separator: "\r\n").dropFirst()
            let expected: [String] = [
                """
                r1,u1,s1,100,Here it is,gpt-4,1500,3,2500,completed,,10.0.0.1,\
                2026-01-05 10:00:00.000,2026-01-05 10:00:03.000,nft,2
                """,
                """
                r2,u1,s1,5,,gpt-4,,,10,failed,boom,,2026-01-05 11:00:00.000,\
                2026-01-05 11:00:00.010,,
                """,
                """
                r3,u2,s2,2,Ho,,20,,,completed,,,2026-01-06 10:00:00.000,\
                2026-01-06 10:00:01.000,,
                """,
            ]
            #expect(rows.map(String.init) == expected)
        }
    }

    @Test func `columns of a CSV file tell every field of an event`() async throws {
        try await withFolder { folder in
            try """
            who,what,model,ok,ms,why,proj,usd,when
            u1,export,mp4,failed,1200,no memory,p1,0.0125,2026-01-05T10:00:00Z
            """.write(toFile: "\(folder)/a.csv", atomically: true, encoding: .utf8)
            let store = ["--data", "\(folder)/store"]
            let columns = [
                "subject=who", "type=what", "subtype=model", "status=ok", "duration=ms",
                "error=why",
                "project=proj", "cost=usd", "time=when",
            ].flatMap { ["--column", $0] }
            let ending = try await Program.run(
                ["import", "\(folder)/a.csv", "--json"] + columns + store)
            #expect(ending.status == 0, "\(ending.errors)")
            let mirror = "sqlite:\(folder)/reports.db"
            _ = try await Program.run(["mirror", "--to", mirror] + store)
            let rows = try await Program.run(
                [
                    "sql",
                    """
                    SELECT subject, type, subtype, status, duration_ms, error_message, project,
                        cost_billionths, occurred_at FROM events
                    """, "--mirror", mirror, "--format", "csv",
                ])
            #expect(
                rows.output.contains(
                    "u1,export,mp4,failed,1200,no memory,p1,12500000,2026-01-05 10:00:00.000"))
        }
    }
}
