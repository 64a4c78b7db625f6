/// What one subject used of every meter, window by window of its calendar.
public struct UsagePeriods: Hashable, Sendable {
    public struct Period: Hashable, Sendable {
        public let span: WindowSpan
        /// Every meter, by key.
        public let quantities: [NamedQuantity]
        /// Of a month: days with usage.
        public let daysActive: Int64?
        /// Of a month: the plan of its last event.
        public let plan: PlanKey?
        /// Of a month: used beyond allowances, by limit.
        public let overages: [LimitKey: Quantity]
        /// Where the statistics policy names meters of sessions.
        public let sessions: SessionStatistics?

        package init(
            span: WindowSpan, quantities: [NamedQuantity], daysActive: Int64? = nil,
            plan: PlanKey? = nil, overages: [LimitKey: Quantity] = [:],
            sessions: SessionStatistics? = nil
        ) {
            self.span = span
            self.quantities = quantities
            self.daysActive = daysActive
            self.plan = plan
            self.overages = overages
            self.sessions = sessions
        }
    }

    public let subject: SubjectID
    public let timeZone: String
    public let window: Window
    /// The newest first.
    public let periods: [Period]

    /// How many may be asked for.
    public static let countRange = 1...366
    public static let countDefault = 12

    package init(subject: SubjectID, timeZone: String, window: Window, periods: [Period]) {
        self.subject = subject
        self.timeZone = timeZone
        self.window = window
        self.periods = periods
    }
}
