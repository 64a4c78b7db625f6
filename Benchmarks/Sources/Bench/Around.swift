import Foundation
import MeterstoneTesting

/// What a consume over HTTP costs with something around it: a key, a token, an alert, a mirror. All
/// programs run at once and are asked in turns, so that a ratio says something on a shared machine.
@MainActor
struct AroundBench {
    let report: Report
    let program: String
    let seconds: Int
    private let folder = TemporaryFolder()
    private let rounds = 5

    /// A server, and how it is asked.
    private struct Way {
        var name: String
        var port: Int
        var authorization: String?
        /// Whether every request is about one subject, as a token's are.
        var isOneSubject = false
        /// What it is compared with; `nil` for what others are compared with.
        var base: String?
    }

    private static let adminKey = "bench-admin-key"

    func run() async throws {
        try FileManager.default.createDirectory(
            atPath: folder.path, withIntermediateDirectories: true)
        try write(HTTPBench.blueprint, "bench.yaml")
        let open = try serve(8_393, "open")
        let alerted = try serve(8_394, "alerted")
        let mirrored = try serve(
            8_395, "mirrored", ["--mirror", "sqlite:\(folder.path)/mirror.db"])
        let guarded = try serve(
            8_396, "guarded", environment: ["METERSTONE_ADMIN_KEY": Self.adminKey])
        defer { [open, alerted, mirrored, guarded].forEach { $0.stop() } }
        _ = try ask(
            8_394, "PUT", "/v1/alerts/full", #"{"usedPercent":[50,80,100]}"#, authorization: nil)
        let key = try secret(
            "/v1/keys", #"{"name":"bench","scopes":["consume","read"]}"#, field: "secret")
        let token = try secret(
            "/v1/tokens",
            #"{"subject":"subject-1","scopes":["consume","read"],"expiresInSeconds":3600}"#,
            field: "token")
        try measure([
            Way(name: "no key", port: 8_393),
            Way(name: "no key, one subject", port: 8_393, isOneSubject: true),
            Way(
                name: "the key of the environment", port: 8_396, authorization: Self.adminKey,
                base: "no key"),
            Way(name: "a key", port: 8_396, authorization: key, base: "no key"),
            Way(
                name: "a token, one subject", port: 8_396, authorization: token,
                isOneSubject: true, base: "no key, one subject"),
            Way(name: "an alert", port: 8_394, base: "no key"),
            Way(name: "a mirror that follows", port: 8_395, base: "no key"),
        ])
    }

    private func measure(_ ways: [Way]) throws {
        var rates: [String: [Double]] = [:]
        for round in 0...rounds {
            for way in round.isMultiple(of: 2) ? ways : ways.reversed() {
                let rate = try rate(way)
                // The first round warms up.
                if round > 0 { rates[way.name, default: []].append(rate) }
            }
        }
        let medians = rates.mapValues { $0.sorted()[$0.count / 2] }
        for way in ways {
            guard let rate = medians[way.name] else { continue }
            report.add("HTTP consume, \(way.name)", rate, "/s")
            if let base = way.base.flatMap({ medians[$0] }) {
                report.add("  share of that with \(way.base ?? "")", rate / base, "", aim: 0.9)
            }
        }
    }

    private func rate(_ way: Way) throws -> Double {
        let subject = way.isOneSubject ? "1" : "' .. (counter * 7919 % 100000) .. '"
        let header = way.authorization.map { #", ["Authorization"] = "Bearer \#($0)""# } ?? ""
        try write(
            """
            counter = 0
            request = function()
              counter = counter + 1
              local body = '{"subject":"subject-\(subject)","meter":"requests","quantity":1}'
              return wrk.format("POST", nil, {["Content-Type"] = "application/json"\(header)}, body)
            end
            """, "consume.lua")
        return try HTTPBench.wrk(
            "http://127.0.0.1:\(way.port)/v1/consume", script: folder.path + "/consume.lua",
            seconds: seconds)
    }

    private func serve(
        _ port: Int, _ data: String, _ arguments: [String] = [],
        environment: [String: String] = [:]
    ) throws -> Server {
        try Server(
            path: program,
            arguments: [
                "serve", "--port", String(port), "--data", folder.path + "/" + data,
                "--blueprint", folder.path + "/bench.yaml",
            ] + arguments, port: port, environment: environment)
    }

    private func ask(
        _ port: Int, _ method: String, _ path: String, _ body: String, authorization: String?
    ) throws -> String {
        let header = authorization.map { " -H 'Authorization: Bearer \($0)'" } ?? ""
        return try shell(
            "curl -s -f -X \(method) -H 'Content-Type: application/json'\(header)"
                + " -d '\(body)' http://127.0.0.1:\(port)\(path)")
    }

    /// What the answer has as `field`.
    private func secret(_ path: String, _ body: String, field: String) throws -> String {
        let answer = try ask(8_396, "POST", path, body, authorization: Self.adminKey)
        let object = try JSONSerialization.jsonObject(with: Data(answer.utf8)) as? [String: Any]
        guard let secret = object?[field] as? String else {
            throw BenchError(message: "\(path) has no \(field): \(answer)")
        }
        return secret
    }

    private func write(_ text: String, _ name: String) throws {
        try text.write(toFile: folder.path + "/" + name, atomically: true, encoding: .utf8)
    }
}
