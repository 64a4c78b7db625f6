/// A media type without its parameters, in lower case: `application/json`.
package struct MediaTypeName: Hashable, Sendable {
    package let text: String
    /// The parameter `charset`, in lower case.
    package let charset: String?

    package init(_ header: String) {
        var parameters = header.split(separator: ";", omittingEmptySubsequences: false)[...]
        text = Self.trimmed(parameters.popFirst() ?? "")
        charset = parameters.lazy.map(Self.trimmed).first { $0.hasPrefix("charset=") }
            .map { $0.dropFirst(8).filter { $0 != "\"" } }
    }

    private static func trimmed(_ part: Substring) -> String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        guard let first = part.firstIndex(where: { !isSpace($0) }),
            let last = part.lastIndex(where: { !isSpace($0) })
        else { return "" }
        return part[first...last].lowercased()
    }

    package var isJSON: Bool {
        text == "application/json" || text == "text/json"
            || (text.hasPrefix("application/") && text.hasSuffix("+json"))
    }

    /// Newline-delimited JSON, under any of the names that it goes by.
    package var isLines: Bool {
        ["x-ndjson", "ndjson", "jsonl", "x-jsonlines", "json-lines"].contains {
            text == "application/" + $0
        }
    }

    /// JSON is UTF-8 and nothing else.
    package var isUTF8: Bool { charset == nil || charset == "utf-8" || charset == "utf8" }
}
