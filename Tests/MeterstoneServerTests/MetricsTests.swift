import CoreMetrics
import Foundation
import HTTPTypes
import HummingbirdTesting
import Meterstone
import MeterstoneCore
import MeterstoneServer
import MeterstoneStore
import MeterstoneTesting
import Subprocess
import Testing

/// What `/metrics` tells.
@Suite struct MetricsTests {
    private func metrics(_ server: TestServer) async throws -> [String: String] {
        let answer = try await server.get("/metrics")
        #expect(answer.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8")
        var values: [String: String] = [:]
        for line in answer.text.split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: " ")
            values[String(parts[0])] = String(parts[1])
        }
        return values
    }

    @Test(arguments: [TestingSetup.router, .live])
    func `requests are counted by route and status, decisions by outcome`(
        setup: TestingSetup
    ) async throws {
        try await TestServer.run(setup) { server in
            let consume = #"{"subject":"u","meter":"prompts","quantity":6}"#
            _ = try await server.post("/v1/consume", consume)
            _ = try await server.post("/v1/consume", consume)
            _ = try await server.post("/v1/consume", "{}")
            _ = try await server.post("/v1/check", consume)
            _ = try await server.post("/v1/events", #"{"subject":"u","meter":"prompts","id":"x"}"#)
            _ = try await server.get("/v1/subjects/u")
            _ = try await server.get("/v1/subjects/nobody")
            _ = try await server.get("/nothing/1")
            _ = try await server.get("/nothing/2")
            let values = try await metrics(server)
            let requests = "meterstone_http_requests_total"
            let consumed = #"{method="POST",route="/v1/consume",status="#
            #expect(values[requests + consumed + #""200"}"#] == "1")
            #expect(values[requests + consumed + #""429"}"#] == "1")
            #expect(values[requests + consumed + #""422"}"#] == "1")
            #expect(values[requests + consumed + #""500"}"#] == nil)
            let subject = #"{method="GET",route="/v1/subjects/{subject}",status="#
            #expect(values[requests + subject + #""200"}"#] == "1")
            #expect(values[requests + subject + #""404"}"#] == "1")
            #expect(values[requests + #"{method="any",route="none",status="404"}"#] == "2")
            let seconds = "meterstone_http_request_seconds"
            #expect(values[seconds + #"_count{method="POST",route="/v1/consume"}"#] == "3")
            #expect(
                values[seconds + #"_bucket{method="POST",route="/v1/consume",le="+Inf"}"#] == "3")
            let decisions = "meterstone_decisions_total{operation="
            #expect(values[decisions + #""consume",outcome="allowed"}"#] == "1")
            #expect(values[decisions + #""consume",outcome="limit_exceeded"}"#] == "1")
            #expect(values[decisions + #""check",outcome="limit_exceeded"}"#] == "1")
            #expect(values[decisions + #""reserve",outcome="allowed"}"#] == "0")
            #expect(values[#"meterstone_events_total{outcome="counted"}"#] == "1")
            #expect(values["meterstone_waiting_commands"] == "0")
            #expect(values["meterstone_projection_lag_seconds"] == "0")
            #expect(values[#"meterstone_store_errors_total{code="disk_full"}"#] == "0")
            #expect(Int(values["meterstone_commit_seconds_count"] ?? "") ?? 0 > 0)
            #expect(
                values["meterstone_commit_commands_count"]
                    == values[#"meterstone_commit_commands_bucket{le="+Inf"}"#])
            #if os(Linux)
            #expect(Int(values["process_resident_memory_bytes"] ?? "") ?? 0 > 1_000_000)
            #endif
            if server.client.port != nil { #expect(values["meterstone_http_connections"] != "0") }
        }
    }

    /// A limit that is being rolled out tells what it does to those who are in beside what it would do to others.
    @Test func `decisions are counted by limit, in force and in shadow`() async throws {
        try await TestServer.run { server in
            let limit =
                #"{"meter":"exports","window":"day","defaultAllowance":2,"rollout":{"percent":40}}"#
            _ = try await server.put("/v1/meters/exports", "{}")
            let answer = try await server.put("/v1/limits/exports_daily", limit)
            #expect(answer.status == 201, "\(answer.text)")
            // Of cy's share, 0, and eve's, 38, it is in force; bob has 52 and ada 65.
            for (name, quantity) in [
                ("cy", 2), ("cy", 1), ("eve", 3), ("eve", 1), ("bob", 2), ("bob", 1), ("ada", 1),
            ] {
                let body = #"{"subject":"\#(name)","meter":"exports","quantity":\#(quantity)}"#
                _ = try await server.post("/v1/consume", body)
                _ = try await server.post("/v1/check", body)
            }
            let values = try await metrics(server)
            for (mode, refused, count) in [
                ("enforce", false, "2"), ("enforce", true, "2"), ("shadow", false, "2"),
                ("shadow", true, "1"),
            ] {
                let labels =
                    #"{limit="exports_daily",mode="\#(mode)",refused="\#(refused)"}"#
                let name = "meterstone_limit_decisions_total" + labels
                #expect(values[name] == count, "\(name)")
            }
        }
    }

    @Test func `failures of the store are counted by their code`() async throws {
        try await TestServer.run { server in
            await server.engine.shutdown()
            for _ in 0..<3 {
                _ = try await server.post("/v1/consume", #"{"subject":"u","meter":"prompts"}"#)
            }
            let values = try await metrics(server)
            #expect(values[#"meterstone_store_errors_total{code="store_closed"}"#] == "3")
        }
    }

    /// `make test` installs it.
    @Test func `promtool finds nothing to complain about`() async throws {
        try await TestServer.run { server in
            let consume = #"{"subject":"u","meter":"prompts","quantity":6}"#
            for path in ["/v1/consume", "/v1/consume", "/v1/check", "/v1/events", "/nothing"] {
                _ = try await server.post(path, consume)
            }
            let text = try await server.get("/metrics").text
            let ending = try await Subprocess.run(
                .name("promtool"), arguments: ["check", "metrics"], input: .string(text),
                output: .string(limit: 65_536), error: .combinedWithOutput)
            #expect(ending.standardOutput == "")
            #expect(ending.terminationStatus.isSuccess)
        }
    }

    private static var operations: URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "ops")
    }

    @Test func `promtool takes the alert rules`() async throws {
        let rules = Self.operations.appending(path: "prometheus-rules.yaml").path
        let ending = try await Subprocess.run(
            .name("promtool"), arguments: ["check", "rules", rules],
            output: .string(limit: 65_536), error: .combinedWithOutput)
        #expect(ending.terminationStatus.isSuccess, "\(ending.standardOutput)")
    }

    @Test(arguments: ["prometheus-rules.yaml", "grafana-dashboard.json"])
    func `every metric that rules and dashboard ask for is documented`(file: String) throws {
        let asked = try String(
            contentsOf: Self.operations.appending(path: file), encoding: .utf8)
        let page = Self.operations.deletingLastPathComponent()
            .appending(path: "docs/operating/watching.md")
        let documented = try String(contentsOf: page, encoding: .utf8)
        let names = asked.matches(of: /(meterstone|process)_[a-z_]+/).map(\.output.0)
        #expect(!names.isEmpty)
        for name in names {
            let base = name.hasSuffix("_bucket") ? name.dropLast("_bucket".count) : name
            #expect(documented.contains("| `\(base)` |"), "\(name)")
        }
    }

    @Test func `metrics need the key`() async throws {
        try await TestServer.run(key: "secret") { server in
            let answer = try await server.send(
                .get, "/metrics", headers: [.authorization: "Bearer wrong"])
            #expect(answer.isProblem(401, "unauthorized"))
            #expect(try await server.get("/metrics").status == 200)
        }
    }

    @Test func `a distribution is cumulative, and a timer is told in seconds`() {
        let metrics = PrometheusMetrics()
        let timer = CoreMetrics.Timer(
            label: "t", dimensions: [("a", "x\"y\\z\n")], factory: metrics)
        for milliseconds in [1, 1, 30, 20_000] { timer.recordMilliseconds(milliseconds) }
        let lines = metrics.text.split(separator: "\n")
        let labels = #"a="x\"y\\z\n""#
        for line in [
            "# TYPE t histogram", #"t_bucket{\#(labels),le="0.0005"} 0"#,
            #"t_bucket{\#(labels),le="0.001"} 2"#, #"t_bucket{\#(labels),le="0.05"} 3"#,
            #"t_bucket{\#(labels),le="10"} 3"#, #"t_bucket{\#(labels),le="+Inf"} 4"#,
            "t_sum{\(labels)} 20.032", "t_count{\(labels)} 4",
        ] { #expect(lines.contains(Substring(line)), "\(line)") }
    }

    @Test func `the same metric is the same, and what has no end has one`() {
        let metrics = PrometheusMetrics()
        for _ in 0..<3 {
            CoreMetrics.Counter(label: "c", dimensions: [("a", "b")], factory: metrics).increment()
        }
        #expect(metrics.text.contains(#"c{a="b"} 3"#))
        for number in 0..<20_000 {
            CoreMetrics.Counter(label: "d", dimensions: [("n", "\(number)")], factory: metrics)
                .increment()
        }
        #expect(metrics.text.split(separator: "\n").count < 10_010)
        // One name is one kind.
        CoreMetrics.Meter(label: "c", dimensions: [("a", "c")], factory: metrics).set(7)
        #expect(!metrics.text.contains(#"c{a="c"}"#))
    }
}
