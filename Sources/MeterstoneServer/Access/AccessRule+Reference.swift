import HTTPTypes
import MeterstoneCore

extension AccessRule {
    /// The table of `docs/reference/access.md`, in Markdown.
    static var reference: String {
        let head = """
            | operation | scope | role | a caller of one subject |
            | --- | --- | --- | --- |

            """
        let rows = OpenAPIDocument.operations.filter { $0.ownOf == nil }.map { operation in
            let name = "`\(operation.method.rawValue) \(operation.path)`"
            guard let rule = operation.rule else { return "| \(name) | none | none | yes |" }
            return "| \(name) | `\(rule.scope.rawValue)` | `\(rule.role.rawValue)` | "
                + "\(rule.own.words(operation)) |"
        }
        return head + rows.joined(separator: "\n") + "\n"
    }
}

extension AccessRule.Own {
    fileprivate func words(_ operation: OpenAPIOperation) -> String {
        switch self {
        case .denied: "no"
        case .named: "its own"
        case .path:
            operation.ofOwn.map { "its own, also as `\($0.path)`" } ?? "its own"
        }
    }
}
