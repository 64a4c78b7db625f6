/// What a look at one thing found, and what to do about it.
package struct Finding: Hashable, Sendable {
    package enum Level: String, Sendable {
        case fine, warning, problem
    }

    package let level: Level
    /// Which thing: `disk`, `clock`.
    package let thing: String
    package let found: String
    /// What to do; empty where nothing needs to be done.
    package let advice: String

    static func fine(_ thing: String, _ found: String) -> Finding {
        Finding(level: .fine, thing: thing, found: found, advice: "")
    }

    static func warning(_ thing: String, _ found: String, _ advice: String) -> Finding {
        Finding(level: .warning, thing: thing, found: found, advice: advice)
    }

    static func problem(_ thing: String, _ found: String, _ advice: String) -> Finding {
        Finding(level: .problem, thing: thing, found: found, advice: advice)
    }

    /// `problem  disk: 120 MiB are free in /data`, and what to do on a line of its own.
    package var text: String {
        let word = level.rawValue.padding(to: 8)
        return "\(word) \(thing): \(found)" + (advice.isEmpty ? "" : "\n         → \(advice)")
    }
}

extension String {
    fileprivate func padding(to width: Int) -> String {
        self + String(repeating: " ", count: Swift.max(0, width - count))
    }
}
