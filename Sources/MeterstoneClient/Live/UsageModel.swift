public import MeterstoneCore
public import Observation

/// What a subject used and what is left, for a view of an app, and up to date while ``run()`` runs.
///
///     @State private var usage = UsageModel(client, labels: [LimitKey(unchecked: "prompts_daily"): "Prompts"])
///
///     ForEach(usage.lines) { line in
///         ProgressView(line.label, value: line.share)
///     }
///     .task { await usage.run() }
@MainActor
@Observable
public final class UsageModel {
    public enum State: Hashable, Sendable {
        /// Nobody has answered yet.
        case loading
        case live
        /// The server refused; ``UsageModel/run()`` has returned. ``UsageModel/lines`` stay as they were.
        case failed(String)
    }

    /// One for each limit, in the order in which they were asked for.
    public private(set) var lines: [LimitLine] = []
    public private(set) var state: State = .loading

    @ObservationIgnored
    private let limits: LiveLimits
    @ObservationIgnored
    private let shown: [LimitKey]?
    @ObservationIgnored
    private let labels: [LimitKey: String]

    /// - Parameters:
    ///   - client: with a subject's token, or with a key and a `subject`.
    ///   - shown: which limits, and in which order; `nil`: all.
    ///   - labels: what limits are called. Without one `prompts_daily` is "Prompts daily".
    public init(
        _ client: MeterstoneClient, subject: SubjectID? = nil, shown: [LimitKey]? = nil,
        labels: [LimitKey: String] = [:]
    ) {
        limits = client.liveLimits(of: subject)
        self.shown = shown
        self.labels = labels
    }

    /// Follows what happens, until the task is cancelled or the server refuses.
    public func run() async {
        do {
            for try await limits in limits {
                show(limits)
                state = .live
            }
        } catch {
            state = .failed("\(error)")
        }
    }

    private func show(_ limits: [LimitStatus]) {
        let all = limits.map { LimitLine($0, label: labels[$0.limit]) }
        let new =
            shown.map { keys in keys.flatMap { key in all.filter { $0.limit == key } } } ?? all
        // Who looks at them is told of changes alone.
        if new != lines { lines = new }
    }
}
