import ArgumentParser
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// `meterstone what-if`.
struct WhatIfCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "what-if",
        abstract: "Tell what would have been refused, had limits or plans been others.",
        discussion: """
            Plays the usage of a past span again, by the rules that decide, and changes nothing. \
            Only the limits that are named refuse; with --all-limits, or when none is named, \
            every limit that enforces.
            """)

    @Option(
        help: ArgumentHelp(
            """
            An allowance that would have been another; -1 is unlimited. Without a plan for every \
            plan, without a number as it is, enforcing; repeat for more.
            """, valueName: "key[.plan][=n]"),
        transform: { try NamedAllowance($0) })
    var limit: [NamedAllowance] = []

    @Option(
        help: ArgumentHelp(
            "A plan that a subject would have been on; repeat for more.",
            valueName: "subject=plan"),
        transform: { try ArgumentText.subjectPlan($0) })
    var plan: [WhatIfQuestion.PlanChange] = []

    @Flag(help: "Let limits that are not named refuse as well, if they enforce.")
    var allLimits = false

    @Option(
        help: ArgumentHelp("The start (default: the beginning).", valueName: "time"),
        transform: { try ArgumentText.instant($0) })
    var from: Instant?

    @Option(
        help: ArgumentHelp("The end, which is not included (default: the end).", valueName: "time"),
        transform: { try ArgumentText.instant($0) })
    var until: Instant?

    @Option(
        help: ArgumentHelp(
            "Whose days refusals are counted by (default: the default time zone).",
            valueName: "zone"))
    var timeZone: String?

    @Option(
        help: ArgumentHelp(
            "How many of the most refused subjects to list (default: 10).", valueName: "n"))
    var subjects: Int?

    @Option(
        help: ArgumentHelp(
            "How many refusals to list, the oldest first (default: 0).", valueName: "n"))
    var refusals: Int?

    @Option(
        help: ArgumentHelp(
            "The whole question as JSON, as POST /v1/what-if takes it: also limits that there "
                + "are not.", valueName: "json"))
    var question: String?

    @OptionGroup var store: ServiceArguments
    @OptionGroup var output: OutputArguments

    func validate() throws {
        let isInArguments =
            !limit.isEmpty || !plan.isEmpty || allLimits || from != nil || until != nil
            || timeZone != nil || subjects != nil || refusals != nil
        guard question == nil || !isInArguments else {
            throw ValidationError("--question holds the whole question; leave other options out")
        }
    }

    func run() async throws {
        let outcome = try await OpenStore.with(store) { service in
            try await service.whatIf(try await question(service))
        }
        switch outcome {
        case .rejected(let rejection): throw CommandFailure(rejection)
        case .answered(let answer):
            guard output.json else { return Console.write(Answers.text(answer)) }
            var writer = JSONWriter()
            writer.object(answer, Shapes.whatIf)
            Console.write(json: writer.bytes)
        }
    }

    private func question(_ service: any MeterstoneService) async throws -> WhatIfQuestion {
        if let question { return try WhatIfQuestion(json: Array(question.utf8)) }
        let known = Set(try await service.blueprint().limits.map(\.key))
        return WhatIfQuestion(
            from: from, until: until, allowances: try limit.map { try $0.change(of: known) },
            plans: plan, allLimits: allLimits, timeZone: timeZone,
            subjectsMax: subjects ?? 10, refusalsMax: refusals ?? 0)
    }
}

/// `prompts_daily`, `prompts_daily=8` or `prompts_daily.free=8`.
struct NamedAllowance: Sendable {
    private let name: String
    private let allowance: Allowance?

    init(_ text: String) throws {
        let sign = text.firstIndex(of: "=")
        name = String(text[..<(sign ?? text.endIndex)])
        guard LimitKey(name) != nil else {
            throw ValidationError("expected KEY, KEY=NUMBER or KEY.PLAN=NUMBER")
        }
        allowance = try sign.map { try ArgumentText.allowance(String(text[$0...].dropFirst())) }
    }

    /// Keys may have dots in them: the longest that is a limit's is the limit.
    func change(of known: Set<LimitKey>) throws -> WhatIfQuestion.AllowanceChange {
        var end = name.endIndex
        while let limit = LimitKey(String(name[..<end])) {
            if known.contains(limit) {
                let plan = String(name[end...].dropFirst())
                return WhatIfQuestion.AllowanceChange(
                    limit: limit, plan: plan.isEmpty ? nil : PlanKey(plan), allowance: allowance)
            }
            guard let dot = name[..<end].lastIndex(of: "."), dot > name.startIndex else { break }
            end = dot
        }
        throw CommandFailure(.badData, "no limit is called '\(name)'")
    }
}

extension ArgumentText {
    /// `ann=pro`.
    static func subjectPlan(_ text: String) throws -> WhatIfQuestion.PlanChange {
        guard let sign = text.lastIndex(of: "="), let subject = SubjectID(String(text[..<sign])),
            let plan = PlanKey(String(text[sign...].dropFirst()))
        else { throw ValidationError("expected SUBJECT=PLAN") }
        return WhatIfQuestion.PlanChange(subject: subject, plan: plan)
    }
}
