import Foundation
import Meterstone
import MeterstoneCommand
import MeterstoneCore
import Testing

/// `serve` with a certificate from files.
@Suite struct SecureServingTests {
    /// Makes a certificate and its key in a folder.
    private func make(_ folder: String, days: Int = 30) async throws {
        let made = try await Program.run(
            "/usr/bin/env",
            [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "\(folder)/key.pem", "-out",
                "\(folder)/certificate.pem", "-days", "\(days)", "-subj", "/CN=localhost",
                "-addext", "subjectAltName=DNS:localhost",
            ])
        try #require(made.status == 0, "\(made.errors)")
    }

    private func curl(
        _ folder: String, _ server: Program.Server, _ arguments: [String]
    ) async throws -> Program.Ending {
        let place = "https://localhost:\(server.port)"
        return try await Program.run(
            "/usr/bin/env",
            [
                "curl", "-sS", "-i", "--cacert", "\(folder)/certificate.pem", "--resolve",
                "localhost:\(server.port):127.0.0.1",
            ] + arguments.map { $0.replacing("SERVER", with: place) })
    }

    private func flags(_ folder: String) -> [String] {
        [
            "--data", "\(folder)/store", "--tls-certificate", "\(folder)/certificate.pem",
            "--tls-key", "\(folder)/key.pem",
        ]
    }

    @Test func `the server speaks HTTPS, takes a new certificate, and marks its cookies`()
        async throws
    {
        try await withFolder { folder in
            try await make(folder)
            let key = "an-administrators-key"
            let ending = try await Program.serve(
                flags(folder), ["METERSTONE_ADMIN_KEY": key]
            ) { server in
                #expect(server.line.contains("listens on https://127.0.0.1:"))
                let signedIn = try await curl(
                    folder, server, ["SERVER/v1/sessions", "--json", #"{"key":"\#(key)"}"#])
                #expect(signedIn.output.contains("201"), "\(signedIn)")
                #expect(signedIn.output.contains("; Secure"), "\(signedIn)")
                // Within seconds the server shows what the files have by now.
                try await make(folder)
                var isTaken = false
                let end = ContinuousClock.now + .seconds(60)
                while !isTaken, ContinuousClock.now < end {
                    isTaken = try await curl(folder, server, ["SERVER/healthz"]).status == 0
                }
                #expect(isTaken)
            }
            #expect(ending.status == 0)
            #expect(ending.errors.contains("the certificate was read anew"))
        }
    }

    @Test func `a certificate without its key ends the start with 64, and no store is made`()
        async throws
    {
        try await withFolder { folder in
            try await make(folder)
            for (left, said) in [
                ("--tls-key", "METERSTONE_TLS_CERTIFICATE"),
                ("--tls-certificate", "METERSTONE_TLS_KEY"),
            ] {
                let place = flags(folder).firstIndex(of: left) ?? 0
                let ending = try await Program.run(
                    ["serve", "--port", "0", "--data", "\(folder)/store"]
                        + flags(folder)[place...(place + 1)])
                #expect(ending.status == 64)
                #expect(ending.errors.contains("\(left): set \(said), too"), "\(ending.errors)")
            }
            try FileManager.default.removeItem(atPath: "\(folder)/key.pem")
            let ending = try await Program.run(["serve", "--port", "0"] + flags(folder))
            #expect(ending.status == 64)
            #expect(ending.errors.contains("there is no file \(folder)/key.pem"))
            #expect(!FileManager.default.fileExists(atPath: "\(folder)/store"))
        }
    }

    @Test func `the doctor says when a certificate ends`() async throws {
        try await withFolder { folder in
            try await make(folder, days: 20)
            let said = [
                "--data": "\(folder)/none", "--tls-certificate": "\(folder)/certificate.pem",
                "--tls-key": "\(folder)/key.pem",
            ]
            func level(afterDays days: Int64) async throws -> Finding? {
                let now = SystemClock.now().advanced(byMilliseconds: days * 86_400_000)
                return await Doctor(try Settings(said, environment: [:]), at: now).findings()
                    .first { $0.thing == "certificate" }
            }
            #expect(try await level(afterDays: 0)?.level == .fine)
            #expect(try await level(afterDays: 7)?.level == .warning)
            #expect(try await level(afterDays: 21)?.level == .problem)
            try FileManager.default.removeItem(atPath: "\(folder)/key.pem")
            let missing = try await level(afterDays: 0)
            #expect(missing?.level == .problem)
            #expect(missing?.found.contains("there is no file \(folder)/key.pem") ?? false)
        }
    }
}
