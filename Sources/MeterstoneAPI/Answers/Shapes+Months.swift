package import MeterstoneCore

extension Shapes {
    /// Usage of a closed month, which counts elsewhere.
    package static let adjustment = Shape<Adjustment>([
        Member("occurredAt", .instant, \.occurredAt, "When it occurred, as it was told."),
        Member("countedAt", .instant, \.countedAt, "Where it counts."),
    ]) { fields throws(WireMismatch) in
        Adjustment(
            occurredAt: try fields("occurredAt"), countedAt: try fields("countedAt"))
    }

    static let adjustmentSentence =
        "Its month was closed when it was told: it counts at the beginning of the first open one."

    package static let closedMonth = Shape<ClosedMonth>(
        "ClosedMonth",
        [
            Member("month", .civilMonth, \.month),
            Member("timeZone", .text, \.timeZone, "Whose calendar cut it."),
            Member("from", .instant, \.from),
            Member("until", .instant, \.until, "Not included: where the first open month begins."),
            Member("closedAt", .instant, \.closedAt),
            Member("sequence", .quantity, \.sequence, "Place of the closing among all facts."),
        ]
    ) { fields throws(WireMismatch) in
        ClosedMonth(
            month: try fields("month"), timeZone: try fields("timeZone"),
            from: try fields("from"), until: try fields("until"),
            closedAt: try fields("closedAt"), sequence: try fields("sequence"), meters: [])
    }

    package static let closedMonths = list("ClosedMonthList", "months", of: closedMonth)

    /// Only described and read: a statement is handed out as it was written down.
    package static let statement = Shape<MonthStatement>(
        "MonthStatement",
        closedMonth.members(of: \MonthStatement.closed) + [
            Member(maybe: "subject", .name, \.subject, "Absent: all subjects together."),
            Member("meters", Shapes.meterStatement.wire.list(), \.meters, "By key."),
        ])

    private static let meterStatement = Shape<MeterStatement>([
        Member("meter", .key, \.meter),
        Member("aggregation", .choice, \.aggregation),
        Member("quantity", .integer, \.quantity, "What it came to, as reports tell it."),
        Member("events", .quantity, \.events, "How many events moved it."),
        Member(
            "costMillionths", .integer, \.costMillionths,
            "What they cost you, in millionths of the currency unit."),
        Member(
            "adjustments", Shapes.adjustmentTotal.wire, \.adjustments,
            "What of this occurred in months that were closed when it was told."),
    ])

    private static let adjustmentTotal = Shape<AdjustmentTotal>([
        Member("events", .quantity, \.events),
        Member(
            maybe: "quantity", .integer, \.quantity,
            "Absent: the meter is no sum or count, and no part of it can be told."),
        Member("costMillionths", .integer, \.costMillionths),
    ])
}

extension MonthStatement {
    fileprivate var closed: ClosedMonth {
        ClosedMonth(
            month: month, timeZone: timeZone, from: from, until: until, closedAt: closedAt,
            sequence: sequence, meters: [])
    }
}

extension CivilMonth: WireText {}

extension Wire<CivilMonth> {
    fileprivate static var civilMonth: Wire {
        Wire<String>.text("^[0-9]{4}-(0[1-9]|1[0-2])$").of(\CivilMonth.text)
    }
}
