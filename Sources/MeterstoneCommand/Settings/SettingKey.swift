/// One thing that can be set, with the type of its value. Declared once, in ``SettingTable``.
package struct SettingKey<Value: Sendable>: Sendable {
    package let facts: SettingFacts
    /// What holds where nothing is said.
    let standard: Value
    /// `nil`: the text is not of the form that ``SettingFacts/expectation`` states.
    let read: @Sendable (String) -> Value?
}

/// What is told of a setting, whatever the type of its value.
package struct SettingFacts: Sendable {
    package enum Kind: Sendable {
        case text, wholeNumber, flag
    }

    /// Where a setting may be said.
    package struct Places: OptionSet, Sendable {
        package let rawValue: Int

        package init(rawValue: Int) { self.rawValue = rawValue }

        package static let flag = Places(rawValue: 1)
        package static let variable = Places(rawValue: 2)
        package static let file = Places(rawValue: 4)
    }

    /// The path in the file, from which the other names are made: `usage.limitsEnforced`.
    package let name: String
    package let kind: Kind
    package var places: Places = [.flag, .variable, .file]
    /// The default, as it is shown.
    package let standard: String
    package var unit: String?
    /// What a value has to be, as the end of a sentence: `a whole number from 0 to 65535`.
    package let expectation: String
    /// Whether values must not be seen. Such a setting may also be the content of a file, which the
    /// variable with `_FILE` behind its name leads to.
    package var isSecret = false
    /// What other programs call the same; asked after its own variable.
    package var otherVariables: [String] = []
    /// What it is, in one sentence.
    package let sentence: String
    /// How help calls the value, where the flag's name does not say it.
    package var valueName: String?
    package let isUsable: @Sendable (String) -> Bool

    /// `--default-time-zone`.
    package var flag: String {
        "--" + name.words(separatedBy: "-")
    }

    /// `METERSTONE_DEFAULT_TIME_ZONE`. Usage and credits are named as in the applications that the
    /// product was made for: `USAGE_LIMITS_ENFORCED`.
    package var variable: String {
        let own = name.words(separatedBy: "_").uppercased()
        return name.hasPrefix("usage.") || name.hasPrefix("credits.") ? own : "METERSTONE_" + own
    }

    package var fileVariable: String? { isSecret ? variable + "_FILE" : nil }

    /// All names in the environment.
    package var variables: [String] {
        places.contains(.variable)
            ? [variable] + (fileVariable.map { [$0] } ?? []) + otherVariables
            : []
    }
}

extension String {
    /// `usage.limitsEnforced` as `usage-limits-enforced`.
    package func words(separatedBy separator: String) -> String {
        map { $0 == "." ? separator : $0.isUppercase ? separator + $0.lowercased() : String($0) }
            .joined()
    }
}

extension SettingKey where Value == Int {
    init(
        _ name: String, in range: ClosedRange<Int>, standard: Int, unit: String? = nil,
        _ sentence: String
    ) {
        let read = Int.reading(range)
        self.standard = standard
        self.read = read
        facts = SettingFacts(
            name: name, kind: .wholeNumber, standard: String(standard), unit: unit,
            expectation: Int.expectation(range), sentence: sentence, isUsable: { read($0) != nil })
    }
}

extension SettingKey where Value == Int? {
    /// - Parameter absence: what it means to leave it out.
    init(
        _ name: String, in range: ClosedRange<Int>, absence: String, unit: String,
        _ sentence: String
    ) {
        let read = Int.reading(range)
        standard = nil
        self.read = { read($0).map { .some($0) } }
        facts = SettingFacts(
            name: name, kind: .wholeNumber, standard: absence, unit: unit,
            expectation: Int.expectation(range), sentence: sentence, isUsable: { read($0) != nil })
    }
}

extension Int {
    fileprivate static func expectation(_ range: ClosedRange<Int>) -> String {
        "a whole number from \(range.lowerBound) to \(range.upperBound)"
    }

    fileprivate static func reading(_ range: ClosedRange<Int>) -> @Sendable (String) -> Int? {
        { text in Int(text).flatMap { range.contains($0) ? $0 : nil } }
    }
}

extension SettingKey where Value == Bool {
    init(_ name: String, standard: Bool, _ sentence: String) {
        self.standard = standard
        read = { Bool(word: $0) }
        facts = .flag(name, standard: String(standard), sentence)
    }
}

extension SettingKey where Value == Bool? {
    init(_ name: String, absence: String, _ sentence: String) {
        standard = nil
        read = { Bool(word: $0).map { .some($0) } }
        facts = .flag(name, standard: absence, sentence)
    }
}

extension SettingFacts {
    fileprivate static func flag(
        _ name: String, standard: String, _ sentence: String
    ) -> SettingFacts {
        SettingFacts(
            name: name, kind: .flag, standard: standard, expectation: "true or false",
            sentence: sentence, valueName: "true|false", isUsable: { Bool(word: $0) != nil })
    }
}

extension Bool {
    fileprivate init?(word: String) {
        switch word.lowercased() {
        case "true", "yes", "1": self = true
        case "false", "no", "0": self = false
        default: return nil
        }
    }
}

extension SettingKey {
    /// A text that is read as something more exact.
    ///
    /// - Parameter shown: the default, as it is shown.
    init(
        _ name: String, standard: Value, shown: String, expectation: String,
        valueName: String? = nil, _ sentence: String, read: @escaping @Sendable (String) -> Value?
    ) {
        self.standard = standard
        self.read = read
        facts = SettingFacts(
            name: name, kind: .text, standard: shown, expectation: expectation, sentence: sentence,
            valueName: valueName, isUsable: { read($0) != nil })
    }

    /// The same setting, which may be said only there.
    func only(_ places: SettingFacts.Places) -> SettingKey {
        var facts = facts
        facts.places = places
        return SettingKey(facts: facts, standard: standard, read: read)
    }

    /// The same setting, which other programs' variables may say, too.
    func also(_ variables: String...) -> SettingKey {
        var facts = facts
        facts.otherVariables = variables
        return SettingKey(facts: facts, standard: standard, read: read)
    }

    /// The same setting, whose values nobody may see.
    var secret: SettingKey {
        var facts = facts
        facts.isSecret = true
        return SettingKey(facts: facts, standard: standard, read: read)
    }
}

extension SettingKey where Value == String {
    init(_ name: String, standard: String, valueName: String? = nil, _ sentence: String) {
        self.init(
            name, standard: standard, shown: standard, expectation: "a text", valueName: valueName,
            sentence, read: { $0 })
    }
}

extension SettingKey where Value == String? {
    init(_ name: String, valueName: String? = nil, _ sentence: String) {
        self.init(
            name, standard: nil, shown: "none", expectation: "a text", valueName: valueName,
            sentence, read: { .some($0) })
    }
}

/// A key of any type.
private protocol DeclaredSetting {
    var facts: SettingFacts { get }
}

extension SettingKey: DeclaredSetting {}

extension SettingTable {
    package static let shared = SettingTable()

    /// Every setting, in the order of the declarations.
    package static let all = Mirror(reflecting: shared).children.compactMap {
        ($0.value as? any DeclaredSetting)?.facts
    }
}
