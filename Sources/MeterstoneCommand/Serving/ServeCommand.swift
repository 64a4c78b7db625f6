import ArgumentParser

/// `meterstone serve`.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve the HTTP API until SIGTERM or SIGINT, which finish what was accepted.",
        discussion: """
            The administrator's key comes from METERSTONE_ADMIN_KEY, or from the file that \
            METERSTONE_ADMIN_KEY_FILE names; without one the server binds to loopback only. Every other \
            setting also comes from the environment and from the file in --config; flags come first. \
            `meterstone config show` tells what is set and by whom.
            """)

    @OptionGroup var settings: ServeArguments
    @OptionGroup var store: StoreArguments

    func run() async throws {
        try await Serving(try settings.settings(store)).run()
    }
}
