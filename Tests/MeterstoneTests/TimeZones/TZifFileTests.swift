import Foundation
import Meterstone
import MeterstoneCore
import Testing

@Suite struct TZifFileTests {
    /// A file with one offset, transitions to it, and a rule.
    private func file(rule: String, offsetSeconds: Int32 = 0, times: [Int64] = []) -> [UInt8] {
        var bytes: [UInt8] = []
        for bytesPerTime in [4, 8] {
            bytes += Array("TZif3".utf8) + [UInt8](repeating: 0, count: 15 + 12)
            bytes += [0, 0, 0, UInt8(times.count), 0, 0, 0, 1, 0, 0, 0, 4]
            for time in times {
                bytes += Self.bigEndian(time, byteCount: bytesPerTime)
            }
            bytes += times.map { _ in 0 }
            bytes += Self.bigEndian(Int64(offsetSeconds), byteCount: 4)
            bytes += [0, 0] + Array("UTC\0".utf8)
        }
        return bytes + Array("\n\(rule)\n".utf8)
    }

    private static func bigEndian(_ number: Int64, byteCount: Int) -> [UInt8] {
        (0..<byteCount).reversed().map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
    }

    @Test(arguments: [
        ("UTC0", 2026, []),
        ("<+0545>-5:45", 2026, []),
        ("CET-1CEST,M3.5.0,M10.5.0/3", 2026, ["03-29T01:00 7200", "10-25T01:00 3600"]),
        ("EST5EDT,M3.2.0,M11.1.0", 2026, ["03-08T07:00 -14400", "11-01T06:00 -18000"]),
        ("IST-1GMT0,M10.5.0,M3.5.0/1", 2026, ["03-29T01:00 3600", "10-25T01:00 0"]),
        ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 2026, ["03-29T01:00 -3600", "10-25T01:00 -7200"]),
        ("IST-2IDT,M3.4.4/26,M10.5.0", 2026, ["03-27T00:00 10800", "10-24T23:00 7200"]),
        ("EET-2EEST,M3.4.4/50,M10.4.4/50", 2026, ["03-28T00:00 10800", "10-23T23:00 7200"]),
        ("AAA0BBB,J60,J300", 2024, ["03-01T02:00 3600", "10-27T01:00 0"]),
        ("AAA0BBB,J60,J300", 2025, ["03-01T02:00 3600", "10-27T01:00 0"]),
        ("AAA0BBB,59,300", 2024, ["02-29T02:00 3600", "10-27T01:00 0"]),
        ("AAA0BBB,59,300", 2025, ["03-01T02:00 3600", "10-28T01:00 0"]),
        (
            "AAA-9:30:15BBB-10,M1.1.1/0:30:15,M12.5.4", 2026,
            ["01-04T15:00 36000", "12-30T16:00 34215"]
        ),
        // Daylight saving time all the year round.
        ("EST5EDT,0/0,J365/25", 2026, []),
    ])
    func `a rule is read`(rule: String, year: Int, expected: [String]) throws {
        let zone = try #require(TZifFile(file(rule: rule))).rules(named: "Test")
        let found = zone.transitions.filter { $0.at.rfc3339.hasPrefix("\(year)-") }
            .map { "\($0.at.rfc3339.dropFirst(5).prefix(11)) \($0.offsetSeconds)" }
        #expect(found == expected)
    }

    @Test(arguments: [
        "U", "UT0", "UTC", "UTC+", "UTC25", "UTC0:60", "UTC0 ", " UTC0", "<+0545-5:45", "CET-1CEST",
        "CET-1CEST,", "CET-1CEST,M3.5.0", "CET-1CEST,M3.5.0,", "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,M3.0.0,M10.5.0",
        "CET-1CEST,J0,J365", "CET-1CEST,J1,J366", "CET-1CEST,0,366", "CET-1CEST,0/168,365",
        "CET-1CEST,M3.5.0,M10.5.0/3,", "CET-1CEST,M3.5.0/,M10.5.0", "CET-1CEST,M3.5.0/1:,M10.5.0",
        "CET-1CEST-2CEMT,M3.5.0,M10.5.0", "CET-1CEST99999999999999999999,M3.5.0,M10.5.0",
    ])
    func `a damaged rule makes no zone`(rule: String) {
        #expect(TZifFile(file(rule: rule)) == nil)
    }

    @Test func `a file without a rule keeps its last offset`() throws {
        let zone = try #require(TZifFile(file(rule: ""))).rules(named: "Test")
        #expect(zone.offsetSeconds(at: .latest) == 0)
    }

    @Test(
        arguments: [
            (0, true), (-93_600, true), (93_600, true), (-93_601, false), (93_601, false),
            (.min, false), (.max, false),
        ] as [(Int32, Bool)])
    func `an offset of more than 26 hours makes no zone`(offsetSeconds: Int32, isZone: Bool) {
        #expect((TZifFile(file(rule: "", offsetSeconds: offsetSeconds)) != nil) == isZone)
    }

    @Test(
        arguments: [
            ([0, 1, 2], true), ([.min, 0, .max], true), ([-1, 0], true), ([1, 0], false),
            ([0, 0], false),
        ] as [([Int64], Bool)])
    func `times that do not ascend make no zone`(times: [Int64], isZone: Bool) {
        for rule in ["", "UTC0", "CET-1CEST,M3.5.0,M10.5.0/3"] {
            #expect((TZifFile(file(rule: rule, times: times)) != nil) == isZone)
        }
    }

    @Test func `a rule for all the year has one offset`() throws {
        let zone = try #require(TZifFile(file(rule: "EST5EDT,0/0,J365/25"))).rules(named: "Test")
        #expect(zone.offsetSeconds(at: Instant(millisecondsSince1970: 0)) == -14_400)
    }

    @Test(arguments: ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Gaza"])
    func `a file that ends early makes no zone`(name: String) throws {
        let bytes = try Self.bytes(of: name)
        for length in 0..<bytes.count { #expect(TZifFile(Array(bytes[..<length])) == nil) }
    }

    @Test(arguments: ["Europe/Berlin", "America/New_York", "Asia/Gaza", "Pacific/Apia"])
    func `the first block of a file makes a zone of version 1`(name: String) throws {
        var bytes = try Self.bytes(of: name)
        bytes[4] = 0
        let zone = try #require(TZifFile(bytes)).rules(named: name)
        let whole = try #require(ZoneDatabase().rules(named: name))
        for day in Int64(0)..<24_000 {
            let noon = Instant(millisecondsSince1970: day * 86_400_000 + 43_200_000)
            #expect(zone.offsetSeconds(at: noon) == whole.offsetSeconds(at: noon))
        }
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `damaged bytes never trap`(seed: UInt64) throws {
        var generator = CalendarGenerator(seed: seed)
        for name in ["Europe/Berlin", "Asia/Gaza", "Asia/Kathmandu"] {
            let bytes = try Self.bytes(of: name)
            for _ in 0..<1_500 {
                var damaged = bytes
                for _ in 0..<Int.random(in: 1...12, using: &generator) {
                    let end = Bool.random(using: &generator) ? min(120, bytes.count) : bytes.count
                    let index = Int.random(in: 0..<end, using: &generator)
                    damaged[index] = Self.byte(&generator)
                }
                try Self.use(damaged)
            }
        }
        for _ in 0..<1_500 {
            let count = Int.random(in: 0...300, using: &generator)
            try Self.use(Array("TZif2".utf8) + (0..<count).map { _ in Self.byte(&generator) })
        }
    }

    private static func byte(_ generator: inout CalendarGenerator) -> UInt8 {
        let extremes: [UInt8] = [0, 1, 0x7F, 0x80, 0xFF, 0x0A, 0x30, 0x39]
        return Bool.random(using: &generator)
            ? .random(in: 0...255, using: &generator)
            : extremes.randomElement(using: &generator) ?? 0
    }

    private static func use(_ bytes: [UInt8]) throws {
        guard let zone = TZifFile(bytes)?.rules(named: "Test") else { return }
        #expect(zone.transitions == zone.transitions.sorted { $0.at < $1.at })
        let now = Instant(millisecondsSince1970: 1_795_251_600_000)
        let day = Window.day.span(containing: now, in: zone, anchor: nil)
        #expect(day.contains(now))
    }

    private static func bytes(of name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: "/usr/share/zoneinfo/\(name)")))
    }
}
