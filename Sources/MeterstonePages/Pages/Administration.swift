import MeterstoneCore

extension PageBuilder {
    /// Who may sign in here?
    func administrators() async throws(PageProblem) -> Page {
        let all = try await source.get("/v1/administrators")["administrators"].list
        var page = Page(
            title: "Administrators", question: "Who may sign in here, and do what?",
            sections: [.table(Self.administrators(all))], place: "/admin/administrators")
        page.hasActions = true
        let emails = all.compactMap { $0["email"].text }
        page.sections.append(
            .forms(Forms(heading: "Actions", forms: Self.administratorForms(emails))))
        return page
    }

    private static func administrators(_ all: [PageValue]) -> Table {
        Table(
            id: "administrators", heading: "Accounts",
            columns: [
                .init(key: "email", label: "E-mail"), .init(key: "name", label: "Name"),
                .init(key: "role", label: "May"), .init(key: "state", label: "State"),
                .init(key: "code", label: "Code of a telephone"),
                .init(key: "lastSignInAt", label: "Signed in last"),
            ],
            rows: all.map { one in
                let isActive = one["active"].isTrue
                let isInvited = one["invitedUntil"].instant != nil && !one["hasPassword"].isTrue
                return [
                    Table.Cell(one["email"].text ?? ""), Table.Cell(one["name"].text ?? "—"),
                    Table.Cell(Format.words(one["role"].text ?? "")),
                    isActive
                        ? Table.Cell(
                            isInvited ? "Invited" : "Active", mark: isInvited ? nil : "good")
                        : Table.Cell("Kept out", mark: "bad"),
                    Table.Cell(one["asksForCode"].isTrue ? "Asked for" : "No"),
                    Table.Cell(
                        one["lastSignInAt"].instant.map { Format.time($0) } ?? "Never",
                        by: one["lastSignInAt"].text ?? ""),
                ]
            },
            empty: Notice(
                heading: "Nobody yet",
                text: "Invite the first below, or on the machine of the server.",
                code: "meterstone admin invite ann@example.com --role owner"))
    }

    private static func administratorForms(_ emails: [String]) -> [Forms.Form] {
        let role = Forms.Field(
            name: "role", label: "May", kind: "select",
            options: [
                ("viewer", "Look (viewer)"), ("operator", "Change (operator)"),
                ("owner", "Everything (owner)"),
            ], isRequired: true)
        var forms: [Forms.Form] = [
            .init(
                id: "invite", heading: "Invite",
                text: "The answer is the invitation, shown once: a link to choose a password.",
                method: "POST", path: "/v1/administrators",
                fields: [
                    .init(name: "email", label: "E-mail", isRequired: true), role,
                    .init(name: "name", label: "Name"),
                ], button: "Invite")
        ]
        guard !emails.isEmpty else { return forms }
        let who = choice("{email}", "Who", emails)
        forms += [
            .init(
                id: "role", heading: "Another role", method: "PATCH",
                path: "/v1/administrators/{email}", fields: [who, role], button: "Change the role"),
            .init(
                id: "keep-out", heading: "Keep out",
                text: "Their sessions end. The account and what it did stay known.",
                method: "PATCH", path: "/v1/administrators/{email}", fixed: "{\"active\":false}",
                fields: [who], button: "Keep out", question: "Let them sign in no more?",
                isGrave: true),
            .init(
                id: "let-in", heading: "Let in again", method: "PATCH",
                path: "/v1/administrators/{email}", fixed: "{\"active\":true}", fields: [who],
                button: "Let in"),
        ]
        return forms
    }

    /// Which files were taken in?
    func imports() async throws(PageProblem) -> Page {
        let files = try await source.get("/v1/imports")["imports"].list
        return Page(
            title: "Imports", question: "Which files were taken in, and how far?",
            sections: [
                .table(
                    Table(
                        id: "imports", heading: "Files", note: "Newest first",
                        columns: [
                            .init(key: "recordedAt", label: "When"),
                            .init(key: "name", label: "File"),
                            .init(key: "bytes", label: "Bytes", isNumber: true),
                            .init(key: "counted", label: "Rows counted", isNumber: true),
                            .init(key: "state", label: "State"),
                            .init(key: "mapping", label: "Columns"),
                        ],
                        rows: files.map { file in
                            let counted = file["counted"].integer
                            return [
                                Table.Cell(
                                    Format.time(file["recordedAt"].instant),
                                    by: file["recordedAt"].text ?? ""),
                                Table.Cell(file["name"].text ?? ""), .count(file["bytes"].integer),
                                .count(counted),
                                counted == nil
                                    ? Table.Cell("Not at its end", mark: "quiet")
                                    : Table.Cell("Done", mark: "good"),
                                Table.Cell(file["mapping"].text ?? "—"),
                            ]
                        },
                        empty: Notice(
                            heading: "Nothing was imported",
                            text: "Usage of before comes in from CSV, JSON lines or a table.",
                            code:
                                "meterstone import usage.csv --subject user --time at --quantity n")
                    ))
            ], live: "/v1/live", place: "/admin/imports")
    }
}
