package import MeterstoneCore

/// Reads what ``ByteWriter`` wrote. Every read is checked against the end of the buffer.
package struct ByteReader {
    private let bytes: [UInt8]
    package private(set) var position: Int
    package let end: Int

    package init(_ bytes: [UInt8], from: Int = 0, to: Int? = nil) {
        self.bytes = bytes
        position = from
        end = to ?? bytes.count
    }

    package var isAtEnd: Bool { position >= end }

    package mutating func byte() throws(MalformedRecord) -> UInt8 {
        guard position < end else { throw MalformedRecord() }
        defer { position += 1 }
        return bytes[position]
    }

    package mutating func unsigned() throws(MalformedRecord) -> UInt64 {
        var result: UInt64 = 0
        var shift: UInt64 = 0
        while shift < 64 {
            let next = try byte()
            result |= UInt64(next & 0x7F) << shift
            if next < 0x80 { return result }
            shift += 7
        }
        throw MalformedRecord()
    }

    package mutating func signed() throws(MalformedRecord) -> Int64 {
        let value = try unsigned()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// An instant that has a text; no other one was ever recorded.
    package mutating func instant() throws(MalformedRecord) -> Instant {
        let instant = Instant(millisecondsSince1970: try signed())
        guard instant.hasText else { throw MalformedRecord() }
        return instant
    }

    package mutating func fixed() throws(MalformedRecord) -> UInt64 {
        var result: UInt64 = 0
        for index in 0..<8 { result |= UInt64(try byte()) << UInt64(index * 8) }
        return result
    }

    package mutating func count() throws(MalformedRecord) -> Int {
        let value = try unsigned()
        guard value <= UInt64(end - position) else { throw MalformedRecord() }
        return Int(value)
    }

    package mutating func text() throws(MalformedRecord) -> String {
        let length = try count()
        defer { position += length }
        return String(decoding: bytes[position..<position + length], as: UTF8.self)
    }

    package mutating func blob() throws(MalformedRecord) -> [UInt8] {
        let length = try count()
        defer { position += length }
        return Array(bytes[position..<position + length])
    }

    package mutating func skip(_ length: Int) throws(MalformedRecord) {
        guard length <= end - position else { throw MalformedRecord() }
        position += length
    }
}

/// Bytes that this version of the encoding cannot have written.
package struct MalformedRecord: Error {
    package init() {}
}
