import Crypto
import Foundation
import MeterstoneCore
import MeterstoneShipping
import Synchronization

/// A bucket's server in memory, which believes nobody who cannot sign, and fails when it is told to.
final class BucketDouble: BucketTransport {
    struct Answer: Error {
        let status: Int
        var code = ""
        var body = ""
    }

    enum Fault {
        /// Nothing is done, and nobody answers, or with this.
        case silence
        case status(Int)
        /// All is done, and the answer does not arrive.
        case lostAnswer
        /// Nothing is wrong, but somebody wrote an object before.
        case replaced(String, [UInt8])
        case nothing
    }

    private struct State {
        var objects: [String: [UInt8]] = [:]
        var uploads: [String: [Int: [UInt8]]] = [:]
        var faults: [Fault] = []
        var requests: [String] = []
        var looksWhetherItIsThere = true
    }

    static let keyID = "AKIDOUBLE"
    static let secret = "a secret/of+the double"

    let bucket: String
    private let clock: @Sendable () -> Instant
    private let state = Mutex(State())
    /// So that lists have pages.
    private static let namesPerPage = 2

    init(_ bucket: String, clock: @escaping @Sendable () -> Instant) {
        self.bucket = bucket
        self.clock = clock
    }

    var access: BucketAccess {
        BucketAccess(
            endpoint: BucketEndpoint("http://bucket.test:9000"), region: "eu-test-1",
            keyID: Self.keyID, secretKey: Self.secret)
    }

    var objects: [String: [UInt8]] { state.withLock { $0.objects } }
    /// What arrived: `PUT /bucket/key`.
    var requests: [String] { state.withLock { $0.requests } }
    /// Parts of what nobody completed.
    var uploads: Int { state.withLock { $0.uploads.count } }

    /// What becomes of the next requests.
    func fail(_ faults: [Fault]) { state.withLock { $0.faults = faults } }
    func put(_ key: String, _ bytes: [UInt8]?) { state.withLock { $0.objects[key] = bytes } }
    func overwritesAlways() { state.withLock { $0.looksWhetherItIsThere = false } }

    func send(
        _ request: BucketRequest, timeoutMilliseconds: Int64
    ) async throws -> BucketResponse {
        try state.withLock { state in
            state.requests.append("\(request.method) \(request.path)")
            let fault = state.faults.isEmpty ? nil : state.faults.removeFirst()
            switch fault {
            case .silence: throw Answer(status: 0)
            case .status(let status): return Self.response(Answer(status: status, code: "Told"))
            case .replaced(let key, let bytes): state.objects[key] = bytes
            case .lostAnswer, .nothing, nil: break
            }
            let response: BucketResponse
            do throws(Answer) {
                try check(request)
                response = try answer(request, &state)
            } catch {
                response = Self.response(error)
            }
            if case .lostAnswer = fault { throw Answer(status: 0) }
            return response
        }
    }

    private static func response(_ answer: Answer) -> BucketResponse {
        let error =
            "<?xml version=\"1.0\"?><Error><Code>\(answer.code)</Code>"
            + "<Message>it says &quot;\(answer.code)&quot;</Message></Error>"
        return BucketResponse(
            status: answer.status, body: Array((answer.code.isEmpty ? answer.body : error).utf8))
    }

    // MARK: Signatures

    /// As Amazon describes them, from what arrived.
    private func check(_ request: BucketRequest) throws(Answer) {
        func header(_ name: String) -> String? {
            request.headers.first { $0.name.lowercased() == name }?.value
        }
        func hex(_ bytes: some Sequence<UInt8>) -> String {
            bytes.map { String(format: "%02x", $0) }.joined()
        }
        func code(_ text: String, _ key: Data) -> Data {
            Data(
                HMAC<Crypto.SHA256>.authenticationCode(
                    for: Data(text.utf8), using: SymmetricKey(data: key)))
        }
        guard let authorization = header("authorization"), let time = header("x-amz-date"),
            let digest = header("x-amz-content-sha256")
        else { throw Answer(status: 403, code: "AccessDenied") }
        let fields = authorization.dropFirst("AWS4-HMAC-SHA256 ".count).split(separator: ",")
            .reduce(into: [String: String]()) { fields, pair in
                let parts = pair.split(separator: "=", maxSplits: 1)
                if parts.count == 2 { fields[String(parts[0])] = String(parts[1]) }
            }
        let scope = (fields["Credential"] ?? "").split(separator: "/").map(String.init)
        guard scope.count == 5, scope[0] == Self.keyID, scope[1] == time.prefix(8),
            scope[2...] == ["eu-test-1", "s3", "aws4_request"]
        else { throw Answer(status: 403, code: "InvalidAccessKeyId") }
        let now = clock().rfc3339.filter { $0 != "-" && $0 != ":" }
        guard time.prefix(13) == now.prefix(13) else {
            throw Answer(status: 403, code: "RequestTimeTooSkewed")
        }
        guard digest == hex(Crypto.SHA256.hash(data: Data(request.body))) else {
            throw Answer(status: 400, code: "XAmzContentSHA256Mismatch")
        }
        let names = (fields["SignedHeaders"] ?? "").split(separator: ";").map(String.init)
        // All that has a meaning has to be signed.
        let present = Set(
            request.headers.map { $0.name.lowercased() }.filter { $0 != "authorization" } + ["host"]
        )
        guard Set(names) == present, names == names.sorted() else {
            throw Answer(status: 403, code: "AccessDenied")
        }
        let lines = names.map { "\($0):\($0 == "host" ? "bucket.test:9000" : header($0) ?? "")\n" }
        let canonical =
            "\(request.method)\n\(request.path)\n\(request.query)\n\(lines.joined())\n"
            + "\(names.joined(separator: ";"))\n\(digest)"
        let text =
            "AWS4-HMAC-SHA256\n\(time)\n\(scope[1...].joined(separator: "/"))\n"
            + hex(Crypto.SHA256.hash(data: Data(canonical.utf8)))
        let key = scope[1...].reduce(Data("AWS4\(Self.secret)".utf8)) { code($1, $0) }
        guard fields["Signature"] == hex(code(text, key)) else {
            throw Answer(status: 403, code: "SignatureDoesNotMatch")
        }
    }

    // MARK: Objects

    private func answer(
        _ request: BucketRequest, _ state: inout State
    ) throws(Answer) -> BucketResponse {
        func header(_ name: String) -> String? {
            request.headers.first { $0.name.lowercased() == name }?.value
        }
        var query: [String: String] = [:]
        for pair in request.query.split(separator: "&") {
            let parts = pair.split(separator: "=", omittingEmptySubsequences: false)
            query[String(parts[0])] = String(parts[1]).removingPercentEncoding
        }
        let path = request.path.removingPercentEncoding ?? ""
        guard path == "/\(bucket)" || path.hasPrefix("/\(bucket)/") else {
            throw Answer(status: 404, code: "NoSuchBucket")
        }
        let key = String(path.dropFirst(bucket.utf8.count + 2))
        if key.isEmpty { return try list(query, state) }
        switch request.method {
        case "GET", "HEAD":
            guard let object = state.objects[key] else {
                throw Answer(status: 404, code: "NoSuchKey")
            }
            return try part(of: object, header("range"), header("if-match"))
        case "PUT":
            if let upload = query["uploadId"] {
                guard let number = query["partNumber"].flatMap({ Int($0) }),
                    state.uploads[upload] != nil
                else { throw Answer(status: 404, code: "NoSuchUpload") }
                state.uploads[upload]?[number] = request.body
                return BucketResponse(status: 200, headers: [("ETag", Self.tag(request.body))])
            }
            if header("if-none-match") == "*", state.looksWhetherItIsThere,
                state.objects[key] != nil
            {
                throw Answer(status: 412, code: "PreconditionFailed")
            }
            state.objects[key] = request.body
            return BucketResponse(status: 200, headers: [("ETag", Self.tag(request.body))])
        case "DELETE":
            if let upload = query["uploadId"] {
                state.uploads[upload] = nil
            } else {
                state.objects[key] = nil
            }
            return BucketResponse(status: 204)
        case "POST":
            guard let upload = query["uploadId"] else {
                let begun = "upload \(state.uploads.count)&\"x\""
                state.uploads[begun] = [:]
                let shown = begun.replacing("&", with: "&amp;").replacing("\"", with: "&quot;")
                return Self.response(
                    Answer(
                        status: 200,
                        body: "<InitiateMultipartUploadResult><UploadId>\(shown)</UploadId>"
                            + "</InitiateMultipartUploadResult>"))
            }
            return try complete(key, upload, String(decoding: request.body, as: UTF8.self), &state)
        default: throw Answer(status: 405, code: "MethodNotAllowed")
        }
    }

    private func complete(
        _ key: String, _ upload: String, _ body: String, _ state: inout State
    ) throws(Answer) -> BucketResponse {
        guard let parts = state.uploads[upload] else {
            throw Answer(status: 404, code: "NoSuchUpload")
        }
        let sorted = parts.sorted { $0.key < $1.key }
        let expected = sorted.map {
            "<Part><PartNumber>\($0.key)</PartNumber><ETag>\(Self.tag($0.value))</ETag></Part>"
        }.joined()
        guard body == "<CompleteMultipartUpload>\(expected)</CompleteMultipartUpload>" else {
            throw Answer(status: 400, code: "InvalidPart")
        }
        state.objects[key] = sorted.flatMap(\.value)
        state.uploads[upload] = nil
        return Self.response(
            Answer(status: 200, body: "<CompleteMultipartUploadResult/>"))
    }

    private func part(
        of object: [UInt8], _ range: String?, _ tag: String?
    ) throws(Answer) -> BucketResponse {
        if let tag, tag != Self.tag(object) {
            throw Answer(status: 412, code: "PreconditionFailed")
        }
        guard let range else {
            return BucketResponse(
                status: 200, headers: [("Content-Length", String(object.count))], body: object)
        }
        let ends = range.dropFirst("bytes=".count).split(separator: "-").compactMap { Int($0) }
        let bytes = Array(object[ends[0]...min(ends[1], object.count - 1)])
        return BucketResponse(
            status: 206,
            headers: [
                ("Content-Range", "bytes \(range.dropFirst(6))/\(object.count)"),
                ("ETag", Self.tag(object)),
            ], body: bytes)
    }

    private func list(
        _ query: [String: String], _ state: State
    ) throws(Answer) -> BucketResponse {
        guard query["list-type"] == "2", query["delimiter"] == "/" else {
            throw Answer(status: 501, code: "NotImplemented")
        }
        let prefix = query["prefix"] ?? ""
        let after = query["continuation-token"] ?? query["start-after"] ?? ""
        var entries: [(name: String, isFolder: Bool)] = []
        for key in state.objects.keys.sorted() where key.hasPrefix(prefix) {
            let rest = key.dropFirst(prefix.count)
            let folder = rest.firstIndex(of: "/").map { prefix + rest[...$0] }
            let name = folder ?? key
            if name > after, entries.last?.name != name { entries.append((name, folder != nil)) }
        }
        let page = entries.prefix(Self.namesPerPage)
        let isMore = entries.count > page.count
        var xml = "<ListBucketResult><Prefix>\(prefix)</Prefix><IsTruncated>\(isMore)</IsTruncated>"
        if isMore, let last = page.last {
            let token = last.name.replacing("&", with: "&amp;")
            xml += "<NextContinuationToken>\(token)</NextContinuationToken>"
        }
        for entry in page {
            let name =
                entry.name.addingPercentEncoding(withAllowedCharacters: .alphanumerics)?
                .replacing("%20", with: "+") ?? ""
            xml +=
                entry.isFolder
                ? "<CommonPrefixes><Prefix>\(name)</Prefix></CommonPrefixes>"
                : "<Contents><Key>\(name)</Key><Size>1</Size></Contents>"
        }
        return Self.response(Answer(status: 200, body: xml + "</ListBucketResult>"))
    }

    private static func tag(_ bytes: [UInt8]) -> String {
        "\"\(Crypto.SHA256.hash(data: Data(bytes)).prefix(8).map { String($0) }.joined())\""
    }
}
