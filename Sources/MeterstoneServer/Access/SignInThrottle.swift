import HTTPTypes
import MeterstoneCore
import Synchronization

/// How often somebody may try to sign in in vain.
///
/// It is kept in this process alone and not by a limit of our own engine: whoever tries addresses at random
/// would make a subject of each, among the application's own, and a fact of each attempt.
final class SignInThrottle: Sendable {
    static let windowMilliseconds: Int64 = 900_000
    /// Of one address of the Internet for one administrator.
    static let failuresOfBoth = 5
    static let failuresOfAddress = 50
    /// Of one administrator, from wherever: whoever guesses from many places gets no further.
    static let failuresOfName = 100
    /// So many are remembered. Beyond it the oldest are forgotten.
    static let entriesMax = 8_192

    /// So many failures are written down in one span.
    static let notesMax = 200

    private struct Failures {
        var from: Instant
        var count: Int
    }

    private let failures = Mutex<[String: Failures]>([:])

    /// How many seconds to wait; `nil`: they may try.
    func secondsToWait(_ name: String, from address: String?, at now: Instant) -> Int64? {
        failures.withLock { failures in
            Self.keys(name, address).compactMap { key, most -> Int64? in
                guard let entry = failures[key], entry.count >= most else { return nil }
                let end = entry.from.advanced(byMilliseconds: Self.windowMilliseconds)
                guard now < end else { return nil }
                return (end.millisecondsSince1970 - now.millisecondsSince1970 + 999) / 1_000
            }.max()
        }
    }

    func noteFailure(_ name: String, from address: String?, at now: Instant) {
        failures.withLock { failures in
            if failures.count >= Self.entriesMax { Self.forget(&failures, at: now) }
            for (key, _) in Self.keys(name, address) {
                if let entry = failures[key],
                    now < entry.from.advanced(byMilliseconds: Self.windowMilliseconds)
                {
                    failures[key]?.count += 1
                } else {
                    failures[key] = Failures(from: now, count: 1)
                }
            }
        }
    }

    /// Whether one more failure is written down: whoever tries without end does not fill the log.
    func mayNote(at now: Instant) -> Bool {
        failures.withLock { failures in
            let key = "\nnotes"
            guard let entry = failures[key],
                now < entry.from.advanced(byMilliseconds: Self.windowMilliseconds)
            else {
                failures[key] = Failures(from: now, count: 1)
                return true
            }
            failures[key]?.count += 1
            return entry.count < Self.notesMax
        }
    }

    /// Whoever gets in has all attempts again.
    func noteSuccess(_ name: String, from address: String?) {
        failures.withLock { failures in
            for (key, most) in Self.keys(name, address) where most == Self.failuresOfBoth {
                failures[key] = nil
            }
        }
    }

    private static func keys(_ name: String, _ address: String?) -> [(String, Int)] {
        let place = place(address)
        return [
            ("\(name)\n\(place)", failuresOfBoth), ("\n\(place)", failuresOfAddress),
            ("\(name)\n", failuresOfName),
        ]
    }

    /// Of IPv6 the network: one customer has all addresses in it.
    private static func place(_ address: String?) -> String {
        guard let address else { return "?" }
        guard address.contains(":") else { return address }
        return address.split(separator: ":", omittingEmptySubsequences: false).prefix(4)
            .joined(separator: ":")
    }

    private static func forget(_ failures: inout [String: Failures], at now: Instant) {
        failures = failures.filter {
            now < $0.value.from.advanced(byMilliseconds: windowMilliseconds)
        }
        guard failures.count >= entriesMax else { return }
        let kept = failures.sorted { $0.value.from > $1.value.from }.prefix(entriesMax / 2)
        failures = Dictionary(uniqueKeysWithValues: kept.map { ($0.key, $0.value) })
    }
}

extension Problem {
    static func manyFailures(_ seconds: Int64) -> Problem {
        Problem(
            status: .tooManyRequests, code: "too_many_sign_ins",
            detail: "too many sign-ins failed; try again in \(seconds) seconds",
            headers: [.retryAfter: String(seconds)])
    }
}
