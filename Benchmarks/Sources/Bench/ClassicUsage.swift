import Foundation
import MeterstoneTesting

/// Which subjects are asked for.
enum Picks: String, CaseIterable {
    case uniform = "uniform"
    case hot = "one hot subject"
}

/// Usage counting as products begin with it, in one transaction of five statements: the subject's plan,
/// the plan's limit, the sum of what was used, a row for the event, and the day's counter.
///
/// `pgbench` runs it, which costs less than a product's own code would. Subjects have a counter of today
/// before it begins, as on the other side, and events are as bare as there.
struct ClassicUsage {
    /// So many connections; whoever calls beyond these waits for one.
    static let clients = 64

    private let programs: PostgresPrograms
    private let url: String
    private let subjects: Int
    private let folder = TemporaryFolder()

    /// Makes the tables, with the indexes that belong to them, and fills them.
    init(_ programs: PostgresPrograms, url: String, subjects: Int) throws {
        self.programs = programs
        self.url = url
        self.subjects = subjects
        try FileManager.default.createDirectory(
            atPath: folder.path, withIntermediateDirectories: true)
        let script = try write(Self.setup, "setup.sql")
        try programs.psql("-v subjects=\(subjects) -f \(script)", url: url)
        try programs.settle(url: url)
    }

    /// Removes the tables, so that nothing tidies them up while something else is measured.
    func remove() throws {
        try programs.psql("-c 'DROP SCHEMA public CASCADE'", url: url)
    }

    /// - Parameter locks: whether the subscription's row is locked first. Without that, callers that
    ///   come together all see the same sum, and pass the limit together.
    func measure(_ picks: Picks, locks: Bool, warmUp: Int, seconds: Int) throws -> Pace {
        let name = "\(picks)-\(locks ? "locked" : "plain")"
        let script = try write(Self.script(picks, locks: locks), "script-\(name).sql")
        let command =
            "\(programs.pgbench) -n -M prepared -c \(Self.clients) -j 2 -D subjects=\(subjects)"
            + " -f \(script)"
        try shell("\(command) -T \(warmUp) '\(url)'")
        let output = try shell(
            "\(command) -T \(seconds) --log --log-prefix=\(folder.path)/log-\(name) '\(url)'")
        guard
            let line = output.split(separator: "\n").first(where: { $0.hasPrefix("tps = ") }),
            let perSecond = Double(line.split(separator: " ")[2])
        else { throw BenchError(message: "pgbench said: \(output)") }
        return Pace(perSecond: perSecond, latencies: try latencies("log-\(name)."))
    }

    /// One line for each transaction; its third word is how many microseconds it took.
    private func latencies(_ prefix: String) throws -> Latencies {
        var latencies = Latencies()
        for file in try FileManager.default.contentsOfDirectory(atPath: folder.path)
        where file.hasPrefix(prefix) {
            let text = try String(contentsOfFile: "\(folder.path)/\(file)", encoding: .utf8)
            for line in text.split(separator: "\n") {
                let words = line.split(separator: " ")
                guard words.count > 2, let microseconds = Double(words[2]) else {
                    throw BenchError(message: "pgbench logged: \(line)")
                }
                latencies.values.append(microseconds)
            }
        }
        return latencies
    }

    /// Returns the path.
    private func write(_ text: String, _ name: String) throws -> String {
        let path = "\(folder.path)/\(name)"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }
}

extension ClassicUsage {
    private static func script(_ picks: Picks, locks: Bool) -> String {
        #"""
        \set user \#(picks == .hot ? "1" : "random(1, :subjects)")
        BEGIN;
        SELECT tier FROM user_subscriptions WHERE user_id = :user\#(locks ? " FOR UPDATE" : "") \gset
        SELECT CASE :tier WHEN 'pro' THEN pro_tier_limit WHEN 'team' THEN team_tier_limit
                ELSE free_tier_limit END AS allowance
            FROM usage_limits_config WHERE limit_type = 'prompts_daily' AND is_active \gset
        SELECT COALESCE(SUM(count), 0) AS used FROM user_usage
            WHERE user_id = :user AND usage_type = 'prompt' AND usage_date >= CURRENT_DATE \gset
        \if :used >= :allowance
        SELECT 'nothing is to be refused here'::integer;
        \endif
        INSERT INTO usage_events (user_id, event_type) VALUES (:user, 'prompt');
        INSERT INTO user_usage (user_id, usage_type) VALUES (:user, 'prompt')
            ON CONFLICT (user_id, usage_type, usage_date)
            DO UPDATE SET count = user_usage.count + 1;
        COMMIT;
        """#
    }

    private static let setup = """
        CREATE TABLE users (id varchar(255) PRIMARY KEY);
        CREATE TABLE projects (id uuid PRIMARY KEY);
        CREATE TABLE usage_limits_config (
            id serial PRIMARY KEY,
            limit_type varchar(50) NOT NULL UNIQUE,
            free_tier_limit integer NOT NULL DEFAULT 0,
            pro_tier_limit integer NOT NULL DEFAULT -1,
            team_tier_limit integer NOT NULL DEFAULT -1,
            description text,
            is_active boolean DEFAULT true,
            created_at timestamp DEFAULT CURRENT_TIMESTAMP,
            updated_at timestamp DEFAULT CURRENT_TIMESTAMP);
        CREATE TABLE user_subscriptions (
            id serial PRIMARY KEY,
            user_id varchar(255) NOT NULL UNIQUE REFERENCES users (id),
            tier varchar(20) NOT NULL DEFAULT 'free',
            stripe_customer_id varchar(255),
            stripe_subscription_id varchar(255),
            status varchar(20) DEFAULT 'active',
            started_at timestamp DEFAULT CURRENT_TIMESTAMP,
            expires_at timestamp,
            metadata jsonb,
            created_at timestamp DEFAULT CURRENT_TIMESTAMP,
            updated_at timestamp DEFAULT CURRENT_TIMESTAMP);
        CREATE TABLE user_usage (
            id serial PRIMARY KEY,
            user_id varchar(255) NOT NULL REFERENCES users (id),
            usage_type varchar(50) NOT NULL,
            usage_date date NOT NULL DEFAULT CURRENT_DATE,
            count integer NOT NULL DEFAULT 1,
            metadata jsonb,
            created_at timestamp DEFAULT CURRENT_TIMESTAMP,
            UNIQUE (user_id, usage_type, usage_date));
        CREATE TABLE usage_events (
            id serial PRIMARY KEY,
            user_id varchar(255) NOT NULL REFERENCES users (id),
            event_type varchar(50) NOT NULL,
            event_subtype varchar(50),
            project_id uuid REFERENCES projects (id),
            scene_id uuid,
            tokens_used integer,
            credits_used integer,
            duration_ms integer,
            status varchar(20) DEFAULT 'success',
            error_message text,
            metadata jsonb,
            created_at timestamp DEFAULT CURRENT_TIMESTAMP);
        CREATE INDEX idx_user_usage_lookup ON user_usage (user_id, usage_type, usage_date);
        CREATE INDEX idx_usage_events_user_date ON usage_events (user_id, created_at);
        CREATE INDEX idx_usage_events_type ON usage_events (event_type, event_subtype);
        INSERT INTO usage_limits_config (limit_type, free_tier_limit)
            VALUES ('prompts_daily', 1000000000);
        INSERT INTO users SELECT n FROM generate_series(1, :subjects) n;
        INSERT INTO user_subscriptions (user_id) SELECT id FROM users;
        INSERT INTO user_usage (user_id, usage_type) SELECT id, 'prompt' FROM users;
        INSERT INTO usage_events (user_id, event_type) SELECT id, 'prompt' FROM users;
        """
}
