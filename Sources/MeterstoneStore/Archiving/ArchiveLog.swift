public import MeterstoneCore

/// What an archive has of a store, as the store remembers it.
public struct ArchiveLog: Sendable, Hashable, Codable {
    /// Which store wrote it, since several may write into one folder.
    public var store: String
    /// Of events before this UTC day, everything up to ``sequence`` is archived that can be.
    public var untilDay: Int64
    public var sequence: Int64
    /// Oldest first.
    public var parts: [ArchivedPart] = []
    /// Of how many events the store keeps no more than what numbers are made of.
    public var events = 0
    /// What of the newest part the store still has; `nil`: nothing.
    package var rest: Rest?
    /// When everything was archived last that was to be.
    public internal(set) var finishedAt: Instant?

    /// Days of the newest part.
    package struct Rest: Sendable, Hashable, Codable {
        package var firstDay: Int64
        package let lastDay: Int64
        /// What was told after this fact is not in the part.
        package let sequence: Int64

        package init(_ days: ClosedRange<Int64>, through sequence: Int64) {
            firstDay = days.lowerBound
            lastDay = days.upperBound
            self.sequence = sequence
        }
    }

    package init(store: String, untilDay: Int64 = .min, sequence: Int64 = 0) {
        self.store = store
        self.untilDay = untilDay
        self.sequence = sequence
    }

    /// The number of the part that comes next.
    package var nextNumber: Int { (parts.last?.number ?? 0) + 1 }

    package mutating func note(_ part: ArchivedPart) {
        if !part.name.isEmpty { parts.append(part) }
    }

    /// As the store keeps it.
    package func text() throws(StoreError) -> String { try JSONText(self).text }

    package init?(text: String?) throws(StoreError) {
        guard let text else { return nil }
        self = try JSONText(text: text).decoded(as: ArchiveLog.self)
    }

    /// What verification finds when the events that are left are not as many as were archived.
    package static func differences(
        _ log: ArchiveLog?, found: Int
    ) -> [VerifyDifference] {
        let expected = log?.events ?? 0
        guard expected != found else { return [] }
        return [
            VerifyDifference(
                what: "archived events", expected: String(expected), found: String(found))
        ]
    }
}

/// One file of an archive.
public struct ArchivedPart: Sendable, Hashable, Codable {
    public let number: Int
    /// Of the file, in the folder of the archive; empty where texts were forgotten and no file was written.
    public let name: String
    /// Of the file as it is, in hexadecimal digits.
    public let sha256: String
    /// Lines of the file.
    public let events: Int
    /// Of which no earlier file has any: the others were corrected since.
    public let newEvents: Int

    package init(number: Int, name: String, sha256: String, events: Int, newEvents: Int) {
        self.number = number
        self.name = name
        self.sha256 = sha256
        self.events = events
        self.newEvents = newEvents
    }
}

/// How far an archiving has come. Each step takes some days and makes one file.
public struct ArchiveProgress: Sendable {
    /// What occurred from this UTC day on stays as it is.
    package let untilDay: Int64
    /// Days before are done.
    package var nextDay = Int64.min
    /// Whether no file is written: texts are only let go of.
    package let forgets: Bool
    /// When the last step was taken.
    package var steppedAt: Instant?
    /// Facts up to here are looked at, as of the first step.
    package var sequence: Int64?
    /// What the last step wrote.
    package var part: ArchivedPart?
    /// What the store is to write down next; `nil`: nothing.
    package var next: Next?
    package var isDone = false

    package enum Next: Sendable {
        /// Which store it is.
        case log
        /// That a part is durable, and of which days it is.
        case part(ArchivedPart, ArchiveLog.Rest)
        /// What is left of the next of its days.
        case day
        /// That everything is archived.
        case end
    }

    package init(untilDay: Int64, forgets: Bool = false) {
        self.untilDay = untilDay
        self.forgets = forgets
    }

    /// Whether the store writes down what is left of one of several days.
    package var isAmongDays: Bool {
        if case .day = next { return true }
        return false
    }
}

extension ArchiveLog {
    /// The log of a store of which nothing was archived.
    package static func new() -> ArchiveLog {
        let text = String(UInt64.random(in: .min ... .max), radix: 16)
        return ArchiveLog(store: String(repeating: "0", count: 16 - text.count) + text)
    }

    /// Notes that everything is archived that a progress was about.
    package mutating func finish(_ progress: ArchiveProgress) {
        guard let sequence = progress.sequence else { return }
        if !progress.forgets { finishedAt = progress.steppedAt }
        // Who archives less than before has looked at the newest days no further than then.
        guard untilDay <= progress.untilDay else { return }
        self.sequence = max(self.sequence, sequence)
        untilDay = progress.untilDay
    }
}
