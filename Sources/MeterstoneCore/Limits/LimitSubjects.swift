/// Whom the allowances of a limit are for: subjects whose key one of some patterns matches, and none of those
/// that take subjects out.
///
/// `["session/*", "!session/test-*"]`. Patterns that only take out leave all others in.
package struct LimitSubjects: Sendable {
    private let taken: [TextPattern]
    private let left: [TextPattern]

    /// Before a pattern, it takes subjects out.
    package static let exception: Character = "!"
    package static let patternsMax = 50
    package static let expectation =
        "at most \(patternsMax) patterns of keys, such as 'session/*', or with '!' before to take them out"

    /// `nil`: for all.
    package init?(_ patterns: [String]) {
        guard !patterns.isEmpty else { return nil }
        (taken, left) = Self.patterns(patterns)
    }

    /// Those that take in, and those that take out.
    package static func patterns(
        _ texts: [String]
    ) -> (taken: [TextPattern], left: [TextPattern]) {
        let left = texts.filter { $0.first == exception }
        return (
            texts.filter { $0.first != exception }.map { TextPattern($0) },
            left.map { TextPattern(String($0.dropFirst())) }
        )
    }

    package func contain(_ id: SubjectID) -> Bool {
        (taken.isEmpty || taken.contains { $0.matches(id.text) })
            && !left.contains { $0.matches(id.text) }
    }

    /// The place of the first pattern that is none; `nil`: all are well-formed.
    package static func mistake(in patterns: [String]) -> Int? {
        patterns.indices.first { index in
            let pattern = patterns[index]
            let key = pattern.first == exception ? String(pattern.dropFirst()) : pattern
            return index >= patternsMax || !SubjectID.isValid(key)
        }
    }
}
