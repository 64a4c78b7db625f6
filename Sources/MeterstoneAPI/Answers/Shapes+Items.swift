package import MeterstoneCore

extension Shapes {
    package static let heldItem = Shape<HeldItem>(
        "HeldItem",
        [
            Member(
                maybe: "item", .text, \.item,
                "Absent: the meter does not tell items apart."),
            Member("quantity", .quantity, \.quantity.units, "How much there is of it."),
            Member("subject", .name, \.subject, "Who told it: the subject, or a member of it."),
            Member("toldAt", .instant, \.toldAt, "When what was told of it last occurred."),
        ]
    ) { fields throws(WireMismatch) in
        HeldItem(
            item: try fields("item"), quantity: Quantity(try fields("quantity")),
            subject: try fields("subject"), toldAt: try fields("toldAt"))
    }

    package static let heldItems = page("HeldItemList", "items", .items, of: heldItem)
}

extension Page<HeldItem> {
    package init(_ page: HeldItemPage) {
        self.init(page.items, next: page.next.map { Cursor($0) })
    }
}

extension Cursor {
    package init(_ position: HeldItem.Position) {
        self.init(
            kind: .items, position: "\(position.member):\(position.item.map { "=" + $0 } ?? "")")
    }

    package func heldItemPosition() throws(Rejection) -> HeldItem.Position {
        let parts = position.split(
            separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let member = Int64(parts[0]),
            parts[1].isEmpty || parts[1].hasPrefix("=")
        else { throw Self.invalid }
        return HeldItem.Position(
            item: parts[1].isEmpty ? nil : String(parts[1].dropFirst()), member: member)
    }
}
