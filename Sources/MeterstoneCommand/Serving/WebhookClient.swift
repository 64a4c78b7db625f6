import AsyncHTTPClient
import Foundation
import MeterstoneCore
package import MeterstoneServer
import NIOCore
import NIOHTTP1
import NIOPosix

/// Sends messages to receivers that nobody trusts.
///
/// A receiver has ten seconds and a few kilobytes for its answer, and is not followed elsewhere. Where its
/// name leads is looked up once for each message, and that address is connected to: a name cannot lead
/// outside while it is looked at and inside when it is used.
package struct WebhookClient: WebhookSender {
    private static let timeout: TimeAmount = .seconds(10)
    private static let answerBytesMax = 65_536

    /// Whether addresses of this machine and of private networks are sent to.
    private let allowsPrivate: Bool

    package init(allowsPrivate: Bool) {
        self.allowsPrivate = allowsPrivate
    }

    package func send(_ message: WebhookMessage) async throws(DeliveryError) -> [UInt8] {
        guard let url = URL(string: message.url), let host = url.host(percentEncoded: false) else {
            throw DeliveryError("the URL cannot be read", isFinal: true)
        }
        let address = try await address(of: host)
        var configuration = HTTPClient.Configuration.singletonConfiguration
        configuration.redirectConfiguration = .disallow
        configuration.dnsOverride = [host: address]
        configuration.timeout.connect = Self.timeout
        // What a receiver packs could be much more than it sends.
        configuration.decompression = .disabled
        let client = HTTPClient(configuration: configuration)
        let outcome = await Self.outcome(of: message, client)
        try? await client.shutdown()
        return try outcome.get()
    }

    private static func outcome(
        of message: WebhookMessage, _ client: HTTPClient
    ) async -> Result<[UInt8], DeliveryError> {
        var request = HTTPClientRequest(url: message.url)
        request.method = .POST
        for (name, value) in message.headers { request.headers.add(name: name, value: value) }
        request.body = .bytes(ByteBuffer(bytes: message.body))
        do {
            let response = try await client.execute(request, timeout: timeout)
            guard (200...299).contains(response.status.code) else {
                return .failure(
                    DeliveryError("\(response.status)", isFinal: response.status == .gone))
            }
            // It was taken, whatever the answer says, and however long that is.
            let answer = try? await response.body.collect(upTo: answerBytesMax)
            return .success(answer.map { Array(buffer: $0) } ?? [])
        } catch {
            return .failure(DeliveryError(String("\(error)".prefix(200))))
        }
    }

    private func address(of host: String) async throws(DeliveryError) -> String {
        let found = try? await NIOThreadPool.singleton.runIfActive {
            try SocketAddress.makeAddressResolvingHost(host, port: 0)
        }
        guard let address = found?.ipAddress else {
            throw DeliveryError("'\(host)' cannot be found")
        }
        guard allowsPrivate || !AddressRange.isPrivate(address) else {
            throw DeliveryError(
                "'\(host)' is an address of this machine or a private network: set "
                    + "METERSTONE_WEBHOOK_PRIVATE_ADDRESSES=true to send there")
        }
        return address
    }
}
