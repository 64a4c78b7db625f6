/// What a subject did in one month, day by day: kept as its usage comes, so that days, streaks and
/// documents of a month cost nothing of its history.
public struct Activity: Hashable, Sendable {
    /// Days on which something was recorded, in order.
    public private(set) var days: [ActiveDay] = []
    /// What was used beyond allowances, by the number of the limit, in order.
    package private(set) var overages: [(limit: Int, units: Int64)] = []

    package init() {}

    package init(days: [ActiveDay], overages: [(limit: Int, units: Int64)]) {
        self.days = days
        self.overages = overages
    }

    public static func == (lhs: Activity, rhs: Activity) -> Bool {
        lhs.days == rhs.days && lhs.overages.elementsEqual(rhs.overages, by: ==)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(days)
    }

    /// Notes a fact about usage of one day.
    ///
    /// - Parameter change: events that count, more or fewer.
    package mutating func note(
        day: Int64, change: Int64, sequence: Int64, recordedAt: Instant, planNumber: Int?
    ) {
        // Nearly always the day that was noted last.
        var place = days.count
        while place > 0, days[place - 1].day > day { place -= 1 }
        if place == 0 || days[place - 1].day < day {
            days.insert(
                ActiveDay(
                    day: day, events: 0, sequence: -1, updatedAt: recordedAt, planNumber: planNumber
                ), at: place)
            place += 1
        }
        days[place - 1].events += change
        guard days[place - 1].sequence < sequence else { return }
        days[place - 1].sequence = sequence
        days[place - 1].updatedAt = recordedAt
        days[place - 1].planNumber = planNumber
    }

    /// Notes what goes beyond an allowance, or no longer does.
    package mutating func note(overage units: Int64, of limit: Int) {
        if let place = overages.firstIndex(where: { $0.limit >= limit }) {
            guard overages[place].limit == limit else {
                overages.insert((limit, units), at: place)
                return
            }
            let (sum, overflow) = overages[place].units.addingReportingOverflow(units)
            overages[place].units = overflow ? .max : sum
            if overages[place].units == 0 { overages.remove(at: place) }
        } else {
            overages.append((limit, units))
        }
    }
}

/// One day on which something was recorded for a subject.
public struct ActiveDay: Hashable, Sendable {
    /// In the subject's zone, counted from 1970-01-01.
    public let day: Int64
    /// Events that count; 0 when all of them were taken back.
    public internal(set) var events: Int64
    /// The last fact about the day.
    package internal(set) var sequence: Int64
    /// When that was recorded.
    public internal(set) var updatedAt: Instant
    /// The number of the plan under which it was used; `nil`: none.
    package internal(set) var planNumber: Int?

    package init(
        day: Int64, events: Int64, sequence: Int64, updatedAt: Instant, planNumber: Int?
    ) {
        self.day = day
        self.events = events
        self.sequence = sequence
        self.updatedAt = updatedAt
        self.planNumber = planNumber
    }
}

extension CounterState {
    package var activity: Activity {
        guard case .activity(let activity) = memory else { return Activity() }
        return activity
    }

    /// Changes what is known of a month in place.
    @inline(__always)
    package mutating func withActivity(_ change: (inout Activity) -> Void) {
        var activity = self.activity
        memory = .none
        change(&activity)
        value = 0
        for day in activity.days { value &+= day.events }
        memory = .activity(activity)
    }
}
