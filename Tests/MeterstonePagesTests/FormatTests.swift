import MeterstoneCore
import Testing

@testable import MeterstonePages

/// Numbers, money and times as pages write them.
@Suite struct FormatTests {
    @Test func `numbers have separators, and a true minus`() {
        #expect(Format.number(Int64(0)) == "0")
        #expect(Format.number(Int64(1_234_567)) == "1,234,567")
        #expect(Format.number(Int64(-1_000)) == "−1,000")
        #expect(Format.number(Int64.min) == "−9,223,372,036,854,775,808")
        #expect(Format.number(12.345) == "12.35" && Format.number(3.0) == "3")
        #expect(Format.number(Double.nan) == "—")
        #expect(Format.allowance(-1) == "∞" && Format.allowance(0) == "0")
    }

    @Test func `money and shares`() {
        #expect(Format.money(19_000_000) == "19.00")
        #expect(Format.money(-1_234_567_891) == "−1,234.57")
        #expect(Format.money(nil) == "—")
        #expect(Format.percent(0.8211) == "82.1 %" && Format.percent(1) == "100.0 %")
        #expect(Format.percent(0.0004) == "0.0 %" && Format.percent(-0.05) == "−5.0 %")
        #expect(Format.percent(nil) == "—")
    }

    @Test func `a wait is rounded up to the minute`() throws {
        let now = try #require(Instant(rfc3339: "2026-03-10T12:00:00Z"))
        func wait(_ milliseconds: Int64) -> String {
            Format.wait(until: now.advanced(byMilliseconds: milliseconds), from: now)
        }
        #expect(wait(-5) == "0m" && wait(1) == "1m" && wait(7_500_000) == "2h 5m")
        #expect(wait(176_400_000) == "2d 1h")
    }

    @Test func `dates`() {
        #expect(Format.date("2026-11-03T10:00:00Z") == "3 Nov 2026")
        #expect(Format.words("prompts_daily") == "Prompts daily")
        #expect(Format.words("creditGrant") == "Credit grant")
        #expect(Format.day("2026-11-03") == "3 Nov")
        #expect(Format.date("never") == "never")
    }
}
