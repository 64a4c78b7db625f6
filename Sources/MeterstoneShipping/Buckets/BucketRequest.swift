import Crypto
import Foundation
package import MeterstoneCore

/// A request to a bucket's server, before and after it is signed.
package struct BucketRequest: Sendable {
    package var method: String
    package let scheme: String
    /// With its port, where that is not the scheme's own.
    package let host: String
    /// Percent-encoded.
    package let path: String
    /// Percent-encoded, sorted.
    package let query: String
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]

    /// - Parameters:
    ///   - path: as it is, with slashes.
    ///   - query: as it is; a name without a value has an empty one.
    package init(
        _ method: String, scheme: String, host: String, path: String,
        query: [(name: String, value: String)] = [],
        headers: [(name: String, value: String)] = [], body: [UInt8] = []
    ) {
        self.method = method
        self.scheme = scheme
        self.host = host
        self.path = path.encodedForSignature(keeping: "/")
        self.query = query.map {
            "\($0.name.encodedForSignature())=\($0.value.encodedForSignature())"
        }.sorted().joined(separator: "&")
        self.headers = headers
        self.body = body
    }

    package var url: String { "\(scheme)://\(host)\(path)" + (query.isEmpty ? "" : "?\(query)") }

    /// Signs it as of an instant, with version 4 of Amazon's signatures: what it says, and when.
    package mutating func sign(_ access: BucketAccess, at instant: Instant) {
        let (day, time) = instant.signatureTexts
        let digest = Self.hex(Crypto.SHA256.hash(data: body))
        headers.append(("x-amz-date", time))
        headers.append(("x-amz-content-sha256", digest))
        if let token = access.sessionToken { headers.append(("x-amz-security-token", token)) }
        let signed = (headers + [("host", host)])
            .map { ($0.0.lowercased(), $0.1.trimmingCharacters(in: .whitespaces)) }
            .sorted { $0.0 < $1.0 }
        let names = signed.map(\.0).joined(separator: ";")
        let canonical =
            [method, path, query] + signed.map { "\($0):\($1)" } + ["", names, digest]
        let scope = "\(day)/\(access.region)/s3/aws4_request"
        let summary = Self.hex(
            Crypto.SHA256.hash(data: Data(canonical.joined(separator: "\n").utf8)))
        let text = ["AWS4-HMAC-SHA256", time, scope, summary].joined(separator: "\n")
        var key = Array("AWS4\(access.secretKey)".utf8)
        for part in [day, access.region, "s3", "aws4_request"] { key = Self.code(part, key) }
        let signature = Self.code(text, key).map { Self.hex($0) }.joined()
        headers.append(
            (
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=\(access.keyID)/\(scope),SignedHeaders=\(names),"
                    + "Signature=\(signature)"
            ))
    }

    private static func code(_ text: String, _ key: [UInt8]) -> [UInt8] {
        Array(
            HMAC<Crypto.SHA256>.authenticationCode(
                for: Data(text.utf8), using: SymmetricKey(data: key)))
    }

    private static func hex(_ digest: Crypto.SHA256Digest) -> String {
        digest.map { hex($0) }.joined()
    }

    private static func hex(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16)
        return byte < 16 ? "0" + digits : digits
    }
}

extension Instant {
    /// `20261129` and `20261129T210000Z`.
    fileprivate var signatureTexts: (day: String, time: String) {
        let time = rfc3339.prefix(19).filter { $0 != "-" && $0 != ":" }
        return (String(time.prefix(8)), time + "Z")
    }
}

extension String {
    /// Percent-encoded as signatures want it: all but letters, digits and `-._~`.
    func encodedForSignature(keeping kept: String = "") -> String {
        var result = ""
        for byte in utf8 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"), UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            case _ where kept.utf8.contains(byte):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                result += byte < 16 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return result
    }
}

/// What a bucket's server answered.
package struct BucketResponse: Sendable {
    package var status: Int
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]

    package init(
        status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []
    ) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    var text: String { String(decoding: body, as: UTF8.self) }
}

/// Carries requests to a bucket's server. What it throws means that there was no answer.
package protocol BucketTransport: Sendable {
    func send(
        _ request: BucketRequest, timeoutMilliseconds: Int64
    ) async throws -> BucketResponse
}

extension String {
    /// What stands between tags of a name, each time, where such an element has no others of that name in it.
    func elements(_ name: String) -> [String] {
        var result: [String] = []
        var rest = self[...]
        while let begin = rest.range(of: "<\(name)>"),
            let end = rest[begin.upperBound...].range(of: "</\(name)>")
        {
            result.append(String(rest[begin.upperBound..<end.lowerBound]))
            rest = rest[end.upperBound...]
        }
        return result
    }

    /// The text of the first element of a name.
    func element(_ name: String) -> String? {
        elements(name).first.map { text in
            text.replacing("&lt;", with: "<").replacing("&gt;", with: ">")
                .replacing("&quot;", with: "\"").replacing("&apos;", with: "'")
                .replacing("&#34;", with: "\"").replacing("&#39;", with: "'")
                .replacing("&amp;", with: "&")
        }
    }

    /// The key that a list told, which was encoded as in a form.
    var decodedKey: String {
        replacing("+", with: " ").removingPercentEncoding ?? self
    }
}
