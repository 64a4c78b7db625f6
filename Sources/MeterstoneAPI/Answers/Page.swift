package import MeterstoneCore

/// Some of a list, and where the next of it start.
package struct Page<Item: Sendable>: Sendable {
    package var items: [Item]
    package var next: Cursor?

    package init(_ items: [Item], next: Cursor?) {
        self.items = items
        self.next = next
    }
}

extension Page<RecordedEntry> {
    package init(_ page: LedgerPage) {
        self.init(
            page.entries, next: page.next.map { Cursor(kind: .entries, position: String($0)) })
    }
}

extension Shapes {
    package static func page<Item>(
        _ name: String, _ plural: StaticString, _ kind: Cursor.Kind, of item: Shape<Item>
    ) -> Shape<Page<Item>> {
        Shape<Page<Item>>(
            name,
            [
                Member(plural, item.wire.list(), \.items),
                Member(
                    "nextCursor", Wire<String>.text.orNull, \.next?.text,
                    "Where the next page starts; null on the last."),
            ]
        ) { fields throws(WireMismatch) in
            Page(
                try fields(plural.description, listOf: item),
                next: try fields.cursor("nextCursor", kind))
        }
    }

    /// A list that has no pages.
    package static func list<Item>(
        _ name: String, _ plural: StaticString, of item: Shape<Item>
    ) -> Shape<[Item]> {
        Shape<[Item]>(name, [Member(plural, item.wire.list(), { $0 })]) {
            fields throws(WireMismatch) in try fields(plural.description, listOf: item)
        }
    }
}

extension WireFields {
    fileprivate func cursor(
        _ name: String, _ kind: Cursor.Kind
    ) throws(WireMismatch) -> Cursor? {
        guard let text: String = try self(name) else { return nil }
        guard let cursor = try? Cursor(text, kind: kind) else {
            throw WireMismatch(path: name, expectation: "a cursor")
        }
        return cursor
    }
}

extension JSONWriter {
    /// Writes the member `nextCursor`: where the next page starts, or `null` on the last.
    package mutating func nextCursor(_ cursor: Cursor?) {
        name("nextCursor")
        if let cursor { string(cursor.text) } else { null() }
    }

    /// Writes the member `total`, of a list whose caller asked how much there is of all pages together.
    package mutating func total(_ total: Int?) {
        guard let total else { return }
        name("total")
        integer(Int64(total))
    }
}
