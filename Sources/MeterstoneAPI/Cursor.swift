package import MeterstoneCore

/// The end of one page as an opaque text, from which the next page starts.
///
/// Callers hand it back and do nothing else with it: base64url of a version, the kind of list, and
/// the position. A cursor of another list, or of a version that is no longer read, is a rejection.
package struct Cursor: Sendable, Hashable {
    private static let version = "1"
    package let kind: Kind
    package let position: String

    package enum Kind: String, Sendable {
        case events = "e"
        case changes = "c"
        case subjects = "s"
        case keys = "k"
        case entries = "l"
        case reports = "r"
        case documents = "d"
        case allEvents = "a"
        case items = "i"
    }

    package init(kind: Kind, position: String) {
        self.kind = kind
        self.position = position
    }

    package var text: String {
        Base64URL.encode(Array((Self.version + kind.rawValue + position).utf8))
    }

    package init(_ text: String, kind: Kind) throws(Rejection) {
        guard let bytes = Base64URL.decode(text),
            let plain = String(validating: bytes, as: UTF8.self),
            plain.hasPrefix(Self.version + kind.rawValue)
        else { throw Self.invalid }
        self.init(kind: kind, position: String(plain.dropFirst(2)))
    }

    package static var invalid: Rejection {
        .invalid("cursor", "the cursor that the page before gave, as it was given")
    }
}

// MARK: - Positions

extension Cursor {
    package init(_ cursor: EventCursor) {
        self.init(
            kind: .events,
            position: "\(cursor.occurredAt.millisecondsSince1970):\(cursor.sequence)")
    }

    package func eventCursor() throws(Rejection) -> EventCursor {
        let parts = position.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let milliseconds = Int64(parts[0]), let sequence = Int64(parts[1])
        else { throw Self.invalid }
        return EventCursor(
            occurredAt: Instant(millisecondsSince1970: milliseconds), sequence: sequence)
    }

    package init(_ position: EventListPosition) {
        self.init(
            kind: .allEvents,
            position: "\(position.occurredAt.millisecondsSince1970):\(position.subject):"
                + "\(position.sequence)")
    }

    package func eventListPosition() throws(Rejection) -> EventListPosition {
        let parts = position.split(separator: ":", omittingEmptySubsequences: false)
            .map { Int64($0) }
        guard parts.count == 3, let milliseconds = parts[0], let subject = parts[1],
            let sequence = parts[2],
            (Instant.earliest...Instant.latest).contains(
                Instant(millisecondsSince1970: milliseconds))
        else { throw Self.invalid }
        return EventListPosition(
            occurredAt: Instant(millisecondsSince1970: milliseconds), subject: subject,
            sequence: sequence)
    }

    /// - Parameter list: names the list, so that its cursors are of no use to another.
    package init(_ position: DocumentPosition, of list: String) {
        let cut = position.cut.map { ":\($0.text)" } ?? ""
        self.init(
            kind: .documents, position: "\(list):\(position.updatedAt):\(position.place)\(cut)")
    }

    package func documentPosition(of list: String) throws(Rejection) -> DocumentPosition {
        let parts = position.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3 || parts.count == 4, parts[0] == list,
            let updatedAt = Int64(parts[1]), let place = Int64(parts[2]),
            (0...DocumentPosition.placeMax).contains(place)
        else { throw Self.invalid }
        guard parts.count == 4 else {
            return DocumentPosition(updatedAt: updatedAt, place: place)
        }
        guard let cut = ReportCut(parts[3]) else { throw Self.invalid }
        return DocumentPosition(updatedAt: updatedAt, place: place, cut: cut)
    }

    package func sequence() throws(Rejection) -> Int64 {
        guard let sequence = Int64(position) else { throw Self.invalid }
        return sequence
    }
}

/// Base64 with the URL-safe alphabet and without padding (RFC 4648, section 5).
enum Base64URL {
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        var bits: UInt32 = 0
        var count: UInt32 = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                text.append(alphabet[Int(bits >> count & 0x3F)])
            }
        }
        if count > 0 { text.append(alphabet[Int(bits << (6 - count) & 0x3F)]) }
        return String(decoding: text, as: UTF8.self)
    }

    /// `nil` for characters outside the alphabet, impossible lengths and stray bits at the end.
    static func decode(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var count: UInt32 = 0
        for character in text.utf8 {
            guard let value = alphabet.firstIndex(of: character) else { return nil }
            bits = (bits << 6 | UInt32(value)) & 0xFFFF
            count += 6
            guard count >= 8 else { continue }
            count -= 8
            bytes.append(UInt8(truncatingIfNeeded: bits >> count))
        }
        guard count < 6, bits & (1 << count - 1) == 0 else { return nil }
        return bytes
    }
}
