import Foundation
import MeterstoneCore
import MeterstoneStore

/// What a part is, in a file beside it.
struct ArchiveManifest: Sendable, Hashable, Codable {
    static let formatNow = 1

    var format = ArchiveManifest.formatNow
    /// Whose events they are.
    let store: String
    let number: Int
    let file: String
    /// Of the file.
    let bytes: Int
    let sha256: String
    /// Events of which no earlier part has anything.
    let newEvents: Int
    let totals: ArchiveTotals

    /// `events-2025-03-01--2025-03-31-000007`, with numbers that sort.
    static func stem(_ days: ClosedRange<Int64>, _ number: Int) -> String {
        let (first, last) = (
            CivilDate(daysSince1970: days.lowerBound), CivilDate(daysSince1970: days.upperBound)
        )
        return "events-\(first)--\(last)\(ending(number))"
    }

    static func ending(_ number: Int) -> String {
        let text = String(number)
        return "-" + String(repeating: "0", count: max(0, 6 - text.count)) + text
    }

    static let suffix = ".json"
    static let fileSuffix = ".ndjson.gz"

    var json: [UInt8] {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
            return [UInt8](try encoder.encode(self)) + [UInt8(ascii: "\n")]
        }
    }

    var part: ArchivedPart {
        ArchivedPart(
            number: number, name: file, sha256: sha256, events: totals.events,
            newEvents: newEvents)
    }
}
