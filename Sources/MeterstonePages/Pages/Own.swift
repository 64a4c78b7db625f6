import MeterstoneCore

extension PageBuilder {
    /// A person's own page, with a token of theirs: `/me`.
    func own() async throws(PageProblem) -> Page {
        let path = "/v1/me"
        let subject = try await source.find(path) ?? .none
        let lifetime = try await source.get(path + "/lifetime")
        let id = lifetime["subject"].text ?? ""
        var page = Page(
            title: "Your usage", question: "What is left, and until when?",
            live: path + "/live", place: "/me")
        page.sections += try await standing(
            path, id: id, subject: subject, plan: lifetime["plan"].text ?? "none")
        page.sections += try await creditTables(path)
        page.sections.append(.table(try await eventTable(path + "/events", id: "events")))
        return page
    }
}
