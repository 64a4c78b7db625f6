import MeterstoneCore

extension PageBuilder {
    /// Who changed what?
    func changes() async throws(PageProblem) -> Page {
        let answer = try await cursorPage(
            "/v1/changes?count=", 50, of: "changes", table: "changes")
        return Page(
            title: "Audit log", question: "Who changed what, and when?",
            sections: [
                .table(
                    Table(
                        id: "changes", heading: "Changes", note: "Newest first",
                        columns: [
                            .init(key: "recordedAt", label: "When"),
                            .init(key: "author", label: "Who"),
                            .init(key: "kind", label: "What"), .init(key: "key", label: "Of"),
                            .init(key: "changed", label: "Change"),
                            .init(key: "sequence", label: "Number", isNumber: true),
                        ],
                        rows: answer.rows.map { change in
                            let key = change["key"].text ?? ""
                            let kind = change["kind"].text ?? ""
                            return [
                                Table.Cell(
                                    Format.time(change["recordedAt"].instant),
                                    by: change["recordedAt"].text ?? ""),
                                Table.Cell(change["author"].text ?? "—"),
                                Table.Cell(Format.words(kind)),
                                Table.Cell(key, link: Self.link(kind, key)),
                                Table.Cell(
                                    Self.difference(change["before"], change["after"])),
                                .count(change["sequence"].integer),
                            ]
                        },
                        empty: Notice(
                            heading: "Nothing was changed",
                            text: "Each write of a rule or a subject stands here."),
                        cursor: answer.cursor))
            ], live: "/v1/live", place: "/admin/changes")
    }

    private static func link(_ kind: String, _ key: String) -> String? {
        switch kind {
        case "limit": "/admin/limits/" + key.inURL
        case "plan": "/admin/plans/" + key.inURL
        case "subject", "subscription", "override", "addition", "limitReset", "creditGrant":
            subjectLink(String(key.split(separator: "/").first ?? ""))
        default: nil
        }
    }

    /// The members that differ, in a line: `allowance 10 → 20`.
    private static func difference(_ before: PageValue, _ after: PageValue) -> String {
        if before == .none, after != .none { return "created" }
        if after == .none, before != .none { return "deleted" }
        let names = Set(before.members.keys).union(after.members.keys).sorted()
        let parts = names.filter { before[$0] != after[$0] && $0 != "updatedAt" }.map { name in
            if case .object = after[name] {
                return name + ": " + difference(before[name], after[name])
            }
            return "\(name) \(before[name].short) → \(after[name].short)"
        }
        return parts.isEmpty ? "—" : parts.joined(separator: ", ")
    }

    /// Who may ask the interface?
    func keys() async throws(PageProblem) -> Page {
        let keys = try await source.get("/v1/keys")["keys"].list
        var page = Page(
            title: "Keys", question: "Which programs may call the server?", place: "/admin/keys")
        page.sections.append(
            .table(
                Table(
                    id: "keys", heading: "Keys of the interface",
                    columns: [
                        .init(key: "key", label: "Begins with"), .init(key: "name", label: "Name"),
                        .init(key: "scopes", label: "May"),
                        .init(key: "subject", label: "Only for"),
                        .init(key: "createdAt", label: "Made"),
                        .init(key: "expiresAt", label: "Ends"),
                    ],
                    rows: keys.map { key in
                        let subject = key["subject"].text
                        let ends = key["expiresAt"].instant
                        return [
                            Table.Cell(key["key"].text ?? ""),
                            Table.Cell(key["name"].text ?? "—"),
                            Table.Cell(
                                key["scopes"].list.compactMap(\.text).joined(separator: ", ")),
                            Table.Cell(subject ?? "—", link: subject.map { Self.subjectLink($0) }),
                            Table.Cell(
                                Format.time(key["createdAt"].instant),
                                by: key["createdAt"].text ?? ""),
                            Table.Cell(
                                ends.map { Format.time($0) } ?? "Never",
                                mark: ends.map { $0 <= source.now ? "bad" : "quiet" }),
                        ]
                    },
                    empty: Notice(
                        heading: "No key yet",
                        text:
                            "Make one below for each program. The first with the scope admin ends "
                            + "the time in which nobody is asked for a key."))))
        page.sections.append(
            .forms(
                Forms(
                    heading: "Make a key",
                    forms: [
                        .init(
                            id: "make-key", heading: "A new key",
                            text: "Its secret is shown once, and never again.", method: "POST",
                            path: "/v1/keys",
                            fields: [
                                .init(name: "name", label: "Name", isRequired: true),
                                .init(
                                    name: "scopes[]", label: "May", kind: "select",
                                    value: "consume",
                                    options: [
                                        ("ingest", "Record events"), ("consume", "Consume"),
                                        ("read", "Read"), ("admin", "Everything"),
                                    ], isRequired: true),
                                .init(
                                    name: "expiresAt", label: "Ends", kind: "datetime",
                                    hint: "Empty: never."),
                            ], button: "Make the key"),
                        .init(
                            id: "revoke-key", heading: "Take a key back",
                            text: "The server refuses it at once.", method: "DELETE",
                            path: "/v1/keys/{key}",
                            fields: [
                                .init(
                                    name: "{key}", label: "Key", kind: "select",
                                    options: keys.compactMap { $0["key"].text }.map { ($0, $0) },
                                    isRequired: true)
                            ], button: "Take it back", question: "Refuse this key from now on?",
                            isGrave: true),
                    ])))
        return page
    }

    /// Is the server well?
    func system() async throws(PageProblem) -> Page {
        let metrics = try await source.text("/metrics")
        let ready = try await source.get("/readyz")
        func metric(_ name: String) -> Double? {
            metrics.split(separator: "\n").first { $0.hasPrefix(name + " ") }
                .flatMap { $0.split(separator: " ").last }.flatMap { Double($0) }
        }
        func count(_ name: String) -> String { metric(name).map { Format.number($0) } ?? "—" }
        let decisions = Decisions(metrics)
        var page = Page(
            title: "System", question: "Is the server well?", place: "/admin/system")
        page.sections.append(
            .cards(
                Cards(
                    label: "The server",
                    cards: [
                        .init(
                            label: "State", value: Format.words(ready["status"].text ?? "—"),
                            hint: "as /readyz says"),
                        .init(
                            label: "Allowed", value: Format.number(decisions.allowed),
                            hint: "since the server started"),
                        .init(
                            label: "Refused", value: Format.number(decisions.refused),
                            hint: "since the server started"),
                        .init(
                            label: "Behind",
                            value: (metric("meterstone_projection_lag_seconds")
                                .map { Format.number($0) } ?? "—") + " s",
                            hint: "the tables, of the journal"),
                        .init(
                            label: "Connections", value: count("meterstone_http_connections"),
                            hint: "open now"),
                    ])))
        var forms = source.mayChange ? [try await switches()] : []
        guard let backups = try await source.find("/v1/backups") else {
            if source.mayChange {
                page.sections.append(
                    .notice(
                        Notice(
                            heading: "Nobody makes backups",
                            text:
                                "Name the folder that they go into, and start the server again. On "
                                + "PostgreSQL its own tools make them; a follower makes none.",
                            code: "METERSTONE_BACKUPS=/var/backups/meterstone")))
                page.sections.append(.forms(Forms(heading: "Change it", forms: forms)))
            }
            return page
        }
        page.sections.append(
            .table(
                Table(
                    id: "backups", heading: "Backups", note: "Newest first",
                    columns: [
                        .init(key: "name", label: "Backup"), .init(key: "madeAt", label: "Made"),
                        .init(key: "bytes", label: "Bytes", isNumber: true),
                    ],
                    rows: backups["backups"].list.map { one in
                        [
                            Table.Cell(one["name"].text ?? ""),
                            Table.Cell(
                                Format.time(one["madeAt"].instant), by: one["madeAt"].text ?? ""),
                            .count(one["bytes"].integer),
                        ]
                    },
                    empty: Notice(
                        heading: "No backup yet", text: "Make the first one below."))))
        guard source.mayChange else { return page }
        forms.append(
            .init(
                id: "backup", heading: "A backup now",
                text: "It is made beside what goes on, and verified.", method: "POST",
                path: "/v1/backups", fields: [], button: "Make a backup"))
        page.sections.append(.forms(Forms(heading: "Change it", forms: forms)))
        return page
    }

    func signIn() -> Page {
        Page(title: "Sign in", question: "", place: Pages.signInPath)
    }
}

extension PageValue {
    /// In a few characters.
    fileprivate var short: String {
        switch self {
        case .none: "nothing"
        case .flag(let flag): flag ? "yes" : "no"
        case .integer(let number): String(number)
        case .number(let number): String(number)
        case .text(let text): text
        case .list(let values): "[" + values.map(\.short).joined(separator: ", ") + "]"
        case .object(let members): "{\(members.keys.sorted().joined(separator: ", "))}"
        }
    }
}
