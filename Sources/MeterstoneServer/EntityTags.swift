import HTTPTypes
import Hummingbird
import MeterstoneAPI
import MeterstoneCore
import MeterstoneStore

extension HTTPFields {
    /// What `If-Match` and `If-None-Match` ask for; `nil`: nothing.
    func condition() throws(Rejection) -> ChangeCondition? {
        guard self[.ifMatch] != nil || self[.ifNoneMatch] != nil else { return nil }
        // A tag that is only as good as another (`W/"…"`) is never enough to write over something.
        return ChangeCondition(
            match: try states(.ifMatch, weak: false),
            noneMatch: try states(.ifNoneMatch, weak: true))
    }

    private func states(
        _ name: HTTPField.Name, weak: Bool
    ) throws(Rejection) -> ChangeCondition.States? {
        guard let text = self[name] else { return nil }
        if text == "*" { return .any }
        var tags: Set<String> = []
        for part in text.split(separator: ",") {
            var tag = part.drop { $0 == " " }
            while tag.last == " " { tag.removeLast() }
            let isWeak = tag.hasPrefix("W/")
            if isWeak { tag.removeFirst(2) }
            guard tag.utf8.count >= 2, tag.hasPrefix("\""), tag.hasSuffix("\"") else {
                throw .invalid(name.rawName, "* or tags in quotes, as ETag gave them")
            }
            if weak || !isWeak { tags.insert(String(tag.dropFirst().dropLast())) }
        }
        return .tagged(tags)
    }

    /// The tag of a thing as it is stored.
    static func tag(of stored: String?) -> HTTPFields {
        stored.map { [.eTag: "\"\(JSONText(text: $0).tag)\""] } ?? [:]
    }
}

extension Request {
    /// Answers with something that can be written, and its tag; with 304 when the caller has it.
    ///
    /// - Parameters:
    ///   - stored: as it is stored, which is what the tag is of.
    ///   - json: as it is shown.
    func answer(_ stored: some Encodable, _ json: [UInt8]) throws -> Response {
        let headers = HTTPFields.tag(of: try JSONText(stored).text)
        let tag = headers[.eTag].map { String($0.dropFirst().dropLast()) }
        guard try self.headers.condition()?.isMet(by: tag) ?? true else {
            guard self.headers[.ifMatch] == nil else {
                throw Rejection(
                    code: .preconditionFailed, field: "", message: "it is not as If-Match says")
            }
            return Response(status: .notModified, headers: headers)
        }
        return Response(json: json, headers: headers)
    }
}
