/// A list that grows at its end. Whoever holds an older version keeps it, and growing copies the last
/// few elements at most.
package struct ChunkedList<Element>: RandomAccessCollection {
    private static var chunk: Int { 64 }
    private var full: [[Element]] = []
    private var last: [Element] = []

    package init() {}

    package var startIndex: Int { 0 }

    package var endIndex: Int { full.count * Self.chunk + last.count }

    package subscript(index: Int) -> Element {
        let chunk = index / Self.chunk
        return chunk < full.count ? full[chunk][index % Self.chunk] : last[index % Self.chunk]
    }

    package mutating func append(_ element: Element) {
        last.append(element)
        guard last.count == Self.chunk else { return }
        full.append(last)
        last = []
    }
}

extension ChunkedList: Sendable where Element: Sendable {}
