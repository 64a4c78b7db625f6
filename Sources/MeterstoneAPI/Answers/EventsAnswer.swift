package import MeterstoneCore

/// The answer to events that came in: how many became what, and which.
///
/// Events that were counted are listed only when the caller asks for it, and the list has a bound,
/// so that the answer to a stream of any length stays small. The numbers always cover all events.
package struct EventsAnswer: Sendable {
    /// What is done with the events.
    package enum Use: Sendable {
        /// They have happened.
        case record
        /// They are to happen, if the limits allow it.
        case consume
    }

    private(set) var counted: Int64 = 0
    private(set) var duplicate: Int64 = 0
    private(set) var denied: Int64 = 0
    private(set) var conflict: Int64 = 0
    private(set) var rejected: Int64 = 0
    private(set) var notRecorded: Int64 = 0
    private(set) var omitted: Int64 = 0
    private var listed = 0
    private var writer = JSONWriter()
    private let use: Use
    let isDryRun: Bool
    private let listsCounted: Bool
    private let resultsMax: Int

    /// - Parameter isDryRun: it says what would become of the events: nothing is recorded.
    package init(
        _ use: Use = .record, isDryRun: Bool = false, listsCounted: Bool, resultsMax: Int
    ) {
        self.use = use
        self.isDryRun = isDryRun
        self.listsCounted = listsCounted
        self.resultsMax = resultsMax
        writer.beginArray()
    }

    /// Whether one more result would be listed.
    package var hasRoom: Bool { listed < resultsMax }

    /// The list so far, as JSON.
    var results: [UInt8] { writer.bytes }

    /// - Parameters:
    ///   - index: the event's position in the body.
    ///   - id: the event's id as it was given.
    ///   - fields: what an event in conflict says otherwise than the first.
    ///   - suggestion: what may help an event that no meter counts.
    package mutating func add(
        _ outcome: RecordOutcome, at index: Int, id: EventID?, differs fields: [String] = [],
        suggestion: String? = nil
    ) {
        switch outcome {
        case .counted(let made, let moved, let adjustment):
            counted += 1
            guard listsCounted else { return }
            list(
                EventResult(
                    index, isDryRun ? id : made, .counted, moved: moved, adjustment: adjustment,
                    suggestion: suggestion))
        case .duplicate(let id, let moved, let adjustment):
            duplicate += 1
            list(EventResult(index, id, .duplicate, moved: moved, adjustment: adjustment))
        case .conflict(let id): addConflict(at: index, id, fields)
        case .rejected(let rejection) where rejection.code == .trackingDisabled:
            notRecorded += 1
            if listsCounted { list(EventResult(index, id, .notRecorded)) }
        case .rejected(let rejection):
            addRejected(rejection.within("events[\(index)]"), at: index, id: id)
        }
    }

    /// - Parameter now: where waiting begins.
    package mutating func add(
        _ outcome: ConsumeOutcome, at index: Int, id: EventID?, now: Instant,
        differs fields: [String] = []
    ) {
        switch outcome {
        case .decided(let decision):
            let verdict = decision.verdict
            switch verdict {
            case .denied: denied += 1
            case .duplicate: duplicate += 1
            case .notRecorded: notRecorded += 1
            default: counted += 1
            }
            list(
                DecidedResult(
                    event: EventResult(index, id, verdict), answer: CheckAnswer(decision, at: now)))
        case .conflict(let id): addConflict(at: index, id, fields)
        case .rejected(let rejection):
            addRejected(rejection.within("events[\(index)]"), at: index, id: id)
        }
    }

    /// - Parameter rejection: names the field from the body's root on.
    package mutating func addRejected(_ rejection: Rejection, at index: Int, id: EventID?) {
        rejected += 1
        list(EventResult(index, id, .rejected, error: ResultError(rejection)))
    }

    private mutating func addConflict(at index: Int, _ id: EventID, _ fields: [String]) {
        conflict += 1
        list(EventResult(index, id, .conflict, error: .conflict(at: index, fields)))
    }

    private mutating func list(_ result: EventResult) {
        if takePlace() { writer.object(result, Shapes.eventResult) }
    }

    private mutating func list(_ result: DecidedResult) {
        if takePlace() { writer.object(result, Shapes.decidedResult) }
    }

    private mutating func takePlace() -> Bool {
        guard hasRoom else {
            omitted += 1
            return false
        }
        listed += 1
        return true
    }

    package consuming func json() -> [UInt8] {
        writer.endArray()
        var text = JSONWriter(capacity: writer.bytes.count + 128)
        text.object(self, use == .record ? Shapes.eventsAnswer : Shapes.consumesAnswer)
        return text.bytes
    }
}

/// What became of one event among others, in a word.
package enum EventVerdict: String, Sendable {
    case counted, duplicate, denied, conflict, rejected, notRecorded
}

extension Decision {
    fileprivate var verdict: EventVerdict {
        guard isAllowed else { return .denied }
        if isDuplicate { return .duplicate }
        return eventID == nil ? .notRecorded : .counted
    }
}

/// What became of one event among others.
package struct EventResult: Sendable {
    let index: Int
    package let id: EventID?
    package let verdict: EventVerdict
    package let moved: [MeterKey]
    package let adjustment: Adjustment?
    /// What may help an event that no meter counts.
    let suggestion: String?
    let error: ResultError?

    init(
        _ index: Int, _ id: EventID?, _ verdict: EventVerdict, moved: [MeterKey] = [],
        adjustment: Adjustment? = nil, suggestion: String? = nil, error: ResultError? = nil
    ) {
        self.adjustment = adjustment
        self.suggestion = suggestion
        self.index = index
        self.id = id
        self.verdict = verdict
        self.moved = moved
        self.error = error
    }

    /// Of an event that came alone.
    package init(
        _ id: EventID?, _ verdict: EventVerdict, moved: [MeterKey] = [],
        adjustment: Adjustment? = nil
    ) {
        self.init(0, id, verdict, moved: moved, adjustment: adjustment)
    }
}

/// What was decided of one event among others.
struct DecidedResult {
    let event: EventResult
    let answer: CheckAnswer
}

/// Why an event among others was not counted.
struct ResultError: Sendable {
    let code: String
    let field: String
    let detail: String

    private init(code: String, field: String, detail: String) {
        self.code = code
        self.field = field
        self.detail = detail
    }

    init(_ rejection: Rejection) {
        self.init(
            code: rejection.code.rawValue, field: rejection.field, detail: rejection.message)
    }

    static func conflict(at index: Int, _ fields: [String]) -> ResultError {
        let differs = fields.isEmpty ? "" : "; it differs in \(fields.joined(separator: ", "))"
        return ResultError(
            code: "event_conflict", field: "events[\(index)].\(fields.first ?? "id")",
            detail: "this id was used before, by an event with other content\(differs)")
    }
}
