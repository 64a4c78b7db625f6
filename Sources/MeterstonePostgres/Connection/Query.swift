/// One statement with its parameters, as they go over the wire: all in binary format.
package struct Query {
    let sql: String
    /// Whether rows come as texts: of statements that people wrote, whose types nobody knows.
    let returnsText: Bool
    private(set) var parameters: [[UInt8]?] = []

    package init(_ sql: String, returnsText: Bool = false) {
        self.sql = sql
        self.returnsText = returnsText
    }

    package func binding(_ value: Int64?) -> Query {
        adding(
            value.map { value in unsafe withUnsafeBytes(of: value.bigEndian) { unsafe Array($0) } })
    }

    package func binding(_ text: String?) -> Query {
        adding(text.map { Array($0.utf8) })
    }

    func binding(_ bytes: [UInt8]) -> Query {
        adding(bytes)
    }

    package func binding(_ column: some Column) -> Query {
        adding(column.bytes)
    }

    private func adding(_ parameter: [UInt8]?) -> Query {
        var result = self
        result.parameters.append(parameter)
        return result
    }
}

/// An array parameter: one column of the rows that a set-based statement writes or looks for.
package protocol Column {
    /// PostgreSQL's binary format of a one-dimensional array.
    var bytes: [UInt8] { get }
}

/// Writes the binary format of an array, element by element: the number of dimensions, whether there
/// are nulls, the element's type, count and lower bound, then length and bytes of each.
private struct ArrayWriter {
    private(set) var bytes: [UInt8] = []
    private var count: Int32 = 0

    init(elementType: UInt32) {
        int32(1)
        int32(1)
        int32(Int32(bitPattern: elementType))
        int32(0)
        int32(1)
    }

    var finished: [UInt8] {
        // An empty array has no dimension at all.
        guard count > 0 else { return Array(bytes[..<12]).withFirst(0) }
        var result = bytes
        unsafe withUnsafeBytes(of: count.bigEndian) {
            unsafe result.replaceSubrange(12..<16, with: $0)
        }
        return result
    }

    mutating func null() {
        count += 1
        int32(-1)
    }

    mutating func append(_ value: Int64) {
        count += 1
        int32(8)
        unsafe withUnsafeBytes(of: value.bigEndian) { unsafe bytes.append(contentsOf: $0) }
    }

    mutating func append(_ value: some Collection<UInt8>) {
        count += 1
        int32(Int32(value.count))
        bytes.append(contentsOf: value)
    }

    private mutating func int32(_ value: Int32) {
        unsafe withUnsafeBytes(of: value.bigEndian) { unsafe bytes.append(contentsOf: $0) }
    }
}

extension [UInt8] {
    /// With another number in the first four bytes.
    fileprivate func withFirst(_ value: UInt8) -> [UInt8] {
        [0, 0, 0, value] + dropFirst(4)
    }
}

/// `bigint[]`.
package struct IntColumn: Column {
    private var writer = ArrayWriter(elementType: 20)

    init(_ values: some Sequence<Int64> = []) {
        for value in values { writer.append(value) }
    }

    package init(orNull values: some Sequence<Int64?>) {
        for value in values {
            if let value { writer.append(value) } else { writer.null() }
        }
    }

    mutating func append(_ value: Int64) { writer.append(value) }

    package var bytes: [UInt8] { writer.finished }
}

/// `text[]`.
package struct TextColumn: Column {
    private var writer = ArrayWriter(elementType: 25)

    init(_ values: some Sequence<String> = []) {
        for value in values { writer.append(value.utf8) }
    }

    package init(orNull values: some Sequence<String?>) {
        for value in values { append(value) }
    }

    mutating func append(_ value: String?) {
        if let value { writer.append(value.utf8) } else { writer.null() }
    }

    package var bytes: [UInt8] { writer.finished }
}

/// `bytea[]`.
struct BytesColumn: Column {
    private var writer = ArrayWriter(elementType: 17)

    init(_ values: some Sequence<[UInt8]> = []) {
        for value in values { writer.append(value) }
    }

    mutating func append(_ value: (some Collection<UInt8>)?) {
        if let value { writer.append(value) } else { writer.null() }
    }

    var bytes: [UInt8] { writer.finished }
}

/// `tid[]`: where rows stand in their table.
struct PlaceColumn: Column {
    private var writer = ArrayWriter(elementType: 27)

    mutating func append(_ place: [UInt8]) { writer.append(place) }

    var bytes: [UInt8] { writer.finished }
}
