import ArgumentParser
import Meterstone
import MeterstoneCore

extension Limit {
    /// `day`, or `day per model`.
    fileprivate var spanText: String {
        window.text + (perValue.map { " per \($0.name)" } ?? "")
    }
}

extension Rollout {
    /// `25%, plan pro, acme/*`.
    /// - Parameter blueprint: says which of the plans exist; `nil`: nobody asks.
    func summary(in blueprint: Blueprint? = nil) -> String {
        let plans = plans.map { plan in
            "plan \(plan)" + (blueprint?.knows(plan: plan) ?? true ? "" : " (unknown)")
        }
        return (["\(percent)%"] + plans + subjects).joined(separator: ", ")
    }
}

/// `meterstone limits`.
struct LimitsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "limits",
        abstract: "List, write and delete limits: how much of a meter per window, by plan.",
        subcommands: [List.self, Put.self, Delete.self, Reset.self],
        defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the limits.")

        @OptionGroup var store: ServiceArguments
        @OptionGroup var output: OutputArguments

        func run() async throws {
            let blueprint = try await OpenStore.with(store) { try await $0.blueprint() }
            guard !output.json else { return try Answers.printList("limits", blueprint.limits) }
            guard !blueprint.limits.isEmpty else { return Console.write("no limits") }
            Console.write(Self.table(blueprint).text)
        }

        private static func table(_ blueprint: Blueprint) -> TextTable {
            let plans = plans(blueprint)
            let columns = plans.map { "\($0)>" }
            let isScheduled = blueprint.limits.contains { !$0.scheduled.isEmpty }
            let isRollingOut = blueprint.limits.contains { $0.rollout != nil }
            let isForSome = blueprint.limits.contains { !$0.subjects.isEmpty }
            var table = TextTable(
                ["limit", "meter", "window"] + columns + ["others>", "mode", "active"]
                    + (isRollingOut ? ["rollout"] : []) + (isForSome ? ["for"] : [])
                    + (isScheduled ? ["scheduled"] : []))
            for limit in blueprint.limits {
                let allowances = plans.map { plan in
                    limit.allowances[plan].map { Answers.text($0.wire) } ?? ""
                }
                let others = Answers.text(limit.defaultAllowance?.wire ?? -1)
                table.add(
                    [limit.key.text, limit.meter.text, limit.spanText] + allowances
                        + [others, limit.mode.rawValue, limit.active ? "yes" : "no"]
                        + (isRollingOut ? [limit.rollout?.summary(in: blueprint) ?? "all"] : [])
                        + (isForSome ? [limit.subjects.joined(separator: " ")] : [])
                        + (isScheduled ? [Self.text(limit.scheduled)] : []))
            }
            return table
        }

        /// `pro 200 from 2027-01-01T00:00:00.000Z`.
        private static func text(_ scheduled: [ScheduledAllowances]) -> String {
            scheduled.map { next in
                var words = next.allowances.sorted { $0.key < $1.key }.map {
                    "\($0.key) \(Answers.text($0.value.wire))"
                }
                if let others = next.defaultAllowance {
                    words.append("others \(Answers.text(others.wire))")
                }
                words += next.values.keys.sorted().map { "values '\($0)'" }
                return "\(words.joined(separator: ", ")) from \(next.effectiveAt.rfc3339)"
            }.joined(separator: "; ")
        }

        /// The smallest plan first, and after them those that only limits name.
        private static func plans(_ blueprint: Blueprint) -> [PlanKey] {
            let known = blueprint.plans.sorted { ($0.rank, $0.key) < ($1.rank, $1.key) }.map(\.key)
            let named = Set(blueprint.limits.flatMap { $0.allowances.keys })
            return known + named.subtracting(known).sorted()
        }
    }

    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create a limit, or replace it as a whole.")

        @Argument(transform: { try ArgumentText.identifier($0) as LimitKey })
        var key: LimitKey

        @Option(
            help: "The meter that it limits.",
            transform: { try ArgumentText.identifier($0) as MeterKey })
        var meter: MeterKey

        @Option(
            help: """
                minute, hour, day, week, month, quarter, year, lifetime, billingMonth, \
                rolling:SECONDS, sinceFirst:SECONDS, request or concurrent.
                """,
            transform: { try ArgumentText.window($0) })
        var window: Window

        @Option(
            help: ArgumentHelp(
                "How much a plan includes; -1 is unlimited; repeat for more.",
                valueName: "plan=n"),
            transform: { try ArgumentText.planAllowance($0) })
        var allowance: [(plan: PlanKey, allowance: Allowance)] = []

        @Option(
            help: ArgumentHelp(
                "How much other plans include (default: unlimited).", valueName: "n"),
            transform: { try ArgumentText.allowance($0) })
        var defaultAllowance: Allowance?

        @Option(
            help: ArgumentHelp(
                "What it allows from an instant on, like {\"effectiveAt\":\"2027-01-01T00:00:00Z\",\"allowances\":{\"pro\":200}}; repeat for more.",
                valueName: "json"),
            transform: { try ArgumentText.json($0, fields: ScheduledAllowances.fields) })
        var scheduled: [ScheduledAllowances] = []

        @Option(
            help: ArgumentHelp(
                "How much more one of an add-on allows; repeat for more.", valueName: "add-on=n"),
            transform: { try ArgumentText.addOn($0) })
        var addOn: [(key: AddOnKey, units: Quantity)] = []

        @Option(
            help: ArgumentHelp(
                "Accepted values of a dimension; repeat for more.", valueName: "name=value,…"),
            transform: { try ArgumentText.filter($0) })
        var dimension: [(name: String, values: [String])] = []

        @Option(
            help: ArgumentHelp(
                "Whom it is for, by key; repeat for more. '*' stands for any text; '!' before it takes out.",
                valueName: "pattern"),
            transform: { try ArgumentText.subjectPattern($0) })
        var subjects: [String] = []

        @Option(
            help: "Count each value by itself: session, project or the name of a dimension.")
        var per: String?

        @Option(
            help: ArgumentHelp(
                "How much the values have that a pattern matches; repeat for more.",
                valueName: "pattern=n"),
            transform: { try ArgumentText.valueAllowance($0) })
        var value: [(pattern: String, allowance: Allowance)] = []

        @Option(help: "How many values of a window have a counter of their own (default: 1000).")
        var valuesMax: Int?

        @Option(
            help: "What becomes of further values: refuse or together.",
            transform: { try ArgumentText.choice($0) })
        var beyondValues: BeyondValues?

        @Option(
            help: ArgumentHelp(
                "Keep what is left for so many windows more (default: none).", valueName: "n"))
        var rolloverWindows: Int?

        @Option(
            help: ArgumentHelp("The most that is kept for one window.", valueName: "units"))
        var rolloverMax: Int64?

        @Flag(help: "Take what goes beyond off the windows that follow.")
        var debt = false

        @Option(
            help: "enforce, soft, shadow or off.", transform: { try ArgumentText.choice($0) })
        var mode: LimitMode = .enforce

        @Option(
            help: ArgumentHelp(
                """
                For how many of a hundred teams --mode holds; it is a shadow limit for all others (default: for \
                everybody).
                """, valueName: "percent"),
            transform: { try ArgumentText.number($0, in: Rollout.percentRange) })
        var rolloutPercent: Int?

        @Option(
            help: ArgumentHelp(
                "A plan for which --mode holds; repeat for more.", valueName: "plan"),
            transform: { try ArgumentText.identifier($0) as PlanKey })
        var rolloutPlan: [PlanKey] = []

        @Option(
            help: ArgumentHelp(
                "Keys of subjects or teams for which --mode holds; repeat for more. '!' before keeps out.",
                valueName: "pattern"),
            transform: { try ArgumentText.subjectPattern($0) })
        var rolloutSubject: [String] = []

        @Option(
            help: "What clients do while no server answers: open or closed.",
            transform: { try ArgumentText.choice($0) })
        var failMode: LimitFailMode = .closed

        @Option(
            help: ArgumentHelp("What to do instead where it refuses.", valueName: "name"),
            transform: { try ArgumentText.name($0) })
        var fallback: String?

        @Flag(help: "Block its subject for everything while it is full.")
        var blockWhenExceeded = false

        @Flag(help: "Keep it, and count it against nobody.")
        var inactive = false

        @Option(help: "What it limits, for people.")
        var description: String?

        @OptionGroup var store: ServiceArguments

        func validate() throws {
            guard per == nil, !value.isEmpty || valuesMax != nil || beyondValues != nil else {
                return
            }
            throw ValidationError("--value, --values-max and --beyond-values need --per")
        }

        private func rollover() throws -> LimitRollover? {
            guard rolloverWindows != nil || rolloverMax != nil else { return nil }
            let windows = rolloverWindows ?? 1
            guard LimitRollover.windowsRange.contains(windows) else {
                throw ValidationError(
                    "--rollover-windows: expected a whole number from 1 to "
                        + "\(LimitRollover.windowsRange.upperBound)")
            }
            guard rolloverMax.map(LimitRollover.maxRange.contains) ?? true else {
                throw ValidationError(
                    "--rollover-max: expected a whole number from 1 to "
                        + "\(LimitRollover.maxRange.upperBound)")
            }
            return LimitRollover(max: rolloverMax.map { Quantity($0) }, windows: windows)
        }

        private var rollout: Rollout? {
            guard rolloutPercent != nil || !rolloutPlan.isEmpty || !rolloutSubject.isEmpty else {
                return nil
            }
            return Rollout(
                percent: rolloutPercent ?? 0, plans: rolloutPlan, subjects: rolloutSubject)
        }

        private var perValue: PerValue? {
            per.map { name in
                PerValue(
                    name,
                    allowances: Dictionary(
                        value.map { ($0.pattern, ValueAllowance($0.allowance)) },
                        uniquingKeysWith: { $1 }),
                    valuesMax: valuesMax ?? PerValue.valuesDefault, beyond: beyondValues ?? .refuse)
            }
        }

        func run() async throws {
            let limit = Limit(
                key: key, meter: meter, window: window,
                allowances: Dictionary(
                    allowance.map { ($0.plan, $0.allowance) }, uniquingKeysWith: { $1 }),
                defaultAllowance: defaultAllowance,
                addOns: Dictionary(addOn.map { ($0.key, $0.units) }, uniquingKeysWith: { $1 }),
                dimensions: Dictionary(
                    dimension.map { ($0.name, $0.values) }, uniquingKeysWith: { $0 + $1 }),
                subjects: subjects, perValue: perValue, rollover: try rollover(), debt: debt,
                mode: mode, rollout: rollout, failMode: failMode, fallback: fallback,
                blockWhenExceeded: blockWhenExceeded, active: !inactive, description: description,
                scheduled: scheduled)
            try await Changes.make(.putLimit(limit), of: "limit \(key)", store)
        }
    }

    struct Reset: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have a subject's limit count anew from now on; its usage stays.")

        @Argument(transform: { try ArgumentText.identifier($0) as SubjectID })
        var subject: SubjectID

        @Argument(
            help: "The limit's key.", transform: { try ArgumentText.identifier($0) as LimitKey })
        var limit: LimitKey

        @Option(help: ArgumentHelp("Why.", valueName: "text"))
        var reason = ""

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            let change = Change.resetLimit(subject, limit, reason: reason)
            let outcome = try await OpenStore.with(store) { service in
                try await service.change(
                    ChangeRequest(change: change, author: Changes.author)
                ).outcome
            }
            if case .rejected(let rejection) = outcome { throw CommandFailure(rejection) }
            guard outcome != .missing else {
                throw CommandFailure(.badData, "nothing is known of '\(subject)'")
            }
            Console.write("\(limit) of \(subject) counts anew")
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Delete a limit.")

        @Argument(transform: { try ArgumentText.identifier($0) as LimitKey })
        var key: LimitKey

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            try await Changes.make(.deleteLimit(key), of: "limit \(key)", store)
        }
    }
}
