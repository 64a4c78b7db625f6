import MeterstoneCore

/// What the server calls a snapshot: which transactions had ended when a page was read.
///
/// It comes back from callers, so that every number in it is looked at before the server is told.
struct CutSnapshot {
    /// Every transaction before had ended.
    let xmin: Int64
    /// No transaction from here on had begun to end.
    let xmax: Int64
    private let running: [Int64]

    init?(_ cut: ReportCut) {
        guard let text = cut.snapshot else { return nil }
        self.init(text: text.replacing("/", with: ":"))
    }

    /// `nil` unless the server could have written it.
    init?(text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, let xmin = Int64(parts[0]), let xmax = Int64(parts[1]) else {
            return nil
        }
        let numbers = parts[2].split(separator: ",").map { Int64($0) }
        let running = numbers.compactMap(\.self)
        guard xmin > 0, xmin <= xmax, running.count == numbers.count,
            running.allSatisfy({ xmin <= $0 && $0 < xmax }),
            zip(running, running.dropFirst()).allSatisfy({ $0 < $1 })
        else { return nil }
        self.xmin = xmin
        self.xmax = xmax
        self.running = running
    }

    var text: String {
        "\(xmin):\(xmax):" + running.map(String.init).joined(separator: ",")
    }
}
