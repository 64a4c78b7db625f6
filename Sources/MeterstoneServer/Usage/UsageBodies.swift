import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// What is asked about an action: `{"userId":"u1","action":"export_video","throwOnExceed":false}`.
struct ActionBody {
    private(set) var user: SubjectID?
    private(set) var action = ""
    /// Whether a refusal is an error, and not an answer.
    private(set) var throwsOnExceed = true

    init(_ json: [UInt8]) throws(Rejection) {
        var action: String?
        try JSONReader.readBody(json) { (name, reader) throws(Rejection) in
            switch name.camelCased {
            case "userId":
                user = try reader.readText(name, bytes: ChatBounds.name).map {
                    (
                        text
                    )
                        throws(Rejection) in
                    guard let user = SubjectID(text) else {
                        throw .invalid(name, SubjectID.expectation)
                    }
                    return user
                }
            case "action": action = try reader.readText(name, bytes: ChatBounds.name)
            case "throwOnExceed":
                guard try !reader.skipNull() else { return }
                guard reader.kind() == .boolean else { throw .invalid(name, "true or false") }
                throwsOnExceed = try reader.scanLiteral()
            default: throw .unknown(name, among: ["userId", "action", "throwOnExceed"])
            }
        }
        guard let action, SubjectID.isValid(action) else {
            throw .missing("action", "what is to be done, such as 'export_video'")
        }
        self.action = action
    }
}

/// What became of usage that was told.
struct TrackedUsage: Sendable {
    /// `nil`: tracking is switched off.
    let id: EventID?
    let moved: [MeterKey]
    let suggestion: String?
}

struct ActionAnswer: Sendable {
    let isAllowed: Bool
    let check: LimitCheck
}

/// What a user used on each day, by type of usage.
struct UserStatistics: Sendable {
    let daily: [(date: String, counts: [(name: String, value: Int64)])]
    let totals: [(name: String, value: Int64)]
    let events: [RecordedEvent]

    /// - Parameter recent: `nil`: nobody has seen the user.
    init(_ recent: RecentStatistics?, _ types: [MeterKey: String]) {
        func named(_ quantities: [NamedQuantity]) -> [(name: String, value: Int64)] {
            quantities.map { (types[$0.name] ?? $0.name.text, $0.quantity.units) }
        }
        daily = (recent?.days ?? []).map { ($0.date.description, named($0.quantities)) }
        totals = named(recent?.totals ?? [])
        events = (recent?.events ?? []).filter { !$0.isVoided }
    }
}

/// How often everybody used something on a day.
struct UsageTrend: Sendable {
    let date: CivilDate
    let type: String
    let count: Int64
    let users: Int64

    init(_ point: TrendPoint, _ types: [MeterKey: String], _ zone: ZoneRules) {
        date = CivilDate(daysSince1970: zone.dayNumber(containing: point.from))
        type = types[point.meter] ?? point.meter.text
        count = point.quantity
        users = point.subjects
    }
}

/// How many subjects there are, and how many did each of three things.
struct ConversionFunnel: Sendable {
    let registered: Int64
    let createdProject: Int64
    let generatedScene: Int64
    let exportedVideo: Int64

    /// - Parameter counts: of the three, in their order.
    init(registered: Int, _ counts: [Int64]) {
        self.registered = Int64(registered)
        createdProject = counts.first ?? 0
        generatedScene = counts.dropFirst().first ?? 0
        exportedVideo = counts.dropFirst(2).first ?? 0
    }
}
