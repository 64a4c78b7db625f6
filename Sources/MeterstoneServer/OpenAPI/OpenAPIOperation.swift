package import HTTPTypes
import MeterstoneAPI

/// One method of one path: what it takes, and every answer that it gives.
package struct OpenAPIOperation: Sendable {
    package let method: HTTPRequest.Method
    /// As in the description: `/v1/meters/{key}`.
    package let path: String
    package let id: String
    let summary: String
    var description: String?
    var isOpen = false
    /// The operation of which it is the same for the caller's own subject.
    var ownOf: String?
    package var parameters: [OpenAPIParameter] = []
    /// Media type → name of the schema.
    var body: [(type: String, schema: String)] = []
    var isBodyRequired = true
    var answers: [OpenAPIAnswer]
    var problems: [OpenAPIProblem] = []

    /// As the router has it: `GET /v1/meters/:key`.
    var route: String {
        "\(method.rawValue) \(path.replacing("{", with: ":").replacing("}", with: ""))"
    }

    /// Names that the query may have.
    var queryNames: Set<String> {
        Set(parameters.lazy.filter { $0.place == .query }.map(\.name))
    }

    /// Problems of the route itself, and those that come with what it takes.
    private var allProblems: [OpenAPIProblem] {
        var all = Set(problems)
        if !isOpen {
            all.formUnion([.unauthorized, .forbidden, .storeFailed, .unavailable, .storeFull])
            // A key may have a bound of its own.
            if !all.contains(where: { $0.status == 429 }) { all.insert(.tooFrequent) }
        }
        // Another's subject is not there.
        if rule?.own == .path { all.insert(.notFound) }
        if !parameters.isEmpty { all.formUnion([.malformed, .unprocessable]) }
        if !body.isEmpty {
            all.formUnion([.malformed, .tooLarge, .unsupportedMediaType, .unprocessable])
        }
        return all.sorted { $0.status < $1.status }
    }

    func write(to writer: inout JSONWriter) {
        writer.name(text: method.rawValue.lowercased())
        writer.beginObject()
        writer.name("operationId")
        writer.string(id)
        writer.name("summary")
        writer.string(summary)
        if let description {
            writer.name("description")
            writer.string(description)
        }
        if isOpen {
            writer.name("security")
            writer.json("[]")
        }
        if !parameters.isEmpty {
            writer.name("parameters")
            writer.beginArray()
            for parameter in parameters { parameter.write(to: &writer) }
            writer.endArray()
        }
        writeBody(&writer)
        writeAnswers(&writer)
        writer.endObject()
    }

    private func writeBody(_ writer: inout JSONWriter) {
        guard !body.isEmpty else { return }
        writer.name("requestBody")
        writer.beginObject()
        writer.name("required")
        writer.boolean(isBodyRequired)
        writer.name("content")
        writer.beginObject()
        for (type, schema) in body {
            writer.name(text: type)
            writer.content(schema: schema)
        }
        writer.endObject()
        writer.endObject()
    }

    private func writeAnswers(_ writer: inout JSONWriter) {
        writer.name("responses")
        writer.beginObject()
        for answer in answers { answer.write(to: &writer) }
        for problem in allProblems {
            writer.name(text: String(problem.status))
            writer.json(##"{"$ref":"#/components/responses/\##(problem.rawValue)"}"##)
        }
        writer.endObject()
    }
}

/// An answer that is not a problem.
struct OpenAPIAnswer: Sendable {
    let status: Int
    let description: String
    /// `nil`: no body.
    var schema: String?
    /// Media types, beside JSON, that the body may have as a text.
    var textTypes: [String] = []
    /// Media types of files that the body may be, which no schema describes.
    var fileTypes: [String] = []
    var isJSON = true
    var headers: [OpenAPIHeader] = []

    func write(to writer: inout JSONWriter) {
        writer.name(text: String(status))
        writer.beginObject()
        writer.name("description")
        writer.string(description)
        OpenAPIHeader.write(headers, to: &writer)
        if let schema {
            writer.name("content")
            writer.beginObject()
            if isJSON {
                writer.name("application/json")
                writer.content(schema: schema)
            }
            for type in textTypes {
                writer.name(text: type)
                writer.content(schema: "Text")
            }
            for type in fileTypes {
                writer.name(text: type)
                writer.beginObject()
                writer.endObject()
            }
            writer.endObject()
        }
        writer.endObject()
    }
}

/// A header field of an answer.
enum OpenAPIHeader: String, Sendable {
    case retryAfter = "Retry-After"
    case rateLimit = "RateLimit"
    case rateLimitPolicy = "RateLimit-Policy"
    case replayed = "Idempotency-Replayed"
    case authenticate = "WWW-Authenticate"
    case allow = "Allow"
    case link = "Link"
    case tag = "ETag"
    case outcome = "Meterstone-Outcome"
    case contentDisposition = "Content-Disposition"
    case setCookie = "Set-Cookie"
    case signature = "Meterstone-Signature"

    /// Whether every answer that may have it has it.
    private var isRequired: Bool { self == .authenticate || self == .allow }

    private var text: (description: String, schema: String) {
        switch self {
        case .retryAfter: ("Seconds to wait.", #"{"type":"integer","minimum":1}"#)
        case .rateLimit: ("What is left, by limit.", #"{"type":"string"}"#)
        case .rateLimitPolicy: ("What is allowed, by limit.", #"{"type":"string"}"#)
        case .replayed: ("This is the first answer again.", #"{"type":"string","const":"true"}"#)
        case .authenticate: ("How to authenticate.", #"{"type":"string"}"#)
        case .allow: ("The methods that the path takes.", #"{"type":"string"}"#)
        case .outcome:
            (
                "What became of the change.",
                #"{"enum":["created","replaced","unchanged","deleted","credited"]}"#
            )
        case .tag: ("Which state of it this is.", #"{"type":"string"}"#)
        case .link: ("The next page.", #"{"type":"string"}"#)
        case .setCookie: ("The session, or its end.", #"{"type":"string"}"#)
        case .signature:
            (
                "The HMAC with SHA-256 of the body, if the server has a secret for it.",
                #"{"type":"string","pattern":"^sha256=[0-9a-f]{64}$"}"#
            )
        case .contentDisposition: ("A name for the file.", #"{"type":"string"}"#)
        }
    }

    static func write(_ headers: [OpenAPIHeader], to writer: inout JSONWriter) {
        guard !headers.isEmpty else { return }
        writer.name("headers")
        writer.beginObject()
        for header in headers {
            writer.name(text: header.rawValue)
            writer.beginObject()
            writer.name("description")
            writer.string(header.text.description)
            writer.name("required")
            writer.boolean(header.isRequired)
            writer.name("schema")
            writer.json(header.text.schema)
            writer.endObject()
        }
        writer.endObject()
    }
}

/// A part of the path, the query or the header fields of a request.
package struct OpenAPIParameter: Sendable {
    package enum Place: String {
        case path, query, header
    }

    package let place: Place
    package let name: String
    let description: String
    var isRequired = false
    /// As JSON.
    let schema: String

    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.name("in")
        writer.string(place.rawValue)
        writer.name("name")
        writer.string(name)
        writer.name("description")
        writer.string(description)
        writer.name("required")
        writer.boolean(isRequired || place == .path)
        writer.name("schema")
        writer.json(OpenAPISchemas.resolved(schema))
        writer.endObject()
    }
}

extension JSONWriter {
    /// Writes the description of a body: that it has this schema.
    mutating func content(schema name: String) {
        beginObject()
        self.name("schema")
        json(OpenAPISchemas.resolved(#"{"$ref":"\#(name)"}"#))
        endObject()
    }
}
