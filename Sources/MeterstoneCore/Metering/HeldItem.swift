/// Something of which a gauge shows that there is some now: an item, or what one member has.
public struct HeldItem: Hashable, Sendable {
    /// Where it stands in its list.
    public struct Position: Hashable, Sendable {
        public let item: String?
        /// The number of the member that told it; 0: the subject itself.
        package let member: Int64

        package init(item: String?, member: Int64) {
            self.item = item
            self.member = member
        }
    }

    /// `nil`: the meter does not tell items apart.
    public let item: String?
    public let quantity: Quantity
    /// Whose event said so: the subject, or a member of it.
    public let subject: SubjectID
    /// When what was said of it last occurred.
    public let toldAt: Instant

    package init(item: String?, quantity: Quantity, subject: SubjectID, toldAt: Instant) {
        self.item = item
        self.quantity = quantity
        self.subject = subject
        self.toldAt = toldAt
    }
}

/// Some of what a gauge shows, by item, and where the next page starts.
public struct HeldItemPage: Hashable, Sendable {
    public let items: [HeldItem]
    /// `nil`: nothing is left.
    public let next: HeldItem.Position?

    package init(items: [HeldItem], next: HeldItem.Position?) {
        self.items = items
        self.next = next
    }
}
