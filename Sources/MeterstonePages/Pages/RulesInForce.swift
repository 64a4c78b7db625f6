import MeterstoneCore

/// What stands in the store and what is in force are two things where the environment or a switch says otherwise.
extension PageBuilder {
    /// What a limit allows under a plan now.
    static func allowance(of limit: PageValue, under plan: String) -> Int64 {
        limit["effectiveAllowances"][plan].integer ?? limit["allowances"][plan].integer
            ?? limit["defaultAllowance"].integer ?? -1
    }

    /// What comes before the rules that a page shows; `nil`: nothing does.
    static func inForce(_ rules: [PageValue]) -> Section? {
        let names = Set(rules.flatMap { $0["overriddenBy"].list.compactMap(\.text) }).sorted()
        guard !names.isEmpty else { return nil }
        return .notice(
            Notice(
                heading: "Something else is in force",
                text: "This comes before what is stored, and is what you see here: "
                    + names.joined(separator: ", ")
                    + ". A form shows and changes what is stored.",
                link: names.contains("switches") ? ("The switches", "/admin/system") : nil,
                kind: "bad"))
    }

    /// What else a limit says, for whoever has to know why it decides as it does.
    static func terms(of limit: PageValue) -> [(String, String, String?)] {
        let names = [
            ("per", "Counted for each"), ("values", "Values"), ("dimensions", "Only where"),
            ("subjects", "Only for"), ("rollover", "Keeps"), ("debt", "Owes"),
            ("addOns", "Add-ons"), ("scheduled", "Changes"), ("fallback", "Instead"),
            ("unknown", "Without a price"), ("rollout", "Rolled out to"),
        ]
        return names.compactMap { name, label in
            let text = limit[name].plain
            return text.isEmpty ? nil : (label, text, nil)
        }
    }
}

extension PageValue {
    /// In one line, names before values: `model gpt-4, region eu`.
    fileprivate var plain: String {
        switch self {
        case .none: ""
        case .flag(let flag): flag ? "yes" : "no"
        case .integer, .number: Format.number(self)
        case .text(let text): text
        case .list(let values): values.map(\.plain).joined(separator: "; ")
        case .object(let members):
            members.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.plain)" }
                .joined(separator: ", ")
        }
    }
}
