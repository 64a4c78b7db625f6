import ArgumentParser
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// `meterstone record`.
struct RecordCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "record",
        abstract: "Record one usage event, whatever the limits say.",
        discussion: "Many events at once are a matter for import.")

    @OptionGroup var arguments: EventArguments
    @OptionGroup var store: ServiceArguments
    @OptionGroup var output: OutputArguments

    func run() async throws {
        let event = try arguments.usageEvent()
        let outcome = try await OpenStore.with(store) { service in
            let outcome = try await service.record([event]).first
            if case .conflict(let id) = outcome { throw try await service.failure(id, event) }
            return outcome
        }
        switch outcome {
        case .counted(let id, let moved, let adjustment):
            print(EventResult(id, .counted, moved: moved, adjustment: adjustment))
        case .duplicate(let id, let moved, let adjustment):
            print(EventResult(id, .duplicate, moved: moved, adjustment: adjustment))
        case .conflict(let id): throw CommandFailure(conflict: id, differs: [])
        case .rejected(let rejection) where rejection.code == .trackingDisabled:
            print(EventResult(event.id, .notRecorded))
        case .rejected(let rejection): throw CommandFailure(rejection)
        case nil: throw CommandFailure(.software, "the engine gave no answer")
        }
    }

    private func print(_ result: EventResult) {
        guard output.json else { return Console.write(Answers.text(result)) }
        var writer = JSONWriter()
        writer.object(result, Shapes.recorded)
        Console.write(json: writer.bytes)
    }
}

/// `meterstone consume`.
struct ConsumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "consume",
        abstract: "Check the limits and count, in one step; exit code 1 when refused.")

    @OptionGroup var arguments: EventArguments
    @OptionGroup var store: ServiceArguments
    @OptionGroup var output: OutputArguments

    func run() async throws {
        let event = try arguments.usageEvent()
        let outcome = try await OpenStore.with(store) { service in
            let outcome = try await service.consume(event)
            if case .conflict(let id) = outcome { throw try await service.failure(id, event) }
            return outcome
        }
        try Answers.print(outcome, asJSON: output.json, at: SystemClock.now())
    }
}

/// `meterstone check`.
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Tell what consume would answer, and change nothing; exit code 1 for no.")

    @OptionGroup var arguments: EventArguments

    @Option(
        help: "The limit to ask about, instead of a meter.",
        transform: { try ArgumentText.identifier($0) as LimitKey })
    var limit: LimitKey?

    @Option(
        help: "A feature that the plan has to have; alone, or beside a meter or limit.",
        transform: { try ArgumentText.name($0) })
    var feature: String?

    @Option(
        name: .customLong("as"), help: "What it would be: consume or reservation.",
        transform: { try ArgumentText.choice($0) })
    var use: CheckedUse = .consume

    @OptionGroup var store: ServiceArguments
    @OptionGroup var output: OutputArguments

    func validate() throws {
        guard limit != nil, arguments.event != nil || !arguments.quantities.isEmpty else { return }
        throw ValidationError("--limit says what is asked about; leave the meter out")
    }

    private var asksFeatureAlone: Bool {
        limit == nil && arguments.event == nil && arguments.quantities.isEmpty
            && arguments.type == nil
    }

    /// The event as a question about the limit that is named.
    private func asked(
        _ event: UsageEvent, _ service: any MeterstoneService
    ) async throws -> UsageEvent {
        guard let limit else { return event }
        let known = try await service.blueprint().limits.first { $0.key == limit }
        guard let known else {
            throw CommandFailure(.badData, "there is no limit called '\(limit)'")
        }
        return event.asking(about: known)
    }

    func run() async throws {
        let event = try arguments.usageEvent(isNamed: limit != nil || feature != nil)
        let outcome = try await OpenStore.with(store) { service in
            if let feature {
                let outcome = try await service.check(feature: feature, of: event.subject)
                guard case .decided(let decision) = outcome, decision.isAllowed, !asksFeatureAlone
                else { return outcome }
            }
            let event = try await asked(event, service)
            let outcome = try await service.check(event, as: use)
            if case .conflict(let id) = outcome { throw try await service.failure(id, event) }
            return outcome
        }
        try Answers.print(outcome, asJSON: output.json, at: SystemClock.now())
    }
}

/// `meterstone usage`.
struct UsageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "usage",
        abstract: "Show what a subject used of a meter, window by window, in its own calendar.")

    @Argument(
        help: "Who or what used it.", transform: { try ArgumentText.identifier($0) as SubjectID })
    var subject: SubjectID

    @Argument(
        help: "The meter's key.", transform: { try ArgumentText.identifier($0) as MeterKey })
    var meter: MeterKey

    @Option(
        help: "minute, hour, day, week, month, quarter, year, billingMonth or lifetime.",
        transform: { try ArgumentText.window($0) })
    var window: Window = .day

    @Option(
        help: ArgumentHelp("The start (default: 30 windows back).", valueName: "time"),
        transform: { try ArgumentText.instant($0) })
    var from: Instant?

    @Option(
        help: ArgumentHelp("The end, which is not included (default: now).", valueName: "time"),
        transform: { try ArgumentText.instant($0) })
    var until: Instant?

    @OptionGroup var store: ServiceArguments
    @OptionGroup var output: OutputArguments

    func run() async throws {
        let outcome = try await OpenStore.with(store) { service in
            try await service.usage(
                of: subject, meter: meter, window: window, from: from, until: until)
        }
        switch outcome {
        case .rejected(let rejection): throw CommandFailure(rejection)
        case .series(let series):
            guard output.json else { return Console.write(Self.table(series)) }
            var writer = JSONWriter()
            writer.object(UsageAnswer(subject, series), Shapes.usage)
            Console.write(json: writer.bytes)
        }
    }

    private static func table(_ series: UsageSeries) -> String {
        var table = TextTable(["from", "until", "\(series.meter)>"])
        for point in series.points {
            table.add([point.from.rfc3339, point.until.rfc3339, point.quantity.description])
        }
        return table.text
    }
}
