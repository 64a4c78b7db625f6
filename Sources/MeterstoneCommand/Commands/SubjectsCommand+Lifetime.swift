import ArgumentParser
import Meterstone
import MeterstoneAPI
import MeterstoneCore

extension SubjectsCommand {
    /// `meterstone subjects lifetime`.
    struct Lifetime: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what a subject did since the beginning.")

        @Argument(transform: { try ArgumentText.identifier($0) as SubjectID })
        var id: SubjectID

        @OptionGroup var store: ServiceArguments
        @OptionGroup var output: OutputArguments

        func run() async throws {
            let found = try await OpenStore.with(store) { try await $0.lifetime(of: id) }
            guard let statistics = found else {
                throw CommandFailure(.badData, "nothing is known of '\(id)'")
            }
            guard output.json else { return Console.write(Self.table(statistics)) }
            var writer = JSONWriter()
            writer.object(statistics, Shapes.lifetime)
            Console.write(json: writer.bytes)
        }

        private static func table(_ statistics: LifetimeStatistics) -> String {
            var table = TextTable(["subject", statistics.subject.text])
            for meter in statistics.meters {
                let month = "\(meter.lifetime), \(meter.thisMonth) this month"
                table.add([meter.meter.text, month])
            }
            table.add(["days active", "\(statistics.streaks.daysActive)"])
            table.add(["current streak", "\(statistics.streaks.currentStreak)"])
            table.add(["longest streak", "\(statistics.streaks.longestStreak)"])
            table.add(["first activity", statistics.firstActivityAt?.rfc3339 ?? ""])
            table.add(["last activity", statistics.lastActivityAt?.rfc3339 ?? ""])
            if let sessions = statistics.sessions {
                table.add(["sessions", "\(sessions.completed)"])
                table.add(["average length", sessions.averageLength?.decimal ?? ""])
                table.add(["longest", sessions.longest?.description ?? ""])
                table.add(["sessions a month", sessions.averagePerMonth?.decimal ?? ""])
            }
            for (limit, units) in statistics.overages.sorted(by: { $0.key < $1.key }) {
                table.add(["beyond \(limit)", "\(units)"])
            }
            table.add(["plan at last use", statistics.planAtLastUse?.text ?? ""])
            table.add(["plan", statistics.plan?.text ?? ""])
            table.add(["highest plan", statistics.highestPlan?.text ?? ""])
            table.add(["months subscribed", "\(statistics.monthsSubscribed)"])
            table.add(["revenue", Answers.text(statistics.revenue)])
            for milestone in statistics.milestones ?? [] {
                table.add([milestone.key.text, milestone.reachedAt.rfc3339])
            }
            return table.text
        }
    }
}
