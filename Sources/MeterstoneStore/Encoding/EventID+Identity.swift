package import MeterstoneCore

extension EventID {
    /// Whether sixteen bytes are the id; whoever writes one notes that in flags of their own.
    var isUUID: Bool {
        if case .uuid = self { return true }
        return false
    }

    func write(to writer: inout ByteWriter) {
        switch self {
        case .uuid(let high, let low):
            writer.fixed(high)
            writer.fixed(low)
        case .text(let text): writer.text(text)
        }
    }

    init(_ reader: inout ByteReader, isUUID: Bool) throws(MalformedRecord) {
        self =
            isUUID
            ? .uuid(try reader.fixed(), try reader.fixed()) : .text(try reader.text())
    }

    private enum Kind {
        static let uuid: UInt8 = 1
        static let text: UInt8 = 2
    }

    /// The id with its source as bytes that no other id and source share.
    ///
    /// UUIDs of version 7 start with their time, and so do these bytes, so that an index of events
    /// that are recorded together grows in one place. Neither ids nor sources hold a zero byte.
    package func identity(source: String?) -> [UInt8] {
        var bytes: [UInt8] = []
        switch self {
        case .uuid(let high, let low):
            bytes.reserveCapacity(17 + (source?.utf8.count ?? 0))
            bytes.append(Kind.uuid)
            unsafe withUnsafeBytes(of: high.bigEndian) { unsafe bytes.append(contentsOf: $0) }
            unsafe withUnsafeBytes(of: low.bigEndian) { unsafe bytes.append(contentsOf: $0) }
        case .text(let text):
            bytes.append(Kind.text)
            bytes += text.utf8
            if source != nil { bytes.append(0) }
        }
        if let source { bytes += source.utf8 }
        return bytes
    }
}
