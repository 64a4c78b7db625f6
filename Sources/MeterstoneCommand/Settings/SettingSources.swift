import Configuration

/// Flags, environment and file, in the order in which they are asked.
struct SettingSources {
    private struct Source {
        let provider: any ConfigProvider
        let kind: Kind
    }

    private enum Kind {
        case flags, environment
        case file(String)
    }

    private var sources: [Source] = []

    /// Keys under these names have the same variable names as in the applications that the product
    /// was made for; all others are `METERSTONE_…`.
    private static let unprefixed: Set<String> = ["usage", "credits"]

    private static func isUnprefixed(_ key: AbsoluteConfigKey) -> Bool {
        key.components.first.map { unprefixed.contains($0) } ?? false
    }

    /// Takes the flags' values by key, as `["defaultTimeZone": "UTC"]`.
    init(
        flags: [String: ConfigContent], environment: [String: String], file path: String?
    ) async throws {
        var values: [AbsoluteConfigKey: ConfigValue] = [:]
        for (key, content) in flags {
            values[AbsoluteConfigKey([key])] = ConfigValue(content, isSecret: false)
        }
        add(InMemoryProvider(name: "flags", values: values), .flags)
        // A variable that is set to nothing is what container tools make of one that is not set.
        let variables = environment.filter { !$0.value.isEmpty }
        let provider = EnvironmentVariablesProvider(environmentVariables: variables)
        add(
            KeyMappingProvider(upstream: provider) { key in
                if Self.isUnprefixed(key) { return key }
                return AbsoluteConfigKey(["meterstone"] + key.components)
            }, .environment)
        if let path { add(try await Self.file(path), .file(path)) }
    }

    private mutating func add(_ provider: some ConfigProvider, _ kind: Kind) {
        sources.append(Source(provider: provider, kind: kind))
    }

    private static func file(_ path: String) async throws -> some ConfigProvider {
        try ConfigurationFile.check(path)
        let place = InMemoryProvider(values: [
            "filePath": ConfigValue(.string(path), isSecret: false)
        ])
        do {
            return try await FileProvider<JSONSnapshot>(config: ConfigReader(provider: place))
        } catch {
            throw CommandFailure(.usage, "--config: cannot read '\(path)' as JSON")
        }
    }

    func text(_ key: String) throws -> Setting<String>? {
        try value(key, .string, "a text") { if case .string(let text) = $0 { text } else { nil } }
    }

    func wholeNumber(
        _ key: String, in range: ClosedRange<Int>
    ) throws -> Setting<Int>? {
        let expectation = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        return try value(key, .int, expectation) { content in
            guard case .int(let number) = content, range.contains(number) else { return nil }
            return number
        }
    }

    func flag(_ key: String) throws -> Setting<Bool>? {
        try value(key, .bool, "true or false") {
            if case .bool(let flag) = $0 { flag } else { nil }
        }
    }

    /// The value of the first source that has one. A value that cannot be used is an error, and never
    /// a reason to go on to the next source: somebody meant it.
    private func value<Value: Sendable>(
        _ key: String, _ type: ConfigType, _ expectation: String,
        _ read: (ConfigContent) -> Value?
    ) throws -> Setting<Value>? {
        let path = AbsoluteConfigKey(key.split(separator: ".").map(String.init))
        for source in sources {
            let origin = origin(of: path, in: source)
            let found: ConfigValue?
            do {
                found = try source.provider.value(forKey: path, type: type).value
            } catch {
                throw CommandFailure(.usage, "\(name(origin, key)): expected \(expectation)")
            }
            guard let found else { continue }
            guard let value = read(found.content) else {
                throw CommandFailure(.usage, "\(name(origin, key)): expected \(expectation)")
            }
            return Setting(value, origin)
        }
        return nil
    }

    private func origin(of path: AbsoluteConfigKey, in source: Source) -> SettingOrigin {
        switch source.kind {
        case .flags:
            return .flag("--" + path.components.map(\.kebabCased).joined(separator: "-"))
        case .environment:
            return .variable(Self.variable(path))
        case .file(let path):
            return .file(path)
        }
    }

    /// `METERSTONE_DEFAULT_TIME_ZONE` for `defaultTimeZone`, `USAGE_LIMITS_ENFORCED` for
    /// `usage.limitsEnforced`.
    static func variable(_ key: String) -> String {
        variable(AbsoluteConfigKey(key.split(separator: ".").map(String.init)))
    }

    private static func variable(_ path: AbsoluteConfigKey) -> String {
        let words = path.components.map { $0.snakeCased.uppercased() }
        let prefix = isUnprefixed(path) ? [] : ["METERSTONE"]
        return (prefix + words).joined(separator: "_")
    }

    private func name(_ origin: SettingOrigin, _ key: String) -> String {
        if case .file(let path) = origin { return "\(path): \(key)" }
        return origin.description
    }
}

extension String {
    /// `defaultTimeZone` as `default-time-zone`.
    fileprivate var kebabCased: String { separated(by: "-") }

    /// `defaultTimeZone` as `default_time_zone`.
    fileprivate var snakeCased: String { separated(by: "_") }

    private func separated(by separator: String) -> String {
        map { $0.isUppercase ? separator + $0.lowercased() : String($0) }.joined()
    }
}
