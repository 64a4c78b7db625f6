/// Appends the primitive values of the journal's encoding to a growing buffer.
///
/// Whole numbers are variable-length, seven bits a byte, least significant first (the "varint" of
/// Protocol Buffers); signed ones are zigzag-coded before that, so that small numbers of either
/// sign are short.
package struct ByteWriter: Sendable {
    package private(set) var bytes: [UInt8] = []

    package init(capacity: Int = 0) {
        bytes.reserveCapacity(capacity)
    }

    package var count: Int { bytes.count }

    package mutating func byte(_ value: UInt8) {
        bytes.append(value)
    }

    @inline(__always)
    package mutating func unsigned(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    @inline(__always)
    package mutating func signed(_ value: Int64) {
        unsigned(UInt64(bitPattern: value << 1 ^ value >> 63))
    }

    package mutating func fixed(_ value: UInt64) {
        unsafe withUnsafeBytes(of: value.littleEndian) { unsafe bytes.append(contentsOf: $0) }
    }

    package mutating func text(_ value: String) {
        let utf8 = value.utf8
        unsigned(UInt64(utf8.count))
        bytes.append(contentsOf: utf8)
    }

    package mutating func blob(_ value: some Collection<UInt8>) {
        unsigned(UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    /// Appends bytes as they are.
    package mutating func append(_ value: some Collection<UInt8>) {
        bytes.append(contentsOf: value)
    }

    /// Starts anew, and keeps the room.
    package mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
    }
}
