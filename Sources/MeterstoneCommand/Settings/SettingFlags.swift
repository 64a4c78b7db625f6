import Configuration

/// What was said on the command line about settings; `nil` where nothing was.
package struct SettingFlags: Sendable {
    package var host: String?
    package var port: Int?
    package var data: String?
    package var store: String?
    package var blueprint: String?
    package var logLevel: String?
    /// The configuration file itself, which no other source can name but the environment.
    package var config: String?

    package init() {}

    var contents: [String: ConfigContent] {
        var contents: [String: ConfigContent] = [:]
        contents["host"] = host.map { .string($0) }
        contents["port"] = port.map { .int($0) }
        contents["data"] = data.map { .string($0) }
        contents["store"] = store.map { .string($0) }
        contents["blueprint"] = blueprint.map { .string($0) }
        contents["logLevel"] = logLevel.map { .string($0) }
        return contents
    }
}
