import Meterstone
import MeterstoneAPI
import MeterstoneCore

extension Shapes {
    static let usageTracking: [(name: String, schema: String)] = [
        schema(trackedUsage), schema(limitCheck), schema(actionAnswer), schema(userStatistics),
        schema(topUsers), schema(usageTrends), schema(conversionFunnel), schema(operationErrors),
    ]

    static let trackedUsage = Shape<TrackedUsage>(
        "TrackedUsage",
        [
            Member("tracked", .flag, { $0.id != nil }, "False while tracking is switched off."),
            Member("eventId", Wire<EventID>.name.orNull, \.id),
            Member("moved", Wire<MeterKey>.key.list(), \.moved, "The meters that it moves."),
            Member(
                maybe: "suggestion", .text, \.suggestion, "What may help when no meter counts it."),
        ])

    static let limitCheck = Shape<LimitCheck>(
        "LimitCheck",
        [
            Member("allowed", .flag, \.isAllowed, "Whether something is left."),
            Member("current", .units, \.current, "Used so far."),
            Member("limit", .allowance, \.allowance),
            Member(
                "resetAt", Wire<Instant>.instant.orNull, \.resetsAt,
                "When counting starts anew; null: never."),
            Member("configured", .flag, { $0.limit != nil }, "False: there is no such limit."),
        ])

    static let actionAnswer = Shape<ActionAnswer>(
        "ActionAnswer",
        [
            Member("allowed", .flag, \.isAllowed),
            Member(
                "limitType", Wire<LimitKey>.key.orNull, \.check.limit,
                "The limit of which least is left, or that refuses; null: none is for it."),
            Member("current", .units, \.check.current),
            Member("limit", .allowance, \.check.allowance),
            Member("resetAt", Wire<Instant>.instant.orNull, \.check.resetsAt),
            Member(
                maybe: "failMode", .choice,
                { $0.check.failMode == .closed ? nil : $0.check.failMode },
                "What to do while no server answers: open lets go on; absent: closed."),
        ])

    /// Why an action is refused.
    static let denialCause = Shape<LimitCheck>([
        Member("limitType", Wire<LimitKey>.key.orNull, \.limit),
        Member("current", .units, \.current),
        Member("limit", .allowance, \.allowance),
        Member("resetAt", Wire<Instant>.instant.orNull, \.resetsAt),
    ])

    static let userStatistics = Shape<UserStatistics>(
        "UserStatistics",
        [
            Member(
                "daily", Wire<Int64>.integer.byName().byName(),
                { $0.daily.map { ($0.date, $0.counts) } }, "Used on each day, by type."),
            Member(
                "totals", Wire<Int64>.integer.byName(), \.totals, "Used on these days, by type."),
            Member(
                "recentEvents", loggedEvent.wire.list(#","maxItems":100"#), \.events,
                "The latest first."),
        ])

    /// An event as an application's own log has it.
    private static let loggedEvent = Shape<RecordedEvent>([
        Member("id", Wire<EventID>.name.orNull, \.event.id),
        Member("userId", .name, \.event.subject),
        Member("eventType", Wire<String>.name.orNull, \.event.details?.type),
        Member("eventSubtype", Wire<String>.name.orNull, \.event.details?.subtype),
        Member("projectId", Wire<String>.name.orNull, \.event.details?.project),
        Member("sceneId", Wire<String>.name.orNull, \.event.details?.scene),
        Member("tokensUsed", Wire<Int64>.integer.orNull, { $0.units("tokensUsed", "tokens") }),
        Member(
            "creditsUsed", Wire<Int64>.integer.orNull, { $0.units("creditsUsed", "credits_used") }),
        Member("durationMs", Wire<Int64>.quantity.orNull, \.event.details?.durationMilliseconds),
        Member("status", .choice, { $0.event.details?.status ?? .success }),
        Member("errorMessage", Wire<String>.text.orNull, \.event.details?.errorMessage),
        Member(
            "metadata", Wire<String>.json(.type("object")).orNull, \.event.details?.properties),
        Member("createdAt", Wire<Instant>.instant.orNull, \.event.occurredAt),
    ])

    static let topUsers = Shape<[TopSubject]>(
        "TopUsers", [Member("users", topUser.wire.list(), { $0 }, "Who used most first.")])

    private static let topUser = Shape<TopSubject>([
        Member("userId", .name, \.subject), Member("totalUsage", .integer, \.quantity),
        Member("lastUsed", .instant, \.lastUsedAt),
    ])

    static let usageTrends = Shape<[UsageTrend]>(
        "UsageTrends", [Member("trends", usageTrend.wire.list(), { $0 }, "The oldest day first.")])

    private static let usageTrend = Shape<UsageTrend>([
        Member("date", .date, \.date), Member("usageType", .text, \.type),
        Member("totalCount", .integer, \.count), Member("uniqueUsers", .quantity, \.users),
    ])

    static let conversionFunnel = Shape<ConversionFunnel>(
        "ConversionFunnel",
        [
            Member("registered", .quantity, \.registered, "All subjects that there are."),
            Member("createdProject", .quantity, \.createdProject),
            Member("generatedScene", .quantity, \.generatedScene),
            Member("exportedVideo", .quantity, \.exportedVideo),
        ])

    static let operationErrors = Shape<[ErrorRate]>(
        "OperationErrors",
        [Member("errors", operationError.wire.list(), { $0 }, "The most frequent first.")])

    private static let operationError = Shape<ErrorRate>([
        Member("eventType", Wire<String>.text.orNull, \.type),
        Member("eventSubtype", Wire<String>.text.orNull, \.subtype),
        Member("totalEvents", .quantity, \.events), Member("failedEvents", .quantity, \.failed),
        Member(
            "errorRate", Wire<Int64>.decimal(digits: 2, in: 0...100), \.hundredthsOfPercent,
            "Failed ones in percent."),
        Member("avgDurationMs", Wire<Ratio>.number.orNull, \.averageDurationMs),
    ])
}

extension RecordedEvent {
    fileprivate func units(_ names: String...) -> Int64? {
        for name in names {
            if let quantity = event.quantities[MeterKey(unchecked: name)] { return quantity.units }
        }
        return nil
    }
}

extension ErrorRate {
    /// Rounded half up.
    fileprivate var hundredthsOfPercent: Int64 {
        guard events > 0 else { return 0 }
        return (failed * 20_000 + events) / (2 * events)
    }
}
