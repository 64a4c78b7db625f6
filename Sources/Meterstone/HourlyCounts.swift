import MeterstoneCore
import MeterstoneStore
import Synchronization

/// What happened to subjects within this hour that alerts ask for and that no counter of the store says: who was
/// refused how often, and whose requests failed.
///
/// A refusal writes nothing, and is counted in memory alone, as far as this process knows. Nothing is counted as long as
/// no alert asks.
final class HourlyCounts: Sendable {
    enum Kind: Hashable, Sendable {
        /// By which limit; `nil`: for want of credits, or because the subject is blocked.
        case refused(LimitKey?)
        /// Requests: usage that came to something, or failed.
        case ended
    }

    struct Key: Hashable, Sendable {
        let subject: SubjectID
        let kind: Kind
    }

    struct Count: Sendable {
        var all: Int64 = 0
        var failed: Int64 = 0
        /// What alerts know of already.
        var told: Int64 = 0

        /// What thresholds are compared with: how many refusals, or which share failed, in hundredths.
        func value(of kind: Kind) -> Int64 {
            if case .refused = kind { return all }
            return all < Alert.requestsMin ? 0 : failed * 100 / all
        }
    }

    /// So many are counted within an hour. Who comes once that many are there is not.
    static let keysMax = 100_000

    private struct State {
        var hour: Int64 = 0
        var counts: [Key: Count] = [:]
        /// Of which something is new since alerts looked last.
        var news: Set<Key> = []
    }

    private let isAsked = Atomic(false)
    private let state = Mutex(State())

    /// Counts from here on, or does not.
    func ask(_ isAsked: Bool) {
        let wasAsked = self.isAsked.exchange(isAsked, ordering: .relaxed)
        if wasAsked, !isAsked { state.withLock { $0 = State() } }
    }

    static func hour(of instant: Instant) -> Int64 { instant.millisecondsSince1970 / 3_600_000 }

    func note(_ commands: [Command], _ outcomes: [Outcome], at now: Instant) {
        guard isAsked.load(ordering: .relaxed) else { return }
        let found = zip(commands, outcomes).compactMap { Self.refusal($0, $1) ?? Self.end($0, $1) }
        guard !found.isEmpty else { return }
        let hour = Self.hour(of: now)
        state.withLock { state in
            if state.hour != hour { state = State(hour: hour) }
            for (key, hasFailed) in found
            where state.counts.count < Self.keysMax || state.counts[key] != nil {
                state.counts[key, default: Count()].all += 1
                if hasFailed { state.counts[key]?.failed += 1 }
                state.news.insert(key)
            }
        }
    }

    private static func refusal(_ command: Command, _ outcome: Outcome) -> (Key, Bool)? {
        switch (command, outcome) {
        case (.consume(let event), .consumed(.decided(let decision))):
            return refusal(of: event, decision)
        case (.reserve(let event, _), .reserved(.decided(let decision, _))):
            return refusal(of: event, decision)
        default: return nil
        }
    }

    private static func refusal(of event: UsageEvent, _ decision: Decision) -> (Key, Bool)? {
        guard let denial = decision.denial, !decision.isDryRun else { return nil }
        let limit = denial.reason == .limitExceeded ? denial.violated.first : nil
        return (Key(subject: event.subject, kind: .refused(limit)), false)
    }

    private static func end(_ command: Command, _ outcome: Outcome) -> (Key, Bool)? {
        switch (command, outcome) {
        case (.record(let event), .recorded(.counted)): return end(of: event.subject, event.details)
        case (.consume(let event), .consumed(.decided(let decision)))
        where decision.isAllowed && !decision.isDuplicate && !decision.isDryRun:
            return end(of: event.subject, event.details)
        case (.close(let closing), .reservation(.done(let answer))) where !answer.isDuplicate:
            // What is let go of without a word was no request.
            if closing.end == .release, closing.details == nil { return nil }
            return end(
                of: answer.reservation.subject, closing.details ?? answer.reservation.details)
        default: return nil
        }
    }

    private static func end(of subject: SubjectID, _ details: EventDetails?) -> (Key, Bool) {
        (Key(subject: subject, kind: .ended), details?.status == .failed)
    }

    /// What is new since the last look, of the hour that it is.
    func news(at now: Instant) -> [(key: Key, count: Count)] {
        let hour = Self.hour(of: now)
        return state.withLock { state in
            guard state.hour == hour else { return [] }
            defer { state.news = [] }
            return state.news.compactMap { key in state.counts[key].map { (key: key, count: $0) } }
        }
    }

    /// Alerts know of so much by now.
    func told(_ key: Key, _ value: Int64, at now: Instant) {
        let hour = Self.hour(of: now)
        state.withLock { state in
            guard state.hour == hour, let told = state.counts[key]?.told else { return }
            state.counts[key]?.told = max(told, value)
        }
    }

    /// Has what could not be told looked at once more.
    func putBack(_ keys: [Key]) {
        state.withLock { state in
            for key in keys where state.counts[key] != nil { state.news.insert(key) }
        }
    }
}
