/// Finds the word that somebody probably meant.
package enum Spelling {
    /// The candidate that is nearest to `word`, unless none is near enough to be meant.
    package static func nearest(to word: String, among candidates: some Sequence<String>) -> String?
    {
        let written = Array(word.lowercased())
        let edits = candidates.map { ($0, distance(written, Array($0.lowercased()))) }
        guard let best = edits.min(by: { ($0.1, $0.0) < ($1.1, $1.0) }) else { return nil }
        return best.1 <= max(1, word.count / 3) ? best.0 : nil
    }

    /// The sentence to append to a message; empty when nothing is near.
    package static func suggestion(
        for word: String, among candidates: some Sequence<String>
    ) -> String {
        nearest(to: word, among: candidates).map { "; did you mean '\($0)'?" } ?? ""
    }

    /// How many insertions, deletions, replacements and swaps of neighbours lead from one to the
    /// other (optimal string alignment).
    private static func distance(_ one: [Character], _ other: [Character]) -> Int {
        var before: [Int] = []
        var above = Array(0...other.count)
        for (row, letter) in one.enumerated() {
            var current = [row + 1]
            for (column, candidate) in other.enumerated() {
                let replaced = above[column] + (letter == candidate ? 0 : 1)
                var best = min(replaced, above[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, letter == other[column - 1], one[row - 1] == candidate {
                    best = min(best, before[column - 1] + 1)
                }
                current.append(best)
            }
            (before, above) = (above, current)
        }
        return above[other.count]
    }
}
