package import MeterstoneImport

/// How far an import is, as one line.
package struct ProgressBar: Sendable {
    private static let width = 32

    private let name: String
    private let start: ContinuousClock.Instant

    package init(name: String, start: ContinuousClock.Instant = .now) {
        self.name = name
        self.start = start
    }

    /// `commits.csv.gz [########------------------------]  25%  16380 rows  81900/s`.
    package func line(_ progress: ImportProgress, at now: ContinuousClock.Instant = .now) -> String
    {
        let seconds = (now - start) / .seconds(1)
        let perSecond = seconds > 0 ? Int(Double(progress.rows) / seconds) : 0
        let numbers = "\(progress.rows) rows  \(perSecond)/s"
        guard let total = progress.bytesTotal, total > 0 else { return "\(name)  \(numbers)" }
        let percent = min(100, progress.bytesRead * 100 / total)
        let filled = percent * Self.width / 100
        let bar =
            String(repeating: "#", count: filled)
            + String(repeating: "-", count: Self.width - filled)
        let padding = String(repeating: " ", count: 3 - String(percent).count)
        return "\(name) [\(bar)] \(padding)\(percent)%  \(numbers)"
    }
}
