/// Cuts bytes that come in pieces into lines, without their LF or CRLF, and without a byte order mark
/// before the first.
package struct LineSplitter: Sendable {
    /// A longer line is not one of ours.
    package static let lineBytesMax = 1_048_576

    private var buffer: [UInt8] = []
    private var position = 0
    private var isFinished = false
    /// The number of the line that ``next()`` gave last, counted from 1.
    package private(set) var line = 0

    package init() {}

    package mutating func push(_ bytes: [UInt8]) {
        buffer.removeSubrange(..<position)
        position = 0
        if buffer.isEmpty { buffer = bytes } else { buffer += bytes }
    }

    package mutating func finish() {
        isFinished = true
    }

    /// The next line that is not empty, or `nil` when more bytes are needed, or none are left.
    package mutating func next() throws(ImportError) -> ArraySlice<UInt8>? {
        while position < buffer.count {
            let rest = buffer[position...]
            let lineEnd = rest.firstIndex(of: UInt8(ascii: "\n"))
            guard let end = lineEnd ?? (isFinished ? rest.endIndex : nil) else {
                guard rest.count <= Self.lineBytesMax else {
                    let message = "the line is longer than \(Self.lineBytesMax) bytes"
                    throw ImportError(.badData, "line \(line + 1): \(message)")
                }
                return nil
            }
            var content = rest[..<end]
            position = min(end + 1, buffer.count)
            line += 1
            if content.last == UInt8(ascii: "\r") { content.removeLast() }
            if line == 1, content.starts(with: [0xEF, 0xBB, 0xBF]) { content.removeFirst(3) }
            if !content.isEmpty { return content }
        }
        return nil
    }
}
