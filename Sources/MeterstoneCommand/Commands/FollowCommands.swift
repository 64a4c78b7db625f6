import ArgumentParser
import Meterstone
import MeterstoneShipping
import MeterstoneStore

/// `meterstone follow`.
struct FollowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "follow",
        abstract: "Keep a copy of a store that is shipped, and serve it for reading.",
        discussion: """
            Example: meterstone follow --from s3://our-bucket/meterstone --data ./follower. The folder is made of \
            the newest whole backup and what was shipped after it, and is kept up as long as the server runs. \
            Whoever writes to it gets 503. `meterstone promote` makes it the store that is written.
            """)

    @Option(help: ArgumentHelp("Where a store is shipped to.", valueName: "place"))
    var from: String

    @OptionGroup var settings: ServeArguments
    @OptionGroup var store: StoreArguments

    func run() async throws {
        try await Serving(try settings.settings(store)).follow(from)
    }
}

/// `meterstone promote`.
struct PromoteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "promote",
        abstract: "Make a follower the store that is written, and fence off the one before.",
        discussion: """
            Example: meterstone promote --from s3://our-bucket/meterstone --data ./follower. Stop `follow` first. \
            It takes what was shipped last and says at the place that it took over. The server that shipped there \
            finds that within ten seconds, and ends. Then: meterstone serve --data ./follower --ship-to \
            s3://our-bucket/meterstone
            """)

    @Option(help: ArgumentHelp("Where the store before is shipped to.", valueName: "place"))
    var from: String

    @OptionGroup var store: StoreArguments

    func run() async throws {
        let settings = try store.settings()
        let place = try Serving.place(from, settings)
        try await OpenStore.with(store, for: .source) { engine in
            do {
                let follower = Follower(engine, from: place, clock: SystemClock.now)
                let epoch = try await follower.promote()
                Console.write(
                    "took over after fact \(epoch.afterSequence), with epoch \(epoch.number) at \(place.name)"
                )
            } catch let error as ShippingError {
                throw CommandFailure(.unavailable, error.message)
            }
        }
    }
}
