/// The reference page of all settings, made of their declarations.
package enum SettingReference {
    package static var page: String {
        var lines = [
            "# Settings", "",
            "This page is written by `meterstone config reference`; what it says stands in the program.",
            "How the places go together, and what the settings do beyond their sentence, says",
            "[configuration](configuration.md).", "",
            "| in the file | flag of `serve` | variable | default | value | |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        for facts in SettingTable.all {
            let places = facts.places
            lines.append(
                row([
                    places.contains(.file) ? code(facts.name) : "",
                    places.contains(.flag) ? code(facts.flag) : "",
                    facts.variables.map(code).joined(separator: ", "),
                    facts.isQuoted ? code(facts.standard) : facts.standard,
                    facts.expectation + (facts.unit.map { ", in \($0)" } ?? ""), facts.sentence,
                ]))
        }
        lines += [
            "",
            "Variables whose names end with keys, in upper case and with `_` for everything that is",
            "not a letter or a digit:", "", "| variable | default | value | |",
            "| --- | --- | --- | --- |",
        ]
        for kind in VariableOverride.Kind.allCases {
            lines.append(row([code(kind.form), kind.standard, kind.expectation, kind.sentence]))
        }
        return lines.joined(separator: "\n")
    }

    private static func row(_ cells: [String]) -> String {
        let texts = cells.map { $0.isEmpty ? " " : " \($0.replacing("|", with: "\\|")) " }
        return "|" + texts.joined(separator: "|") + "|"
    }

    private static func code(_ text: String) -> String { "`\(text)`" }
}

extension SettingFacts {
    /// Whether the default could be written as it stands.
    fileprivate var isQuoted: Bool { isUsable(standard) && standard != "none" }
}
