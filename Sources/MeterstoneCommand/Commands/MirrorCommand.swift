import ArgumentParser
import Meterstone
import MeterstoneAPI
import MeterstoneMirror
import MeterstoneStore
import UnixSignals

/// `meterstone mirror`.
struct MirrorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mirror",
        abstract: "Keep plain SQL tables up with the store, for people and programs to query.",
        discussion: """
            Writes events, usage, subjects, limits, credits and changes into an SQLite file or a PostgreSQL \
            database, and views under the names that applications use, such as user_usage. A mirror that was \
            stopped goes on where it was. While a server owns an embedded store, let the server keep the mirror \
            up: METERSTONE_MIRROR.
            """)

    @Option(
        help: ArgumentHelp("The mirror, sqlite:FILE or postgres://….", valueName: "url"))
    var to: String

    @Flag(help: "Go on with new facts until SIGTERM or SIGINT.")
    var follow = false

    @Flag(help: "Make the mirror anew from the first fact.")
    var startOver = false

    @OptionGroup var store: StoreArguments
    @OptionGroup var output: OutputArguments

    func run() async throws {
        guard let location = MirrorLocation(url: to) else {
            throw CommandFailure(.usage, "--to: expected \(MirrorLocation.expectation)")
        }
        let advice = "\(OpenStore.stopIt), or let it keep the mirror up: METERSTONE_MIRROR"
        try await OpenStore.with(store, for: .source, whileServed: advice) { engine in
            let follower = MirrorFollower(engine, to: location, startsOver: startOver)
            do {
                let began = ContinuousClock.now
                let progress = try await follower.catchUp()
                tell(progress, location, ContinuousClock.now - began)
                if follow { try await keepUp(follower) }
            } catch {
                await follower.close()
                throw error
            }
            await follower.close()
        }
    }

    private func tell(
        _ progress: MirrorFollower.Progress, _ location: MirrorLocation, _ duration: Duration
    ) {
        let milliseconds =
            duration.components.seconds * 1_000
            + duration.components.attoseconds / 1_000_000_000_000_000
        guard output.json else {
            let seconds = "\(milliseconds / 1_000).\(milliseconds % 1_000 / 100)"
            Console.write(
                "\(progress.facts) facts in \(seconds) seconds; \(location) has everything up to "
                    + "fact \(progress.watermark)")
            return
        }
        var writer = JSONWriter()
        writer.beginObject()
        writer.name("facts")
        writer.integer(Int64(progress.facts))
        writer.name("watermark")
        writer.integer(progress.watermark)
        writer.name("milliseconds")
        writer.integer(milliseconds)
        writer.endObject()
        Console.write(json: writer.bytes)
    }

    private func keepUp(_ follower: MirrorFollower) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while !Task.isCancelled {
                    _ = try await follower.catchUp()
                    try? await Task.sleep(for: .milliseconds(500))
                }
            }
            group.addTask {
                for await _ in await UnixSignalsSequence(trapping: .sigterm, .sigint) { return }
            }
            try await group.next()
            group.cancelAll()
        }
    }
}
