import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// The keys of an issuer of tokens, from a file or from the issuer itself.
enum KeySet {
    /// Key sets are small; what is longer is none.
    private static let bytesMax = 1_048_576

    static func read(_ place: String) async throws -> String {
        guard place.hasPrefix("https://") else {
            return try String(contentsOfFile: place, encoding: .utf8)
        }
        var request = HTTPClientRequest(url: place)
        request.headers.add(name: "Accept", value: "application/json")
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(5))
        guard response.status == .ok else {
            throw CommandFailure(.unavailable, "\(response.status)")
        }
        let body = try await response.body.collect(upTo: bytesMax)
        return String(buffer: body)
    }
}
