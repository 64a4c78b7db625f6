/// Where a setting's value came from.
package enum SettingOrigin: Hashable, Sendable, CustomStringConvertible {
    case flag(String)
    case variable(String)
    case file(String)
    case standard

    package var description: String {
        switch self {
        case .flag(let name): name
        case .variable(let name): name
        case .file(let path): path
        case .standard: "default"
        }
    }

    /// Whether this origin is asked earlier than the other.
    func precedes(_ other: SettingOrigin) -> Bool { rank < other.rank }

    private var rank: Int {
        switch self {
        case .flag: 0
        case .variable: 1
        case .file: 2
        case .standard: 3
        }
    }
}

/// A value and where it came from, so that start-up can show both.
package struct Setting<Value: Sendable>: Sendable {
    package let value: Value
    package let origin: SettingOrigin

    package init(_ value: Value, _ origin: SettingOrigin = .standard) {
        self.value = value
        self.origin = origin
    }
}

extension Setting: Equatable where Value: Equatable {}

extension Setting {
    /// Reads the value as something more exact; the origin stays.
    func map<Other>(_ transform: (Value) throws -> Other) rethrows -> Setting<Other> {
        Setting<Other>(try transform(value), origin)
    }
}
