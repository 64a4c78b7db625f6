import Meterstone
import MeterstoneTesting

/// Consumes on PostgreSQL, beside the classic implementation on the same server, in the same run.
@MainActor
struct PostgresBench {
    let report: Report
    let subjects: Int
    let duration: Duration

    private static let warmUpSeconds = 2
    /// As it is usually written, and with a lock that makes it right.
    private static let classics = ["classic", "classic, locked"]
    /// For both sides. What they do not name stays as PostgreSQL has it, so that everything is synced.
    private static let settings = [
        "shared_buffers": "512MB", "max_wal_size": "4GB", "checkpoint_timeout": "1h",
    ]

    func run() async throws {
        let programs = try PostgresPrograms()
        let server = try PostgresServer(settings: Self.settings)
        defer { server.stop() }
        let classic = try measureClassic(programs, url: server.makeDatabase())
        let url = try server.makeDatabase()
        for count in [1, 3] {
            let nodes = try await PostgresNodes(count, url: url, subjects: subjects)
            if count == 1 {
                try await nodes.addSubjects()
                try programs.settle(url: url)
            }
            for callers in [64, 1_024] {
                for picks in Picks.allCases {
                    _ = try await nodes.measure(
                        picks, callers: callers, for: .seconds(Self.warmUpSeconds))
                    let pace = try await nodes.measure(picks, callers: callers, for: duration)
                    let name = count == 1 ? "1 node" : "\(count) nodes"
                    add("\(name), \(callers) callers, \(picks.rawValue)", pace)
                    compare(pace, classic[picks] ?? [], aim: picks == .hot ? 3 : 6)
                }
            }
            await nodes.shutdown()
        }
    }

    /// How fast each of ``classics`` is.
    private func measureClassic(
        _ programs: PostgresPrograms, url: String
    ) throws -> [Picks: [Pace]] {
        let classic = try ClassicUsage(programs, url: url, subjects: subjects)
        report.note("PostgreSQL: \(try programs.settings(url: url)); nodes share one process")
        let seconds = max(1, Int(inSeconds(duration).rounded(.up)))
        var paces: [Picks: [Pace]] = [:]
        for (name, locks) in zip(Self.classics, [false, true]) {
            for picks in Picks.allCases {
                let pace = try classic.measure(
                    picks, locks: locks, warmUp: Self.warmUpSeconds, seconds: seconds)
                paces[picks, default: []].append(pace)
                add("\(name), \(ClassicUsage.clients) clients, \(picks.rawValue)", pace)
            }
        }
        try classic.remove()
        return paces
    }

    private func add(_ name: String, _ pace: Pace) {
        report.add("PostgreSQL: " + name, pace.perSecond, "/s")
        report.add("  p50", pace.latencies.percentile(0.5) / 1_000, "ms")
        report.add("  p99", pace.latencies.percentile(0.99) / 1_000, "ms")
    }

    private func compare(_ pace: Pace, _ classic: [Pace], aim: Double) {
        for (name, other) in zip(Self.classics, classic) {
            report.add("  times the \(name)", pace.perSecond / other.perSecond, "x", aim: aim)
        }
    }
}
