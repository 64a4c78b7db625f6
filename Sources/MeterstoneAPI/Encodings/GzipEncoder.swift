import CZlib

/// Packs bytes as gzip (RFC 1952), piece by piece.
///
/// A class because zlib's state refers to the stream by its address, which has to stay. `@safe`
/// because that address never leaves it.
@safe package final class GzipEncoder {
    private static let pieceBytesMax = 65_536

    private let stream: UnsafeMutablePointer<z_stream>

    package init() {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        let status = unsafe meterstone_deflate_gzip_init(stream)
        precondition(status == Z_OK, "zlib cannot start: no memory, or not the zlib of its header")
    }

    deinit {
        unsafe deflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// What there is to write so far.
    ///
    /// - Parameter isLast: whether nothing follows; then the packed bytes are whole.
    package func packed(_ bytes: [UInt8], isLast: Bool = false) -> [UInt8] {
        var bytes = bytes
        var packed: [UInt8] = []
        unsafe bytes.withUnsafeMutableBufferPointer { input in
            unsafe stream.pointee.next_in = input.baseAddress
            unsafe stream.pointee.avail_in = UInt32(input.count)
            var isFull = true
            while isFull {
                packed += unsafe [UInt8](
                    unsafeUninitializedCapacity: Self.pieceBytesMax
                ) { output, count in
                    unsafe stream.pointee.next_out = output.baseAddress
                    unsafe stream.pointee.avail_out = UInt32(output.count)
                    _ = unsafe deflate(stream, isLast ? Z_FINISH : Z_NO_FLUSH)
                    count = unsafe output.count - Int(stream.pointee.avail_out)
                    isFull = unsafe stream.pointee.avail_out == 0
                }
            }
        }
        return packed
    }
}
