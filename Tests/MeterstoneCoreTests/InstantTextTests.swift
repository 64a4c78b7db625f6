import MeterstoneCore
import Testing

@Suite struct InstantTextTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.000Z", 0),
        ("1969-12-31T23:59:59.999Z", -1),
        ("2026-11-21T09:00:00.000Z", 1_795_251_600_000),
        ("2026-11-21t09:00:00z", 1_795_251_600_000),
        ("2026-11-21 09:00:00Z", 1_795_251_600_000),
        ("2026-11-21T10:00:00+01:00", 1_795_251_600_000),
        ("2026-11-21T14:45:00+05:45", 1_795_251_600_000),
        ("2026-11-20T21:30:00-11:30", 1_795_251_600_000),
        ("2026-11-21T09:00:00+00:00", 1_795_251_600_000),
        ("2026-11-21T09:00:00-00:00", 1_795_251_600_000),
        ("2026-11-22T08:59:00+23:59", 1_795_251_600_000),
        ("2026-11-21T09:00:00.5Z", 1_795_251_600_500),
        ("2026-11-21T09:00:00.25+00:00", 1_795_251_600_250),
        ("2026-11-21T09:00:00.0019999Z", 1_795_251_600_001),
        ("2026-11-21T09:00:00.99999999999999999999999999999999Z", 1_795_251_600_999),
        ("1969-12-31T23:59:59.9999Z", -1),
        ("2024-02-29T23:59:59Z", 1_709_251_199_000),
        ("2000-02-29T00:00:00Z", 951_782_400_000),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000),
        ("0001-01-01T01:00:00+01:00", -62_135_596_800_000),
        ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
        ("9999-12-31T22:59:59.9999-01:00", 253_402_300_799_999),
    ])
    func `a date-time with a zone is an instant`(text: String, milliseconds: Int64) {
        let expected = Instant(millisecondsSince1970: milliseconds)
        #expect(Instant(rfc3339: text) == expected)
        #expect(Instant(rfc3339: Array(text.utf8).span) == expected)
        unsafe Array(text.utf8).withUnsafeBufferPointer { bytes in
            let instant = unsafe Instant(rfc3339: bytes)
            #expect(instant == expected)
        }
    }

    @Test(arguments: [
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999Z"),
        ("2016-12-31T23:59:60.25Z", "2016-12-31T23:59:59.999Z"),
        ("2017-01-01T00:59:60+01:00", "2016-12-31T23:59:59.999Z"),
        ("2016-12-31T18:59:60-05:00", "2016-12-31T23:59:59.999Z"),
        ("9999-12-31T23:59:60Z", "9999-12-31T23:59:59.999Z"),
    ])
    func `a leap second is the last millisecond of its minute`(text: String, expected: String) {
        #expect(Instant(rfc3339: text)?.rfc3339 == expected)
    }

    @Test(arguments: [
        "", " ", "Z", "now", "2026-11-21", "2026-11-21T09:00:00", "2026-11-21T09:00Z",
        "2026-11-21T09:00:00.Z", "2026-11-21T09:00:00.+01:00", "2026-11-21T09:00:00,5Z",
        "2026-11-21T09:00:00.5", "2026-11-21T09:00:00.5xZ", "2026-11-21T09:00:00.5.5Z",
        "2026-11-21T09:00:00 Z", "2026-11-21  09:00:00Z", "2026-11-21_09:00:00Z",
        " 2026-11-21T09:00:00Z", "2026-11-21T09:00:00Z ", "2026-11-21T09:00:00ZZ",
        "2026-11-21T09:00:00+1:00", "2026-11-21T09:00:00+0100", "2026-11-21T09:00:00+01",
        "2026-11-21T09:00:00+24:00", "2026-11-21T09:00:00+01:60", "2026-11-21T09:00:00 01:00",
        "2026-11-21T09:00:00+01:00Z", "2026-11-21T09:00:00Z+01:00", "2026-11-21T09:00:00+-1:00",
        "2026-11-21T24:00:00Z", "2026-11-21T09:60:00Z", "2026-11-21T09:00:61Z",
        "2026-00-21T09:00:00Z", "2026-13-21T09:00:00Z", "2026-11-00T09:00:00Z",
        "2026-11-31T09:00:00Z", "2026-02-29T09:00:00Z", "2100-02-29T09:00:00Z",
        "0000-12-31T23:30:00-01:00", "0000-01-01T00:00:00Z", "-001-01-01T00:00:00Z",
        "0001-01-01T00:59:59+01:00", "9999-12-31T23:30:00-01:00", "10000-01-01T00:00:00Z",
        "26-11-21T09:00:00Z", "2026-1-21T09:00:00Z", "2026/11/21T09:00:00Z", "20261121T090000Z",
        "2026-11-21T09.00.00Z", "2026-11-21T0a:00:00Z", "2026-11-21T09:00:0/Z",
        "2026-11-21T09:00:60Z", "2016-12-31T23:58:60Z", "2016-12-31T23:59:60+01:00",
        "2026-11-21T09:00:00.١Z", "２026-11-21T09:00:00Z", "2026-11-21T09:00:00−01:00",
    ])
    func `anything else is not`(text: String) {
        #expect(Instant(rfc3339: text) == nil)
        #expect(Instant(rfc3339: Array(text.utf8).span) == nil)
    }

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (1_795_251_600_007, "2026-11-21T09:00:00.007Z"),
            (951_868_799_999, "2000-02-29T23:59:59.999Z"),
            (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (.min, "0001-01-01T00:00:00.000Z"),
            (.max, "9999-12-31T23:59:59.999Z"),
        ] as [(Int64, String)])
    func `an instant has one text of 24 bytes`(milliseconds: Int64, text: String) {
        let instant = Instant(millisecondsSince1970: milliseconds)
        #expect(instant.rfc3339 == text)
        #expect(instant.description == text)
        #expect(text.utf8.count == Instant.rfc3339ByteCount)
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `what is written is read back`(seed: UInt64) {
        var generator = CalendarGenerator(seed: seed)
        let range = Instant.earliest.millisecondsSince1970...Instant.latest.millisecondsSince1970
        for _ in 0..<10_000 {
            let instant = Instant(
                millisecondsSince1970: Int64.random(in: range, using: &generator))
            #expect(Instant(rfc3339: instant.rfc3339) == instant)
        }
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `damaged text is refused or read, and never traps`(seed: UInt64) {
        var generator = CalendarGenerator(seed: seed)
        let characters = Array("0123456789TZtz:+-. \u{0}é".utf8)
        for _ in 0..<10_000 {
            var bytes = Array("2026-11-21T09:00:59.123+01:30".utf8)
            for _ in 0..<Int.random(in: 1...3, using: &generator) where !bytes.isEmpty {
                let index = bytes.indices.randomElement(using: &generator) ?? 0
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[index] = characters.randomElement(using: &generator) ?? 0
                case 1: bytes.remove(at: index)
                default: bytes.removeLast(index)
                }
            }
            guard let instant = Instant(rfc3339: bytes.span) else { continue }
            #expect(instant >= .earliest && instant <= .latest)
        }
    }
}
