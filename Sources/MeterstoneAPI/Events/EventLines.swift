import MeterstoneCore

/// Events of newline-delimited JSON, read while the bytes arrive.
///
/// Each line has its own verdict: a line that is broken, or too long to be kept, is rejected, and
/// the rest goes on. Blank lines are ignored, and so is a byte order mark before the first. Memory is bounded by the longest line that is
/// allowed.
package struct EventLines: Sendable {
    private var buffer: [UInt8] = []
    /// Where the next line starts, and up to where no line end was found.
    private var start = 0
    private var searched = 0
    /// Inside a line that is too long, and was rejected already.
    private var isSkipping = false
    private var index = 0
    private var isFirstLine = true

    package init() {}

    package mutating func append(_ bytes: some Collection<UInt8>) {
        if start > 0 {
            buffer.removeSubrange(..<start)
            searched -= start
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The event of the next complete line, or `nil` when more bytes are needed.
    ///
    /// - Parameter isLast: no more bytes will come, and the rest is a line too.
    package mutating func next(isLast: Bool = false) -> ReadEvent? {
        while let line = nextLine(isLast: isLast) {
            if isSkipping {
                isSkipping = false
                continue
            }
            if let event = read(line) { return event }
        }
        return rejectEndlessLine()
    }

    private mutating func nextLine(isLast: Bool) -> Range<Int>? {
        let position = endOfLine()
        guard position < buffer.count || (isLast && start < position) else {
            searched = position
            return nil
        }
        let line = start..<position
        start = min(position + 1, buffer.count)
        searched = start
        return line
    }

    private func endOfLine() -> Int {
        let bytes = buffer.span
        var position = searched
        while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { position += 1 }
        return position
    }

    private mutating func read(_ whole: Range<Int>) -> ReadEvent? {
        var line = whole
        if isFirstLine, buffer[line].starts(with: [0xEF, 0xBB, 0xBF]) {
            line = line.lowerBound + 3..<line.upperBound
        }
        isFirstLine = false
        guard line.count <= WireBounds.lineBytesMax else { return tooLong() }
        var reader = JSONReader(buffer, range: line)
        reader.skipSpace()
        guard reader.position < line.upperBound else { return nil }
        defer { index += 1 }
        let start = reader.mark
        do throws(Rejection) {
            return ReadEvent(index: index, event: try UsageEvent(wholeOf: &reader, form: .plain))
        } catch {
            let id = error.code == .malformed ? nil : reader.eventID(from: start)
            return ReadEvent(index: index, id: id, rejection: error)
        }
    }

    /// Lets go of a line that grew too long before it ended.
    private mutating func rejectEndlessLine() -> ReadEvent? {
        guard isSkipping || buffer.count - start > WireBounds.lineBytesMax else { return nil }
        start = buffer.count
        searched = start
        guard !isSkipping else { return nil }
        isSkipping = true
        return tooLong()
    }

    private mutating func tooLong() -> ReadEvent {
        defer { index += 1 }
        return ReadEvent(
            index: index, id: nil,
            rejection: Rejection(
                code: .tooLarge, field: "",
                message: "expected a line of at most \(WireBounds.lineBytesMax) bytes"))
    }
}
