import ArgumentParser
import Meterstone
import MeterstoneAPI
import MeterstoneCore

extension SubjectsCommand {
    struct Subscribe: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change the plan of a subject, now or later.",
            discussion: """
                What is not said comes from the policy of the plan. By default a plan of a higher rank \
                applies now, one of a lower rank when the period ends.
                """)

        @Argument(transform: { try ArgumentText.identifier($0) as SubjectID })
        var id: SubjectID

        @Argument(transform: { try ArgumentText.identifier($0) as PlanKey })
        var plan: PlanKey

        @Option(
            help: ArgumentHelp(
                "When: now, periodEnd or an instant.", valueName: "time"),
            transform: { try ArgumentText.changeTime($0) })
        var at: ChangeTime?

        @Option(
            help: "What becomes of usage: keep or reset.",
            transform: { try ArgumentText.choice($0) })
        var usage: UsageAtChange?

        @Option(
            help: "What billing months are counted from: keep or new.",
            transform: { try ArgumentText.choice($0) })
        var anchor: AnchorAtChange?

        @Option(
            help: "What comes of credits: difference, full or nextWindow.",
            transform: { try ArgumentText.choice($0) })
        var credits: CreditsAtChange?

        @Flag(help: "Tell what would be, and change nothing.")
        var preview = false

        @OptionGroup var store: ServiceArguments
        @OptionGroup var output: OutputArguments

        private var change: SubscriptionChange {
            SubscriptionChange(
                plan: plan, at: at, usage: usage, anchor: anchor, credits: credits)
        }

        func run() async throws {
            guard preview else { return try await subscribe() }
            let outcome = try await OpenStore.with(store) {
                try await $0.previewSubscription(of: id, change)
            }
            switch outcome {
            case .rejected(let rejection): throw CommandFailure(rejection)
            case .preview(let preview):
                guard !output.json else {
                    var writer = JSONWriter()
                    writer.object(preview, Shapes.subscriptionPreview)
                    return Console.write(json: writer.bytes)
                }
                Console.write(Self.text(preview))
            }
        }

        private func subscribe() async throws {
            let outcome = try await OpenStore.with(store, for: .mayCreate) { service in
                try await service.change(
                    ChangeRequest(
                        change: .changeSubscription(id, change), author: Changes.author)
                ).outcome
            }
            Console.write(try Changes.text(outcome, of: "subscription of \(id)"))
        }

        private static func text(_ preview: SubscriptionPreview) -> String {
            let start = preview.turn.subscription.startsAt.rfc3339
            var table = TextTable(["limit", "used>", "allowance>", "before>", "until"])
            for after in preview.after {
                let before = preview.before.first { $0.status.limit == after.status.limit }
                let until = after.span.until
                table.add([
                    after.status.limit.text, "\(after.status.used.units)",
                    Answers.text(after.status.allowance.wire),
                    before.map { Answers.text($0.status.allowance.wire) } ?? "",
                    until == WindowSpan.lifetime.until ? "" : until.rfc3339,
                ])
            }
            var lines = ["\(preview.turn.subscription.plan) from \(start)"]
            if !table.isEmpty { lines.append(table.text) }
            if preview.creditsBefore != preview.creditsAfter {
                lines.append("credits: \(preview.creditsBefore), then \(preview.creditsAfter)")
            }
            for charge in preview.charges {
                lines.append(
                    "paid: \(Answers.text(charge.price)) for \(charge.plan) at "
                        + charge.periodFrom.rfc3339)
            }
            return lines.joined(separator: "\n")
        }
    }

    struct Subscriptions: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List a subject's subscriptions: past, current and scheduled.")

        @Argument(transform: { try ArgumentText.identifier($0) as SubjectID })
        var id: SubjectID

        @OptionGroup var store: ServiceArguments
        @OptionGroup var output: OutputArguments

        func run() async throws {
            let periods = try await OpenStore.with(store) {
                try await $0.subscriptions(of: id) ?? []
            }
            guard !output.json else {
                var writer = JSONWriter()
                writer.object(periods, Shapes.subscriptionPeriods)
                return Console.write(json: writer.bytes)
            }
            var table = TextTable(["plan", "state", "status", "from", "until"])
            for period in periods {
                table.add([
                    period.subscription.plan.text, period.state.rawValue, period.status.rawValue,
                    period.from?.rfc3339 ?? "", period.until?.rfc3339 ?? "",
                ])
            }
            Console.write(table.isEmpty ? "no subscriptions" : table.text)
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Cancel changes of plan that are scheduled.")

        @Argument(transform: { try ArgumentText.identifier($0) as SubjectID })
        var id: SubjectID

        @Option(
            help: ArgumentHelp(
                "The start of the one to cancel; all without it.", valueName: "instant"),
            transform: { try ArgumentText.instant($0) })
        var startsAt: Instant?

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            try await Changes.make(
                .cancelScheduled(id, startsAt: startsAt), of: "scheduled subscription of \(id)",
                store)
        }
    }

    struct Features: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List what a subject's plan says of every feature.")

        @Argument(transform: { try ArgumentText.identifier($0) as SubjectID })
        var id: SubjectID

        @OptionGroup var store: ServiceArguments
        @OptionGroup var output: OutputArguments

        func run() async throws {
            let features = try await OpenStore.with(store) { try await $0.features(of: id) }
            guard !output.json else {
                var writer = JSONWriter()
                writer.object(features, Shapes.subjectFeatures)
                return Console.write(json: writer.bytes)
            }
            var table = TextTable(["feature", "value"])
            for (name, value) in features.features.sorted(by: { $0.key < $1.key }) {
                table.add([name, value.text])
            }
            Console.write(table.isEmpty ? "no features" : table.text)
        }
    }
}

extension PlanFeature {
    fileprivate var text: String {
        switch self {
        case .flag(let flag): flag ? "yes" : "no"
        case .number(let number): String(number)
        case .text(let text): text
        }
    }
}
