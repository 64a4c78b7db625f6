import CZlib

/// Unpacks gzip piece by piece, also of several members one after the other, as `cat a.gz b.gz` makes it.
///
/// A few bytes can unpack to a thousand times as many, so that whoever asks gets no more at once than a
/// piece, and may stop.
///
/// A class because zlib's state refers to the stream by its address, which has to stay. `@safe`
/// because that address never leaves it.
@safe package final class GzipDecoder {
    /// The bytes are not what gzip makes.
    package struct Damage: Error {
        /// zlib's own.
        package let code: Int
    }

    package static let pieceBytesMax = 262_144

    private let stream: UnsafeMutablePointer<z_stream>
    /// What was fed and not yet unpacked.
    private var input: [UInt8] = []
    private var position = 0
    /// Whether the bytes so far end where a member ends.
    package private(set) var isComplete = false

    package init() {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        let status = unsafe meterstone_inflate_gzip_init(stream)
        precondition(status == Z_OK, "zlib cannot start: no memory, or not the zlib of its header")
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    package static func recognises(_ bytes: [UInt8]) -> Bool {
        bytes.starts(with: [0x1F, 0x8B])
    }

    /// Adds packed bytes behind those that were fed before.
    package func feed(_ bytes: [UInt8]) {
        input = position == input.count ? bytes : input[position...] + bytes
        position = 0
    }

    /// The next unpacked bytes; `nil`: more has to be fed.
    package func next() throws(Damage) -> [UInt8]? {
        while true {
            if isComplete {
                guard position < input.count else { return nil }
                unsafe inflateReset(stream)
                isComplete = false
            }
            let before = position
            var status = Z_OK
            let piece = inflateOnce(&status)
            switch status {
            case Z_STREAM_END: isComplete = true
            // With Z_BUF_ERROR there was nothing to read and nothing to write.
            case Z_OK, Z_BUF_ERROR: break
            default: throw Damage(code: Int(status))
            }
            if !piece.isEmpty { return piece }
            if !isComplete, position == before || position == input.count { return nil }
        }
    }

    private func inflateOnce(_ status: inout CInt) -> [UInt8] {
        let position = position
        return unsafe input.withUnsafeMutableBufferPointer { bytes in
            unsafe stream.pointee.next_in = bytes.baseAddress.map { unsafe $0 + position }
            unsafe stream.pointee.avail_in = UInt32(bytes.count - position)
            let piece = unsafe [UInt8](
                unsafeUninitializedCapacity: Self.pieceBytesMax
            ) { buffer, count in
                unsafe stream.pointee.next_out = buffer.baseAddress
                unsafe stream.pointee.avail_out = UInt32(buffer.count)
                status = unsafe inflate(stream, Z_NO_FLUSH)
                count = unsafe buffer.count - Int(stream.pointee.avail_out)
            }
            self.position = unsafe bytes.count - Int(stream.pointee.avail_in)
            return piece
        }
    }
}
