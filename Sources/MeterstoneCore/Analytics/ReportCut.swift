/// The instant that all pages of one report are about: what had been recorded when the first one was
/// asked for.
public struct ReportCut: Hashable, Sendable {
    /// When the first page was asked for.
    package let at: Instant
    /// Facts with a larger sequence number came after.
    package let sequence: Int64
    /// What a store of many nodes knows its own state by.
    package let snapshot: String?

    package init(at: Instant, sequence: Int64, snapshot: String? = nil) {
        self.at = at
        self.sequence = sequence
        self.snapshot = snapshot
    }

    /// Without a colon, so that it can stand in a cursor.
    package var text: String {
        "\(at.millisecondsSince1970);\(sequence);\(snapshot ?? "")"
    }

    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ";", omittingEmptySubsequences: false)
        guard parts.count == 3, let milliseconds = Int64(parts[0]), let sequence = Int64(parts[1]),
            sequence >= 0
        else { return nil }
        let at = Instant(millisecondsSince1970: milliseconds)
        guard at.hasText else { return nil }
        self.init(
            at: at, sequence: sequence, snapshot: parts[2].isEmpty ? nil : String(parts[2]))
    }
}

extension Rejection {
    /// What a list was cut at is not known any more.
    package static let cursorExpired = Rejection(
        code: .cursorExpired, field: "cursor",
        message: "what this list was begun with is no longer kept; ask for its first page again")
}
