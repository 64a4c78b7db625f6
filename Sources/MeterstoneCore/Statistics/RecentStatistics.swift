/// What one subject used on the last days of its calendar.
public struct RecentStatistics: Hashable, Sendable {
    /// One day, with the meters that were used on it.
    public struct Day: Hashable, Sendable {
        public let date: CivilDate
        /// By key; none is 0.
        public let quantities: [NamedQuantity]

        package init(date: CivilDate, quantities: [NamedQuantity]) {
            self.date = date
            self.quantities = quantities
        }
    }

    public let subject: SubjectID
    public let timeZone: String
    /// How many days up to and including today were looked at.
    public let dayCount: Int
    /// Those with usage, newest first.
    public let days: [Day]
    /// What the span comes to, by key, by the meters' own aggregations; none is 0.
    public let totals: [NamedQuantity]
    /// The newest events of the span, newest first, voided ones included.
    public let events: [RecordedEvent]

    /// Days that may be asked for.
    public static let daysRange = 1...366
    public static let daysDefault = 30
    public static let eventsMax = 100

    package init(
        subject: SubjectID, timeZone: String, dayCount: Int, days: [Day], totals: [NamedQuantity],
        events: [RecordedEvent]
    ) {
        self.subject = subject
        self.timeZone = timeZone
        self.dayCount = dayCount
        self.days = days
        self.totals = totals
        self.events = events
    }
}
