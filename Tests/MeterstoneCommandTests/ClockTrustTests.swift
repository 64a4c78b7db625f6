import Logging
import Meterstone
import MeterstoneCommand
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneTesting
import Synchronization
import Testing

/// What is for good is not done on the word of a clock that was ahead for a moment.
@Suite struct ClockTrustTests {
    private static let day: Int64 = 86_400_000
    private static let now = Instant(millisecondsSince1970: 1_796_126_400_000)

    private final class Uptime: Sendable {
        private let value = Mutex<Int64>(0)
        var milliseconds: Int64 { value.withLock { $0 } }
        func pass(_ milliseconds: Int64) { value.withLock { $0 += milliseconds } }
    }

    private func trust(_ newest: Instant?, _ uptime: Uptime) -> ClockTrust {
        ClockTrust(
            newest: newest, at: Self.now, logger: .silent, uptime: { uptime.milliseconds })
    }

    @Test func `a clock far ahead of all facts is believed after a day`() async {
        let uptime = Uptime()
        let trust = trust(Self.now.advanced(byMilliseconds: -41 * Self.day), uptime)
        #expect(await !trust.allows(at: Self.now))
        uptime.pass(Self.day - 1)
        #expect(await !trust.allows(at: Self.now.advanced(byMilliseconds: Self.day - 1)))
        uptime.pass(1)
        #expect(await trust.allows(at: Self.now.advanced(byMilliseconds: Self.day)))
    }

    @Test func `one that is near them, or of an empty store, is believed at once`() async {
        for newest in [nil, Self.now.advanced(byMilliseconds: -40 * Self.day), Self.now] {
            #expect(await trust(newest, Uptime()).allows(at: Self.now))
        }
    }

    @Test func `a jump in either direction is doubted for a day`() async {
        for jump: Int64 in [400 * Self.day, -2 * 3_600_000] {
            let uptime = Uptime()
            let trust = trust(Self.now, uptime)
            uptime.pass(300_000)
            #expect(await trust.allows(at: Self.now.advanced(byMilliseconds: 300_000)))
            uptime.pass(300_000)
            let later = Self.now.advanced(byMilliseconds: 600_000 + jump)
            #expect(await !trust.allows(at: later))
            // Back again: that is a jump, too.
            uptime.pass(300_000)
            #expect(await !trust.allows(at: Self.now.advanced(byMilliseconds: 900_000)))
            uptime.pass(Self.day)
            let next = Self.now.advanced(byMilliseconds: 900_000 + Self.day)
            #expect(await trust.allows(at: next))
        }
    }

    @Test func `no month is closed while the clock is doubted`() async throws {
        let folder = TemporaryFolder()
        let clock = ManualClock()
        let engine = MeterstoneEngine(
            store: try SQLiteStore(directory: folder.path), clock: { clock.now })
        let calls = MeterKey(unchecked: "calls")
        _ = try await engine.apply(Blueprint(meters: [Meter(key: calls)]), author: "test")
        _ = try await engine.record([
            UsageEvent(subject: SubjectID(unchecked: "ann"), quantities: .one(calls, 1))
        ])
        let newest = try await engine.newestAt()
        #expect(newest == clock.now)
        clock.advance(bySeconds: 375 * 86_400)
        let uptime = Uptime()
        let trust = ClockTrust(
            newest: newest, at: clock.now, logger: .silent, uptime: { uptime.milliseconds })
        let watch = MonthWatch(engine, days: 5, trust: trust, logger: .silent)
        try await watch.work(at: clock.now)
        #expect(try await engine.closedMonths().isEmpty)
        uptime.pass(Self.day)
        clock.advance(bySeconds: 86_400)
        try await watch.work(at: clock.now)
        #expect(try await !engine.closedMonths().isEmpty)
        await engine.shutdown()
    }
}

extension Logger {
    fileprivate static var silent: Logger {
        Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
    }
}
