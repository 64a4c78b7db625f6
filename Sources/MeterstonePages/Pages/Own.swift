import MeterstoneCore

extension PageBuilder {
    /// A person's own page, with a token of theirs: `/me`.
    func own() async throws(PageProblem) -> Page {
        try await own("/v1/me", place: "/me").page
    }

    /// The same page as an administrator sees it. Nothing is done in the person's name.
    func view(of segment: String) async throws(PageProblem) -> Page {
        var (page, id) = try await own("/v1/subjects/" + segment, place: "/admin/subjects")
        page.title = "What \(id) sees"
        page.crumbs = [("Subjects", "/admin/subjects"), (id, Self.subjectLink(id))]
        page.sections.insert(
            .notice(
                Notice(
                    heading: "This is the page of \(id)",
                    text: "It shows what they see under /me. You look at it as yourself.")), at: 0)
        return page
    }

    private func own(
        _ path: String, place: String
    ) async throws(PageProblem) -> (page: Page, subject: String) {
        let subject = try await source.find(path) ?? .none
        let lifetime = try await source.get(path + "/lifetime")
        let id = lifetime["subject"].text ?? ""
        var page = Page(
            title: "Your usage", question: "What is left, and until when?", live: path + "/live",
            place: place)
        page.sections += try await standing(
            path, id: id, subject: subject, plan: lifetime["plan"].text ?? "none", isOwn: true)
        page.sections += try await creditTables(path)
        page.sections.append(.table(try await eventTable(path + "/events", id: "events")))
        return (page, id)
    }
}
