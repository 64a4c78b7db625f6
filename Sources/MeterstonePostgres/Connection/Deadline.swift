import Dispatch

/// A point in time on the monotonic clock, or none.
struct Deadline {
    private let nanoseconds: UInt64?

    /// - Parameter milliseconds: from now on; `nil`: never.
    init(milliseconds: Int64?) {
        nanoseconds = milliseconds.map {
            DispatchTime.now().uptimeNanoseconds + UInt64($0) * 1_000_000
        }
    }

    var isOver: Bool {
        nanoseconds.map { $0 <= DispatchTime.now().uptimeNanoseconds } ?? false
    }

    static let never = Deadline(milliseconds: nil)

    private init(nanoseconds: UInt64?) {
        self.nanoseconds = nanoseconds
    }

    func orEarlier(_ other: Deadline) -> Deadline {
        guard let own = nanoseconds, let others = other.nanoseconds else {
            return nanoseconds == nil ? other : self
        }
        return Deadline(nanoseconds: min(own, others))
    }

    /// For what is asked of the server now: it always gets a moment to answer, so that a busy one that
    /// is asked late is not cut off in a commit, whose outcome nobody would know then.
    var leavingMoment: Deadline {
        let moment = Deadline(milliseconds: 1_000)
        guard let own = nanoseconds, let least = moment.nanoseconds else { return self }
        return Deadline(nanoseconds: max(own, least))
    }

    /// Whether less than so much is left.
    func isWithin(milliseconds: Int64) -> Bool {
        nanoseconds.map {
            $0 <= DispatchTime.now().uptimeNanoseconds + UInt64(milliseconds) * 1_000_000
        } ?? false
    }

    /// Rounded up, as `poll` takes it: −1 is without end.
    var remainingMilliseconds: Int32 {
        guard let nanoseconds else { return -1 }
        let now = DispatchTime.now().uptimeNanoseconds
        return nanoseconds <= now ? 0 : Int32(clamping: (nanoseconds - now) / 1_000_000 + 1)
    }
}
