import Foundation
import HummingbirdTesting
import MeterstoneServer
import MeterstoneTesting
import NIOCore
import NIOPosix
import NIOSSL
import Subprocess
import Testing

/// HTTPS with a certificate from files, which may be written over while the server runs.
@Suite(.timeLimit(.minutes(5))) struct SecureConnectionTests {
    /// Files of a certificate for `localhost`, and its key.
    struct Files {
        let folder = TemporaryFolder()
        var certificate: String { folder.path + "/certificate.pem" }
        var key: String { folder.path + "/key.pem" }

        init() throws {
            try FileManager.default.createDirectory(
                atPath: folder.path, withIntermediateDirectories: true)
        }

        /// Writes another certificate with another key over what is there.
        func write(days: Int = 30) async throws {
            let result = try await Subprocess.run(
                .name("openssl"),
                arguments: [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                    "-nodes", "-keyout", key, "-out", certificate, "-days", "\(days)",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                ], output: .discarded, error: .string(limit: 65_536))
            try #require(result.terminationStatus.isSuccess, "\(result.standardError)")
        }

        func read() throws -> ServerCertificate {
            try ServerCertificate(certificateFile: certificate, keyFile: key)
        }
    }

    private static let get = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"

    /// A connection of somebody who trusts nothing but one certificate.
    private func open(
        _ server: TestServer, trusting pem: [UInt8]
    ) async throws -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(pem))
        let context = try NIOSSLContext(configuration: configuration)
        let port = try #require(server.client.port)
        return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(context: context, serverHostname: "localhost"))
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel)
                }
            }
    }

    @Test func `a certificate that is written over holds for connections from then on`()
        async throws
    {
        let files = try Files()
        try await files.write()
        let certificate = try files.read()
        let first = try [UInt8](Data(contentsOf: URL(filePath: files.certificate)))
        try await TestServer.run(.live, options: { $0.certificate = certificate }) { server in
            let old = try await open(server, trusting: first)
            try await old.executeThenClose { inbound, outbound in
                try await outbound.write(ByteBuffer(string: Self.get))
                var (text, isRenewed) = ("", false)
                for try await buffer in inbound {
                    text += String(buffer: buffer)
                    let answers = text.matches(of: /HTTP\/1\.1 200/).count
                    if answers == 2 { break }
                    if isRenewed || answers == 0 { continue }
                    #expect(try !certificate.refresh())
                    try await files.write()
                    #expect(try certificate.refresh())
                    #expect(try !certificate.refresh())
                    isRenewed = true
                    // Who is connected goes on.
                    try await outbound.write(ByteBuffer(string: Self.get))
                }
                #expect(text.matches(of: /HTTP\/1\.1 200/).count == 2)
            }
            let second = try [UInt8](Data(contentsOf: URL(filePath: files.certificate)))
            let new = try await open(server, trusting: second)
            try await new.executeThenClose { inbound, outbound in
                try await outbound.write(ByteBuffer(string: Self.get))
                var isAnswered = false
                for try await buffer in inbound {
                    isAnswered = String(buffer: buffer).hasPrefix("HTTP/1.1 200")
                    break
                }
                #expect(isAnswered)
            }
            await #expect(throws: (any Error).self) {
                let refused = try await open(server, trusting: first)
                try await refused.executeThenClose { inbound, outbound in
                    try await outbound.write(ByteBuffer(string: Self.get))
                    for try await _ in inbound {}
                }
            }
        }
    }

    @Test func `files that do not belong together change nothing, and are complained of once`()
        async throws
    {
        let (files, others) = (try Files(), try Files())
        try await files.write()
        try await others.write()
        let certificate = try files.read()
        let end = certificate.expiresAt
        let good = try Data(contentsOf: URL(filePath: files.certificate))
        try Data(contentsOf: URL(filePath: others.certificate))
            .write(to: URL(filePath: files.certificate))
        let error = #expect(throws: ServerCertificate.Failure.self) { try certificate.refresh() }
        #expect(
            error?.description
                == "the key in \(files.key) is not that of the certificate in \(files.certificate)")
        #expect(try !certificate.refresh())
        #expect(certificate.expiresAt == end)
        // And once they belong together again, they are taken.
        try good.write(to: URL(filePath: files.certificate))
        #expect(try certificate.refresh())
    }

    @Test func `what is no certificate or no key is named`() async throws {
        let files = try Files()
        func complaint() -> String? {
            #expect(throws: ServerCertificate.Failure.self) { try files.read() }?.description
        }
        #expect(complaint() == "there is no file \(files.certificate)")
        try await files.write()
        try Data("-----BEGIN".utf8).write(to: URL(filePath: files.key))
        #expect(
            complaint() == "\(files.key) has no private key in PEM form without a passphrase")
        try Data().write(to: URL(filePath: files.certificate))
        #expect(complaint() == "\(files.certificate) has no certificate in PEM form")
    }

    @Test func `plain HTTP is not spoken where there is a certificate`() async throws {
        let files = try Files()
        try await files.write()
        let certificate = try files.read()
        try await TestServer.run(.live, options: { $0.certificate = certificate }) { server in
            let port = try #require(server.client.port)
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: "127.0.0.1", port: port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                            wrappingChannelSynchronously: channel)
                    }
                }
            var received = ""
            do {
                try await channel.executeThenClose { inbound, outbound in
                    try await outbound.write(ByteBuffer(string: Self.get))
                    for try await buffer in inbound { received += String(buffer: buffer) }
                }
            } catch is IOError {
            } catch is ChannelError {
            }
            #expect(!received.contains("HTTP/1.1"))
        }
    }
}
