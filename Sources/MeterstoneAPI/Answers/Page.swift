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
        _ name: String, _ plural: StaticString, of item: Shape<Item>
    ) -> Shape<Page<Item>> {
        Shape<Page<Item>>(
            name,
            [
                Member(plural, item.wire.list(), \.items),
                Member(
                    "nextCursor", Wire<String>.text.orNull, \.next?.text,
                    "Where the next page starts; null on the last."),
            ])
    }

    /// A list that has no pages.
    package static func list<Item>(
        _ name: String, _ plural: StaticString, of item: Shape<Item>
    ) -> Shape<[Item]> {
        Shape<[Item]>(name, [Member(plural, item.wire.list(), { $0 })])
    }
}

extension JSONWriter {
    /// Writes the member `nextCursor`: where the next page starts, or `null` on the last.
    package mutating func nextCursor(_ cursor: Cursor?) {
        name("nextCursor")
        if let cursor { string(cursor.text) } else { null() }
    }
}
