import ArgumentParser
import Foundation
import Logging
import Meterstone
import MeterstoneCore
import MeterstoneServer
import ServiceLifecycle

/// `meterstone serve`.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve the HTTP API until SIGTERM or SIGINT, which finish what was accepted.",
        discussion: """
            The administrator's key comes from METERSTONE_ADMIN_KEY; without one the server binds to \
            loopback only. Every setting also comes from the environment (METERSTONE_…) and from the \
            file in --config; flags come first.
            """)

    @Option(help: "The address to bind to (METERSTONE_HOST; default \(Settings.hostDefault)).")
    var host: String?

    @Option(
        help: "The port; 0 takes a free one (METERSTONE_PORT; default \(Settings.portDefault)).")
    var port: Int?

    @Option(
        help: ArgumentHelp(
            "A blueprint to apply at start-up (METERSTONE_BLUEPRINT).", valueName: "name-or-file"))
    var blueprint: String?

    @Option(
        help: ArgumentHelp(
            "trace, debug, info, notice, warning, error or critical (METERSTONE_LOG_LEVEL).",
            valueName: "level"))
    var logLevel: String?

    @OptionGroup var store: StoreArguments

    func run() async throws {
        var flags = store.flags
        flags.host = host
        flags.port = port
        flags.blueprint = blueprint
        flags.logLevel = logLevel
        let environment = ProcessInfo.processInfo.environment
        let settings = try await Settings(flags, environment: environment)
        try await Serving(settings).run()
    }
}
