import MeterstoneCore

/// Forms that say for whom something is in force.
extension PageBuilder {
    /// Of a limit.
    func rollout(_ limit: PageValue, _ key: String) -> Forms.Form {
        let unknown = limit["unknownPlans"].list.compactMap(\.text)
        var text =
            "For all others the limit only says what it would refuse. All three empty: for everybody."
        if !unknown.isEmpty {
            text += " Nobody is on \(unknown.joined(separator: ", ")): there is no such plan yet."
        }
        return .init(
            id: "rollout", heading: "In force for whom?", text: text,
            method: "PATCH", path: "/v1/limits/" + key.inURL,
            fields: Self.fields(of: limit["rollout"], under: "rollout"), button: "Save")
    }

    /// What is in force at all.
    func switches() async throws(PageProblem) -> Forms.Form {
        let known = try await source.find("/v1/switches") ?? .none
        func state(_ name: String, _ label: String, hasShadow: Bool = false) -> Forms.Field {
            .init(
                name: name + "/state", label: label, kind: "select",
                value: known[name]["state"].text ?? "on",
                options: [("on", "On")] + (hasShadow ? [("shadow", "Shadow: refuse nobody")] : [])
                    + [("off", "Off")])
        }
        var fields: [Forms.Field] = []
        for (name, label) in [
            ("tracking", "Tracking"), ("limits", "Limits"), ("credits", "Credits"),
        ] {
            fields.append(state(name, label, hasShadow: name == "limits"))
            fields += Self.fields(
                of: known[name]["rollout"], under: name + "/rollout", of: label + ": ")
        }
        fields.append(state("analytics", "Reports"))
        return .init(
            id: "switches", heading: "What is in force?",
            text:
                "What is on is on for those named beside it; where nobody is named, for everybody. "
                + "A setting of the environment comes before these.",
            method: "PUT", path: "/v1/switches", fields: fields, button: "Save",
            question: "Change this from now on?")
    }

    /// - Parameters:
    ///   - path: where it stands in the body.
    ///   - label: before the label of each field.
    private static func fields(
        of rollout: PageValue, under path: String, of label: String = ""
    ) -> [Forms.Field] {
        func labelled(_ words: String) -> String {
            label.isEmpty ? words.prefix(1).uppercased() + words.dropFirst() : label + words
        }
        func list(_ name: String, _ words: String, _ hint: String) -> Forms.Field {
            .init(
                name: "\(path)/\(name)", label: labelled(words), kind: "list",
                value: rollout[name].list.compactMap(\.text).joined(separator: ", "), hint: hint)
        }
        return [
            .init(
                name: path + "/percent", label: labelled("percent of teams"), kind: "number",
                value: rollout["percent"].integer.map { String($0) } ?? "", hint: "0 to 100"),
            list("plans", "plans", "free, pro"),
            list("subjects", "subjects", "acme-*, !acme-test"),
        ]
    }
}
