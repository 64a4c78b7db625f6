/// Reads rows of RFC 4180 from bytes that come in pieces.
///
/// Fields may be quoted, and then hold commas, line ends and doubled quotes. Lines end with LF or CRLF,
/// the last one with or without. A byte order mark at the start is skipped, and so are empty lines. A
/// row that breaks the rules is a ``RowProblem``; reading goes on with the line after it. Where a quote
/// is to blame that was never closed, or was closed by the opening quote of another row, that is the
/// line after the row's first one, so that such a quote costs one row and not all that follow.
package struct CSVParser: Sendable {
    /// A longer row is an unclosed quote, or no CSV.
    package static let rowBytesMax = 1_048_576

    private var buffer: [UInt8] = []
    private var position = 0
    private var line = 1
    private var isAtStart = true
    private var isFinished = false

    package init() {}

    package mutating func push(_ bytes: [UInt8]) {
        buffer.removeSubrange(..<position)
        position = 0
        if buffer.isEmpty { buffer = bytes } else { buffer += bytes }
    }

    /// No more bytes come: what is left is the last row.
    package mutating func finish() {
        isFinished = true
    }

    /// Reads the next row into `record`; `false` when more bytes are needed, or none are left.
    package mutating func next(into record: inout Record) throws(CSVFailure) -> Bool {
        guard skipByteOrderMark() else { return false }
        while position < buffer.count {
            record.removeAll()
            record.line = line
            var scan = RowScan(buffer: buffer, position: position, isFinished: isFinished)
            let end = scan.row(into: &record)
            guard end != .incomplete else {
                guard buffer.count - position > Self.rowBytesMax else { return false }
                if scan.isInQuotes {
                    let reason = "a quote is not closed within \(Self.rowBytesMax) bytes"
                    try skipLine(RowProblem(line: line, reason: reason))
                }
                let message = "the row is longer than \(Self.rowBytesMax) bytes"
                throw .file(
                    ImportError(.badData, "line \(line): \(message); is a quote not closed?"))
            }
            if scan.blamesQuote, let reason = scan.problem {
                try skipLine(RowProblem(line: line, reason: reason))
            }
            let startLine = line
            position = scan.position
            line += scan.lineEnds
            if let reason = scan.problem { throw .row(RowProblem(line: startLine, reason: reason)) }
            if end == .row { return true }
        }
        return false
    }

    /// Steps over one line, and throws the problem with the row that began on it. Returns when the end
    /// of the line is not there yet.
    private mutating func skipLine(_ problem: RowProblem) throws(CSVFailure) {
        let lineEnd = buffer[position...].firstIndex(of: UInt8(ascii: "\n"))
        guard lineEnd != nil || isFinished else { return }
        position = lineEnd.map { $0 + 1 } ?? buffer.count
        line += 1
        throw .row(problem)
    }

    /// `false` while there are too few bytes to know.
    private mutating func skipByteOrderMark() -> Bool {
        guard isAtStart else { return true }
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        if !isFinished, buffer.count < 3, mark.starts(with: buffer) { return false }
        if buffer.starts(with: mark) { position = 3 }
        isAtStart = false
        return true
    }
}

/// What can be wrong with CSV.
package enum CSVFailure: Error, Hashable, Sendable {
    /// This row; the next one can be read.
    case row(RowProblem)
    /// The file.
    case file(ImportError)
}

/// How far a scan came.
private enum RowEnd {
    case row, emptyLine, incomplete
}

/// One attempt to read a row from a buffer. It is thrown away when the buffer ends too early.
private struct RowScan {
    let buffer: [UInt8]
    var position: Int
    let isFinished: Bool
    var lineEnds = 0
    /// What is wrong with the row; its end is looked for all the same.
    private(set) var problem: String?
    private var isUnclosed = false
    private var hasTextAfterQuote = false
    /// Whether what is wrong comes from a quote that was not closed where it should have been.
    var blamesQuote: Bool { isUnclosed || (hasTextAfterQuote && lineEnds > 0) }
    /// Whether the scan has met an opening quote and not the one that closes it.
    private(set) var isInQuotes = false

    private static let quote = UInt8(ascii: "\"")
    private static let comma = UInt8(ascii: ",")
    private static let lineFeed = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    init(buffer: [UInt8], position: Int, isFinished: Bool) {
        self.buffer = buffer
        self.position = position
        self.isFinished = isFinished
    }

    mutating func row(into record: inout Record) -> RowEnd {
        let start = position
        while true {
            let isQuoted = position < buffer.count && buffer[position] == Self.quote
            guard isQuoted ? quotedField(into: &record) : plainField(into: &record) else {
                return .incomplete
            }
            record.endField(isQuoted: isQuoted)
            if position < buffer.count, buffer[position] == Self.comma {
                position += 1
                continue
            }
            let isEmpty = skipLineEnd(from: start)
            return isEmpty ? .emptyLine : .row
        }
    }

    /// Reads up to the comma or line end; `false` when neither is there yet.
    private mutating func plainField(into record: inout Record) -> Bool {
        let start = position
        while position < buffer.count {
            let byte = buffer[position]
            if byte == Self.comma { break }
            if byte == Self.lineFeed { break }
            if byte == Self.quote { problem = problem ?? "a quote inside a field without quotes" }
            position += 1
        }
        guard position < buffer.count || isFinished else { return false }
        var end = position
        let isLast = position == buffer.count || buffer[position] == Self.lineFeed
        if isLast, end > start, buffer[end - 1] == Self.carriageReturn { end -= 1 }
        record.append(contentsOf: buffer[start..<end])
        return true
    }

    /// Reads up to the byte after the closing quote; `false` when it is not there yet.
    private mutating func quotedField(into record: inout Record) -> Bool {
        position += 1
        isInQuotes = true
        var start = position
        while position < buffer.count {
            if buffer[position] == Self.lineFeed { lineEnds += 1 }
            guard buffer[position] == Self.quote else {
                position += 1
                continue
            }
            record.append(contentsOf: buffer[start..<position])
            // Whether this quote closes the field or is one of two depends on the next byte.
            guard position + 1 < buffer.count || isFinished else { return false }
            position += 1
            guard position < buffer.count, buffer[position] == Self.quote else {
                isInQuotes = false
                return afterClosingQuote()
            }
            start = position
            position += 1
        }
        guard isFinished else { return false }
        record.append(contentsOf: buffer[start..<position])
        problem = problem ?? "a quote is not closed"
        isUnclosed = true
        return true
    }

    /// Leaves the position at the comma or line end that must follow.
    private mutating func afterClosingQuote() -> Bool {
        while position < buffer.count {
            let byte = buffer[position]
            if byte == Self.comma || byte == Self.lineFeed { return true }
            let isLineEnd = byte == Self.carriageReturn && isLineFeed(at: position + 1)
            if !isLineEnd {
                problem = problem ?? "text after a closing quote"
                hasTextAfterQuote = true
            }
            position += 1
        }
        return isFinished
    }

    private func isLineFeed(at index: Int) -> Bool {
        index == buffer.count || buffer[index] == Self.lineFeed
    }

    /// Steps over the end of the line, and tells whether the line was empty.
    private mutating func skipLineEnd(from start: Int) -> Bool {
        let end = position
        if position < buffer.count {
            position += 1
            lineEnds += 1
        }
        let content = buffer[start..<end]
        return content.isEmpty || content.elementsEqual([Self.carriageReturn])
    }
}
