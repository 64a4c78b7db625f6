package import MeterstoneCore

/// Where a page gets what it shows: the interface, asked within the process in the caller's own name.
///
/// Whatever a page shows, `GET` of the same path answers, to the same caller.
package protocol PageSource: Sendable {
    /// Whether the caller may change what decides; otherwise no page offers it.
    var mayChange: Bool { get }
    /// Whether the caller signed in with this browser, and may sign out.
    var hasSession: Bool { get }
    var now: Instant { get }

    func text(_ path: String) async throws(PageProblem) -> String
    func get(_ path: String) async throws(PageProblem) -> PageValue
}

extension PageSource {
    package var hasSession: Bool { false }

    /// What is there, or nothing: for parts of a page that not every server has.
    func find(_ path: String) async throws(PageProblem) -> PageValue? {
        do throws(PageProblem) {
            return try await get(path)
        } catch {
            guard error.status == 404 || error.status == 403 else { throw error }
            return nil
        }
    }
}

/// Why the interface does not answer a page.
package struct PageProblem: Error {
    package var status: Int
    package var code: String
    package var detail: String

    package init(status: Int, code: String, detail: String) {
        self.status = status
        self.code = code
        self.detail = detail
    }
}

/// What a browser asks for.
package struct PageRequest: Sendable {
    /// `/admin/subjects/ann`, still percent-encoded.
    package var path: String
    /// Names and values, decoded, in their order.
    package var query: [(name: String, value: String)]
    /// Under which the browser knows the server.
    package var address: String

    package init(
        path: String, query: [(name: String, value: String)],
        address: String = "http://localhost:8080"
    ) {
        self.path = path
        self.query = query
        self.address = address
    }

    func value(_ name: String) -> String? {
        query.last { $0.name == name && !$0.value.isEmpty }?.value
    }

    /// The same page with other values: `nil` takes a name away.
    func link(_ changes: [String: String?]) -> String {
        var pairs = query.filter { changes[$0.name] == nil && !$0.value.isEmpty }
        for name in changes.keys.sorted() {
            if let value = changes[name] ?? nil { pairs.append((name, value)) }
        }
        guard !pairs.isEmpty else { return path }
        return path + "?"
            + pairs.map { "\($0.name.inURL)=\($0.value.inURL)" }.joined(separator: "&")
    }
}

package struct PageAnswer: Sendable {
    package var status = 200
    package var type = "text/html; charset=utf-8"
    package var location: String?
    /// For a browser that is to keep it as a file.
    package var fileName: String?
    package var body: String
    /// What is sent instead of ``body``, of a file that is no text.
    package var bytes: [UInt8]?

    package init(status: Int = 200, body: String) {
        self.status = status
        self.body = body
    }
}

extension String {
    /// Percent-encoded, as a segment of a path or a value of a query.
    var inURL: String {
        var text = ""
        for byte in utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "."), UInt8(ascii: "~"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                text += byte < 16 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return text
    }

    /// As text within HTML and SVG.
    var escaped: String {
        var text = ""
        text.reserveCapacity(utf8.count)
        for character in unicodeScalars {
            switch character {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            case "\"": text += "&quot;"
            default: text.unicodeScalars.append(character)
            }
        }
        return text
    }
}
