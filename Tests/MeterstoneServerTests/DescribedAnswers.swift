import HTTPTypes
import MeterstoneServer

/// What the description says that is answered, so that every answer to a test is compared with it.
struct DescribedAnswers: Sendable {
    static let all = DescribedAnswers()

    private let document: JSON
    private let paths: [(parts: [Substring], operations: JSON)]

    private init() {
        let text = String(decoding: OpenAPIDocument.json(isGuarded: true), as: UTF8.self)
        document = (try? JSON(text)) ?? .null
        // The path `/a/b` comes before `/a/{name}`.
        paths = (document["paths"]?.members ?? [:]).sorted {
            ($0.key.count { $0 == "{" }, $0.key) < ($1.key.count { $0 == "{" }, $1.key)
        }.map { ($0.key.split(separator: "/"), $0.value) }
    }

    /// What an answer has that its operation does not say, or lacks. Nothing, where there is no operation.
    func mistakes(
        in answer: Answer, to method: HTTPRequest.Method, _ path: String
    ) throws -> [String] {
        guard let operation = operation(method, path) else { return [] }
        guard let declared = operation["responses"]?["\(answer.status)"] else {
            return ["the status \(answer.status) is not described"]
        }
        let response = SchemaCheck.resolve(declared, in: document)
        guard let content = response["content"] else {
            return answer.text.isEmpty ? [] : ["a body is not described"]
        }
        let type = answer.header("Content-Type")?.split(separator: ";").first.map(String.init) ?? ""
        guard let media = content[type] else { return ["the type '\(type)' is not described"] }
        guard type.hasSuffix("/json") || type.hasSuffix("+json"), let schema = media["schema"]
        else { return [] }
        var check = SchemaCheck(document)
        check.compare(try JSON(answer.text), with: schema, at: "answer")
        return check.mistakes
    }

    private func operation(_ method: HTTPRequest.Method, _ path: String) -> JSON? {
        let parts = path.prefix { $0 != "?" }.split(separator: "/")
        let operations = paths.first { described, _ in
            described.count == parts.count
                && zip(described, parts).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
        }
        return operations?.operations[method.rawValue.lowercased()]
    }
}
