import Foundation
import Meterstone
import MeterstoneCore
import Testing

@Suite struct ZoneDatabaseTests {
    private static let names = [
        "Africa/Cairo", "Africa/Casablanca", "Africa/Johannesburg", "Africa/Lagos",
        "America/Argentina/Buenos_Aires", "America/Caracas", "America/Chicago", "America/Havana",
        "America/Los_Angeles", "America/New_York", "America/Sao_Paulo", "America/St_Johns",
        "Antarctica/Troll", "Asia/Beirut", "Asia/Gaza", "Asia/Jerusalem", "Asia/Kathmandu",
        "Asia/Kolkata", "Asia/Pyongyang", "Asia/Tehran", "Asia/Tokyo", "Atlantic/Azores",
        "Australia/Adelaide", "Australia/Lord_Howe", "Australia/Sydney", "Europe/Berlin",
        "Europe/Dublin", "Europe/Istanbul", "Europe/London", "Europe/Moscow", "Pacific/Apia",
        "Pacific/Auckland", "Pacific/Chatham", "Pacific/Kiritimati", "Etc/GMT+12", "EST5EDT",
    ]

    @Test(arguments: names)
    func `offsets are those of Foundation`(name: String) throws {
        let seed = CalendarGenerator.freshSeed
        var generator = CalendarGenerator(seed: seed)
        let zone = try #require(ZoneDatabase().rules(named: name))
        let reference = try #require(TimeZone(identifier: name))
        #expect(zone.name == name)
        for _ in 0..<2_000 {
            // From 1970 to the end of 2037, whole seconds.
            let seconds = Int64.random(in: 0..<2_145_916_800, using: &generator)
            let instant = Instant(millisecondsSince1970: seconds * 1_000)
            let date = Date(timeIntervalSince1970: TimeInterval(seconds))
            #expect(
                zone.offsetSeconds(at: instant) == Int64(reference.secondsFromGMT(for: date)),
                "\(name) at \(instant), seed \(seed)")
        }
    }

    @Test(arguments: [
        ("Europe/Berlin", "2199-07-01T00:00:00Z", 7_200),
        ("Europe/Berlin", "2200-07-01T00:00:00Z", 7_200),
        ("Europe/Berlin", "2200-12-01T00:00:00Z", 3_600),
        ("Europe/Berlin", "2201-07-01T00:00:00Z", 3_600),
        ("Europe/Dublin", "2100-01-01T00:00:00Z", 0),
        ("Europe/Dublin", "2100-07-01T00:00:00Z", 3_600),
        ("America/New_York", "2150-03-08T06:59:59Z", -18_000),
        ("America/New_York", "2150-03-08T07:00:00Z", -14_400),
        ("Australia/Sydney", "2150-01-01T00:00:00Z", 39_600),
        ("Asia/Gaza", "2150-07-01T00:00:00Z", 10_800),
        ("Asia/Kolkata", "9999-12-31T00:00:00Z", 19_800),
        ("Europe/Berlin", "0001-01-01T00:00:00Z", 3_208),
    ])
    func `rules go on after the last listed change`(
        name: String, text: String, offsetSeconds: Int64
    ) throws {
        let zone = try #require(ZoneDatabase().rules(named: name))
        let instant = try #require(Instant(rfc3339: text))
        #expect(zone.offsetSeconds(at: instant) == offsetSeconds)
    }

    @Test(arguments: ["UTC", "Etc/UTC", "GMT", "Z"])
    func `UTC needs no files`(name: String) {
        #expect(ZoneDatabase(directory: "/nowhere").rules(named: name) === ZoneRules.utc)
    }

    @Test(arguments: [
        "", "/", ".", "..", "../etc/passwd", "Europe/../UTC", "/usr/share/zoneinfo/UTC", "Europe",
        "Europe/", "Europe//Berlin", "/Europe/Berlin", "Europe/Berlin/", "Europe/Berlin\0",
        "Europe/Berlin ", "Europe\\Berlin", "Nowhere/Land", "zone.tab", "tzdata.zi",
        "leap-seconds.list", "Europe/Bérlin", "right/Europe/Berlin",
        String(repeating: "a", count: 65), String(repeating: "a/", count: 100_000),
    ])
    func `a bad name has no rules`(name: String) {
        #expect(ZoneDatabase().rules(named: name) == nil)
    }

    @Test func `a missing directory has no zones`() {
        #expect(ZoneDatabase(directory: "/nowhere").rules(named: "Europe/Berlin") == nil)
    }

    @Test func `a zone is read once`() async throws {
        let database = ZoneDatabase()
        let first = try #require(database.rules(named: "Europe/Berlin"))
        await withTaskGroup(of: ZoneRules?.self) { group in
            for _ in 0..<50 { group.addTask { database.rules(named: "Europe/Berlin") } }
            for await rules in group { #expect(rules === first) }
        }
    }

    @Test func `a file that is too large is no zone`() throws {
        let directory = FileManager.default.temporaryDirectory
            .appending(path: "zones-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        var data = try Data(contentsOf: URL(filePath: "/usr/share/zoneinfo/Europe/Berlin"))
        try data.write(to: directory.appending(path: "Fits"))
        data.append(Data(count: ZoneDatabase.fileBytesMax))
        try data.write(to: directory.appending(path: "Too_large"))
        let database = ZoneDatabase(directory: directory.path())
        #expect(database.rules(named: "Fits") != nil)
        #expect(database.rules(named: "Too_large") == nil)
    }
}
