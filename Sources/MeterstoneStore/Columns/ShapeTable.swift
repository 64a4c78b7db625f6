import MeterstoneCore

/// The shapes of one scan, each decoded once: segments of many days repeat the same few.
///
/// Confined to the scan that made it.
final class ShapeTable {
    /// Beyond so many, shapes are not remembered.
    private static let countMax = 65_536
    private var shapes: [ColumnShape] = []
    private var numbers: [UInt64: [(encoded: [UInt8], number: Int)]] = [:]

    /// The shape that stands next in a segment, and a number that it has as long as the table lives; −1:
    /// none.
    func next(
        _ reader: inout ByteReader, of bytes: [UInt8]
    ) throws(MalformedRecord) -> (number: Int, shape: ColumnShape) {
        var end = reader
        try ColumnShape.skip(&end)
        let encoded = bytes[reader.position..<end.position]
        let hash = XXH64.hash(encoded)
        if let known = numbers[hash]?.first(where: { encoded.elementsEqual($0.encoded) }) {
            reader = end
            return (known.number, shapes[known.number])
        }
        let shape = try ColumnShape(&reader)
        guard shapes.count < Self.countMax else { return (-1, shape) }
        shapes.append(shape)
        numbers[hash, default: []].append((Array(encoded), shapes.count - 1))
        return (shapes.count - 1, shape)
    }
}

/// Something that follows from a shape, found out once for each.
package struct PerShape<Value> {
    private var known: [Value?] = []

    package init() {}

    /// - Parameter number: ``ColumnRun/shapeNumber``.
    package mutating func value(
        _ number: Int, of shape: ColumnShape, _ make: (ColumnShape) -> Value
    ) -> Value {
        guard number >= 0 else { return make(shape) }
        while known.count <= number { known.append(nil) }
        if let value = known[number] { return value }
        let value = make(shape)
        known[number] = value
        return value
    }
}
