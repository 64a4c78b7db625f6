/// A bucket, and the place in it where everything of one store is.
package struct BucketLocation: Hashable, Sendable, CustomStringConvertible {
    package static let scheme = "s3://"

    package let bucket: String
    /// Without a slash at its ends; empty: the whole bucket.
    package let prefix: String

    /// `nil`: that is no `s3://BUCKET/PREFIX`.
    package init?(_ text: String) {
        guard text.hasPrefix(Self.scheme) else { return nil }
        var parts = text.dropFirst(Self.scheme.count)
            .split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        if parts.count > 1, parts.last == "" { parts.removeLast() }
        guard let bucket = parts.first, Self.isName(bucket) else { return nil }
        let path = parts.dropFirst()
        // Servers in between take these for something else.
        guard path.allSatisfy({ !["", ".", ".."].contains($0) }),
            path.allSatisfy({ $0.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0 != "\u{7f}" } })
        else { return nil }
        self.bucket = bucket
        prefix = path.joined(separator: "/")
    }

    private static func isName(_ text: String) -> Bool {
        (3...63).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
            }
    }

    package var description: String {
        Self.scheme + bucket + (prefix.isEmpty ? "" : "/" + prefix)
    }

    /// The key of an object.
    func key(_ name: String) -> String { prefix.isEmpty ? name : prefix + "/" + name }
}

/// Where a bucket's server is, and what is shown to it.
package struct BucketAccess: Sendable {
    /// `http://127.0.0.1:9000`; `nil`: Amazon's of the region.
    package var endpoint: BucketEndpoint?
    package var region: String
    package var keyID: String
    package var secretKey: String
    /// Of keys that are lent for a time.
    package var sessionToken: String?

    package init(
        endpoint: BucketEndpoint? = nil, region: String, keyID: String, secretKey: String,
        sessionToken: String? = nil
    ) {
        self.endpoint = endpoint
        self.region = region
        self.keyID = keyID
        self.secretKey = secretKey
        self.sessionToken = sessionToken
    }

    /// Where a bucket answers, and what the paths of its objects begin with. Amazon has a host for each bucket,
    /// unless a dot in its name hides it from the certificate; others mostly have one for all.
    func origin(of bucket: String) -> (scheme: String, host: String, path: String) {
        if let endpoint { return (endpoint.scheme, endpoint.host, "/" + bucket) }
        let host = "s3.\(region).amazonaws.com"
        return bucket.contains(".")
            ? ("https", host, "/" + bucket) : ("https", "\(bucket).\(host)", "")
    }
}

/// A server of buckets that is not Amazon's.
package struct BucketEndpoint: Hashable, Sendable, CustomStringConvertible {
    package static let expectation = "http://HOST:PORT or https://HOST"

    let scheme: String
    /// With its port, unless that is the scheme's own.
    let host: String

    /// `nil` when the text is not of the form that ``expectation`` states.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3 || parts.count == 4 && parts[3].isEmpty, parts[1].isEmpty,
            parts[0] == "http:" || parts[0] == "https:", !parts[2].isEmpty,
            parts[2].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }), !parts[2].contains("@")
        else { return nil }
        scheme = String(parts[0].dropLast())
        let standard = scheme == "http" ? ":80" : ":443"
        // Whoever sends it leaves such a port out, and what is signed has to be what is sent.
        host =
            parts[2].hasSuffix(standard) ? String(parts[2].dropLast(standard.count)) : parts[2]
    }

    package var description: String { "\(scheme)://\(host)" }
}
