import HTTPTypes
import Hummingbird
import MeterstoneAPI
import NIOCore

/// An answer whose body is JSON, before it is Hummingbird's or the connection's.
struct JSONAnswer: Sendable {
    var status: HTTPResponse.Status
    var headers: HTTPFields
    var json: [UInt8]

    init(
        json: [UInt8], status: HTTPResponse.Status = .ok, type: String = "application/json",
        headers: HTTPFields = HTTPFields()
    ) {
        self.status = status
        self.headers = headers
        self.headers[.contentType] = type
        self.json = json
    }

    /// An answer whose body is written by the closure.
    init(
        status: HTTPResponse.Status = .ok, headers: HTTPFields = HTTPFields(),
        write: (inout JSONWriter) throws -> Void
    ) rethrows {
        var writer = JSONWriter(capacity: 512)
        try write(&writer)
        self.init(json: writer.bytes, status: status, headers: headers)
    }
}

extension Response {
    init(_ answer: JSONAnswer) {
        self.init(
            status: answer.status, headers: answer.headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.json)))
    }

    /// An answer whose body is these bytes of JSON.
    init(
        json: [UInt8], status: HTTPResponse.Status = .ok, headers: HTTPFields = HTTPFields()
    ) {
        self.init(JSONAnswer(json: json, status: status, headers: headers))
    }

    /// An answer whose body is one value.
    init<Value>(
        _ value: Value, _ shape: Shape<Value>, status: HTTPResponse.Status = .ok,
        headers: HTTPFields = HTTPFields()
    ) {
        self.init(status: status, headers: headers) { $0.object(value, shape) }
    }

    /// An answer whose body is written by the closure.
    init(
        status: HTTPResponse.Status = .ok, headers: HTTPFields = HTTPFields(),
        write: (inout JSONWriter) throws -> Void
    ) rethrows {
        self.init(try JSONAnswer(status: status, headers: headers, write: write))
    }
}
