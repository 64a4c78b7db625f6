import CZlib

/// Unpacks gzip, also of several members one after the other, as `cat a.gz b.gz` makes it.
///
/// A class because zlib's state refers to the stream by its address, which has to stay. `@safe`
/// because that address never leaves it.
@safe final class GzipDecoder {
    private static let outputBytesMax = 1_048_576

    private let stream: UnsafeMutablePointer<z_stream>
    /// Whether the bytes so far end where a member ends.
    private(set) var isComplete = false

    init() {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        let status = unsafe meterstone_inflate_gzip_init(stream)
        precondition(status == Z_OK, "zlib cannot start: no memory, or not the zlib of its header")
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    static func recognises(_ bytes: [UInt8]) -> Bool {
        bytes.starts(with: [0x1F, 0x8B])
    }

    func unpack(_ input: [UInt8]) throws(ImportError) -> [UInt8] {
        var input = input
        var output: [UInt8] = []
        let status = unsafe input.withUnsafeMutableBufferPointer { bytes -> CInt in
            unsafe stream.pointee.next_in = bytes.baseAddress
            unsafe stream.pointee.avail_in = UInt32(bytes.count)
            return inflateAll(into: &output)
        }
        guard status == Z_OK else {
            throw ImportError(.badData, "the gzip file is damaged (zlib's code \(status))")
        }
        return output
    }

    private func inflateAll(into output: inout [UInt8]) -> CInt {
        while true {
            if isComplete {
                if unsafe stream.pointee.avail_in == 0 { return Z_OK }
                unsafe inflateReset(stream)
                isComplete = false
            }
            let status = inflateOnce(into: &output)
            switch status {
            case Z_STREAM_END: isComplete = true
            case Z_OK: break
            // Nothing to read and nothing to write: the rest comes with the next chunk.
            case Z_BUF_ERROR: return Z_OK
            default: return status
            }
            if unsafe stream.pointee.avail_in == 0, unsafe stream.pointee.avail_out > 0 {
                return Z_OK
            }
        }
    }

    private func inflateOnce(into output: inout [UInt8]) -> CInt {
        var status = Z_OK
        let capacity = Self.outputBytesMax
        let piece = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            unsafe stream.pointee.next_out = buffer.baseAddress
            unsafe stream.pointee.avail_out = UInt32(buffer.count)
            status = unsafe inflate(stream, Z_NO_FLUSH)
            count = unsafe buffer.count - Int(stream.pointee.avail_out)
        }
        if output.isEmpty { output = piece } else { output += piece }
        return status
    }
}
