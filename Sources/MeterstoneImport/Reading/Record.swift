/// The fields of one row, in one buffer that is used again for the next row.
package struct Record: Sendable {
    /// Ends each field in ``bytes``, so that rows with other fields never have equal bytes.
    static let fieldEnd: UInt8 = 0x1F

    /// All fields one after the other, each followed by ``fieldEnd``.
    package private(set) var bytes: [UInt8] = []
    private var ends: [Int] = []
    private var quotes: [Bool] = []
    /// The line on which the row starts, counted from 1.
    package internal(set) var line = 0

    package init() {}

    package var count: Int { ends.count }

    package subscript(index: Int) -> ArraySlice<UInt8> {
        let start = index == 0 ? 0 : ends[index - 1] + 1
        return bytes[start..<ends[index]]
    }

    /// Whether the field has nothing in it. Quotes around nothing are an empty text, which is something.
    package func isAbsent(_ index: Int) -> Bool {
        self[index].isEmpty && !quotes[index]
    }

    /// A field as text, or `nil` when its bytes are no UTF-8: two names that differ only in broken
    /// bytes must not become one.
    package func text(_ index: Int) -> String? {
        String(validating: self[index], as: UTF8.self)
    }

    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        quotes.removeAll(keepingCapacity: true)
    }

    mutating func append(_ byte: UInt8) {
        bytes.append(byte)
    }

    mutating func append(contentsOf slice: ArraySlice<UInt8>) {
        bytes.append(contentsOf: slice)
    }

    mutating func endField(isQuoted: Bool = false) {
        quotes.append(isQuoted)
        ends.append(bytes.count)
        bytes.append(Self.fieldEnd)
    }

    mutating func appendField(_ slice: ArraySlice<UInt8>) {
        append(contentsOf: slice)
        endField()
    }
}
