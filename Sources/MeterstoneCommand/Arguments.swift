import ArgumentParser
import MeterstoneAPI
import MeterstoneBlueprint
import MeterstoneCore
import MeterstoneImport

/// From when until when; all of time unless told otherwise.
struct SpanArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp("The start (default: the beginning).", valueName: "time"),
        transform: { try ArgumentText.instant($0) })
    var from: Instant = .earliest

    @Option(
        help: ArgumentHelp("The end, which is not included (default: the end).", valueName: "time"),
        transform: { try ArgumentText.instant($0) })
    var until: Instant = .latest
}

/// How answers are printed.
struct OutputArguments: ParsableArguments {
    @Flag(help: "Print JSON instead of a table.")
    var json = false
}

/// Reads arguments, and says what was expected of one that cannot be read.
enum ArgumentText {
    static func identifier<Key: TextIdentifier>(_ text: String) throws -> Key {
        guard let key = Key(text) else { throw ValidationError("expected \(Key.expectation)") }
        return key
    }

    static func choice<Choice>(_ text: String) throws -> Choice
    where Choice: RawRepresentable<String> & CaseIterable {
        guard let choice = Choice(rawValue: text) else {
            let words = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("expected one of \(words)")
        }
        return choice
    }

    /// `subtype=model`.
    static func fieldMapping(_ text: String) throws -> FieldMapping {
        guard let mapping = FieldMapping(text) else {
            throw ValidationError("expected \(FieldMapping.expectation)")
        }
        return mapping
    }

    /// A type, project, scene, session or source.
    static func name(_ text: String) throws -> String {
        guard SubjectID.isValid(text) else {
            throw ValidationError("expected \(SubjectID.expectation)")
        }
        return text
    }

    /// `session/*` or `!session/*`.
    static func subjectPattern(_ text: String) throws -> String {
        guard LimitSubjects.mistake(in: [text]) == nil else {
            throw ValidationError("expected \(LimitSubjects.expectation)")
        }
        return text
    }

    static func eventID(_ text: String) throws -> EventID {
        guard let id = EventID(text) else {
            throw ValidationError("expected \(EventID.expectation)")
        }
        return id
    }

    static func instant(_ text: String) throws -> Instant {
        guard let instant = Instant(rfc3339: text) else {
            throw ValidationError("expected \(Instant.expectation)")
        }
        return instant
    }

    /// `now`, `periodEnd` or an instant.
    static func changeTime(_ text: String) throws -> ChangeTime {
        switch text {
        case "now": return .now
        case "periodEnd": return .periodEnd
        default: return .instant(try instant(text))
        }
    }

    /// `seats=5`, `sso=true`.
    static func feature(_ text: String) throws -> (name: String, value: PlanFeature) {
        let (name, value) = split(text)
        guard !name.isEmpty, let value else {
            throw ValidationError("'\(text)': expected NAME=VALUE")
        }
        switch value {
        case "true": return (name, .flag(true))
        case "false": return (name, .flag(false))
        default: return (name, Int64(value).map { .number($0) } ?? .text(value))
        }
    }

    static func number(_ text: String, in range: ClosedRange<Int>) throws -> Int {
        guard let number = Int(text), range.contains(number) else {
            throw ValidationError(
                "expected a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// `400d`.
    static func days(_ text: String) throws -> Int64 {
        guard text.hasSuffix("d"), let days = Int64(text.dropLast()),
            (0...36_500).contains(days)
        else { throw ValidationError("expected a number of days, such as 400d") }
        return days
    }

    static func date(_ text: String) throws -> CivilDate {
        guard let date = CivilDate(text) else {
            throw ValidationError("expected \(CivilDate.expectation)")
        }
        return date
    }

    static func window(_ text: String) throws -> Window {
        guard let window = Window(text) else {
            throw ValidationError("expected \(Window.expectation)")
        }
        return window
    }

    /// `prompts` or `prompts=2`.
    static func namedQuantity(_ text: String) throws -> NamedQuantity {
        let (name, value) = split(text)
        guard let meter = MeterKey(name), let units = value.map({ Int64($0) }) ?? 1 else {
            throw ValidationError("expected METER or METER=NUMBER")
        }
        return NamedQuantity(name: meter, quantity: Quantity(units))
    }

    /// `model=gpt-4`.
    static func dimension(_ text: String) throws -> MeterstoneCore.Dimension {
        guard case (let name, let value?) = split(text), !name.isEmpty else {
            throw ValidationError("expected NAME=VALUE")
        }
        guard SubjectID.isValid(name), WireBounds.isDimensionValue(value) else {
            throw ValidationError(
                "expected a name of \(SubjectID.expectation), and as value "
                    + WireBounds.dimensionExpectation)
        }
        return MeterstoneCore.Dimension(name: name, value: value)
    }

    /// `model=gpt-4,gpt-5`: the values that a meter or limit accepts.
    static func filter(_ text: String) throws -> (name: String, values: [String]) {
        guard case (let name, let value?) = split(text), !name.isEmpty, !value.isEmpty else {
            throw ValidationError("expected NAME=VALUE,VALUE")
        }
        return (name, value.split(separator: ",").map(String.init))
    }

    /// `pro=100` or `team=unlimited`.
    static func planAllowance(_ text: String) throws -> (plan: PlanKey, allowance: Allowance) {
        guard case (let name, let value?) = split(text), let plan = PlanKey(name) else {
            throw ValidationError("expected PLAN=NUMBER")
        }
        return (plan, try allowance(value))
    }

    /// `gpt-5*=100`: what comes after the last `=` is the number.
    static func valueAllowance(
        _ text: String
    ) throws -> (pattern: String, allowance: Allowance) {
        guard let place = text.lastIndex(of: "="), place > text.startIndex else {
            throw ValidationError("expected PATTERN=NUMBER")
        }
        return (
            String(text[..<place]), try allowance(String(text[text.index(after: place)...]))
        )
    }

    static func allowance(_ text: String) throws -> Allowance {
        if text == "unlimited" { return .unlimited }
        guard let number = Int64(text), let allowance = Allowance(wire: number) else {
            throw ValidationError("expected a whole number from 0, or -1 for unlimited")
        }
        return allowance
    }

    /// `seats=10`: how much more one of an add-on allows.
    static func addOn(_ text: String) throws -> (key: AddOnKey, units: Quantity) {
        guard case (let name, let value?) = split(text), let key = AddOnKey(name),
            let units = Int64(value), Limit.addOnUnitsRange.contains(units)
        else { throw ValidationError("expected ADD-ON=NUMBER from 1") }
        return (key, Quantity(units))
    }

    /// An addition as JSON.
    static func addition(_ text: String) throws -> Addition {
        try json(text, fields: Addition.fields)
    }

    /// A value as JSON that has these members, and no others.
    static func json<Value: Decodable>(_ text: String, fields: [String]) throws -> Value {
        do {
            return try AdministrativeBody(Array(text.utf8), fields: fields).decode(Value.self)
        } catch {
            throw ValidationError("\(error.field): \(error.message)")
        }
    }

    /// After how many seconds a reservation expires, as milliseconds.
    static func expiry(_ text: String) throws -> Int64 {
        let range = ReservationTerms.millisecondsRange
        guard let seconds = Int64(text), 1...range.upperBound / 1_000 ~= seconds else {
            throw ValidationError("expected 1 to \(range.upperBound / 1_000) seconds")
        }
        return seconds * 1_000
    }

    /// `prompts=10`: what a unit costs in credits.
    static func creditPrice(_ text: String) throws -> (meter: MeterKey, credits: Int64) {
        guard case (let name, let value?) = split(text), let meter = MeterKey(name),
            let credits = Int64(value), CreditPolicy.priceRange.contains(credits)
        else {
            throw ValidationError(
                "expected METER=NUMBER from 0 to \(CreditPolicy.priceRange.upperBound)")
        }
        return (meter, credits)
    }

    /// `day=50`, or `day=50,200` when up to 200 of it stay.
    static func recurringGrant(_ text: String) throws -> RecurringGrant {
        guard case (let name, let value?) = split(text), let window = Window(name) else {
            throw ValidationError("expected WINDOW=NUMBER or WINDOW=NUMBER,NUMBER")
        }
        let numbers = value.split(separator: ",", omittingEmptySubsequences: false)
            .map { Int64($0) }
        guard 1...2 ~= numbers.count, let amount = numbers[0],
            numbers.count == 1 || numbers[1] != nil
        else { throw ValidationError("expected WINDOW=NUMBER or WINDOW=NUMBER,NUMBER") }
        return RecurringGrant(
            window: window, amount: amount, rolloverMax: numbers.count == 2 ? numbers[1] : nil)
    }

    /// `nothing`, `refuse`, or an amount.
    static func withoutCost(_ text: String) throws -> WithoutCost {
        switch text {
        case "nothing": .nothing
        case "refuse": .refuse
        default: .estimate(try price(text))
        }
    }

    /// `30` or `0.15`: of tokens, or of a plan.
    static func price(_ text: String) throws -> Money {
        guard let money = Money(decimal: text), ModelPrice.range.contains(money.millionths) else {
            throw ValidationError("expected an amount from 0 to 1000000 with at most six decimals")
        }
        return money
    }

    /// `tenth=conversations,10`: the total of a meter.
    static func totalMilestone(_ text: String) throws -> MilestoneRule {
        guard case (let name, let value?) = split(text), let key = MilestoneKey(name),
            let comma = value.lastIndex(of: ","), let meter = MeterKey(String(value[..<comma])),
            let total = Int64(value[value.index(after: comma)...]),
            MilestoneRule.totalRange.contains(total)
        else { throw ValidationError("expected KEY=METER,NUMBER with a number from 1") }
        return MilestoneRule(key: key, goal: .total(meter, total))
    }

    /// `week=7`: active days in a row.
    static func streakMilestone(_ text: String) throws -> MilestoneRule {
        let range = MilestoneRule.streakRange
        guard case (let name, let value?) = split(text), let key = MilestoneKey(name),
            let days = Int64(value), range.contains(days)
        else {
            throw ValidationError(
                "expected KEY=NUMBER from \(range.lowerBound) to \(range.upperBound)")
        }
        return MilestoneRule(key: key, goal: .streak(days))
    }

    static func quantityMapping(_ text: String) throws -> QuantityMapping {
        guard let mapping = QuantityMapping(text) else {
            throw ValidationError("expected METER=COLUMN or METER=NUMBER")
        }
        return mapping
    }

    static func dimensionMapping(_ text: String) throws -> DimensionMapping {
        guard let mapping = DimensionMapping(text) else {
            throw ValidationError("expected NAME=COLUMN")
        }
        return mapping
    }

    static func rowTemplate(_ text: String) throws -> RowTemplate {
        guard let template = RowTemplate(text) else {
            throw ValidationError("expected \(RowTemplate.expectation)")
        }
        return template
    }

    private static func split(_ text: String) -> (String, String?) {
        guard let sign = text.firstIndex(of: "=") else { return (text, nil) }
        return (String(text[..<sign]), String(text[text.index(after: sign)...]))
    }
}
