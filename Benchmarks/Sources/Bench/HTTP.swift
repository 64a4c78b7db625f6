import Foundation
import MeterstoneTesting

/// The program over HTTP, beside a bare Hummingbird route in the same run, under the same load.
@MainActor
struct HTTPBench {
    let report: Report
    let program: String
    let seconds: Int
    private let folder = TemporaryFolder()

    func run() async throws {
        try FileManager.default.createDirectory(
            atPath: folder.path, withIntermediateDirectories: true)
        try writeInputs()
        let bare = try Server(
            path: URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
                .appendingPathComponent("BareRoute").path, arguments: ["8391"], port: 8_391)
        let bareRate = try wrk("http://127.0.0.1:8391/consume")
        bare.stop()
        report.add("bare Hummingbird JSON route, 64 connections", bareRate, "/s")
        let meterstone = try Server(
            path: program,
            arguments: [
                "serve", "--port", "8392", "--data", folder.path + "/data", "--blueprint",
                folder.path + "/bench.yaml",
            ], port: 8_392)
        defer { meterstone.stop() }
        let rate = try wrk("http://127.0.0.1:8392/v1/consume")
        report.add("HTTP consume, 64 connections", rate, "/s")
        report.add("  share of the bare route", rate / bareRate, "", aim: 0.7)
        try ingest("NDJSON ingest", "events.ndjson", "application/x-ndjson", aim: 200_000)
        try ingest("CloudEvents batch ingest", "events.json", "application/cloudevents-batch+json")
    }

    private static let eventsPerBody = 50_000

    static let blueprint = """
        meters:
          requests: {aggregation: sum, eventTypes: [request]}
        limits:
          daily: {meter: requests, window: day, defaultAllowance: 1000000000}
          monthly: {meter: requests, window: month, defaultAllowance: 1000000000}
          total: {meter: requests, window: lifetime, defaultAllowance: 1000000000}
        """

    private func writeInputs() throws {
        try write(Self.blueprint, "bench.yaml")
        try write(
            """
            counter = 0
            request = function()
              counter = counter + 1
              local body = '{"subject":"subject-' .. (counter * 7919 % 100000) ..
                '","meter":"requests","quantity":1}'
              return wrk.format("POST", nil, {["Content-Type"] = "application/json"}, body)
            end
            """, "consume.lua")
    }

    private func write(_ text: String, _ name: String) throws {
        try text.write(toFile: folder.path + "/" + name, atomically: true, encoding: .utf8)
    }

    private func wrk(_ url: String) throws -> Double {
        try Self.wrk(url, script: folder.path + "/consume.lua", seconds: seconds)
    }

    /// Requests a second over 64 connections.
    static func wrk(_ url: String, script: String, seconds: Int) throws -> Double {
        let output = try shell("wrk -t1 -c64 -d\(seconds)s -s \(script) \(url)")
        guard
            let line = output.split(separator: "\n").first(where: { $0.contains("Requests/sec") }),
            let rate = Double(line.split(separator: " ").last ?? "")
        else { throw BenchError(message: "wrk said: \(output)") }
        if output.contains("Non-2xx") { throw BenchError(message: "refused: \(output)") }
        return rate
    }

    /// Posts several bodies, one after the other, each with ids of its own.
    private func ingest(_ name: String, _ file: String, _ type: String, aim: Double? = nil) throws {
        let clock = ContinuousClock()
        var elapsed = Duration.zero
        let rounds = 6
        for round in 0..<rounds {
            try write(body(file, round: round), file)
            let start = clock.now
            let answer = try shell(
                "curl -s -X POST -H 'Content-Type: \(type)' --data-binary @\(folder.path)/\(file)"
                    + " http://127.0.0.1:8392/v1/events")
            elapsed += clock.now - start
            guard answer.contains("\"counted\":\(Self.eventsPerBody)") else {
                throw BenchError(message: "not all were counted: \(answer.prefix(300))")
            }
        }
        report.add(
            name, Double(rounds * Self.eventsPerBody) / inSeconds(elapsed), "/s", aim: aim)
    }

    private func body(_ file: String, round: Int) -> String {
        let isCloudEvents = file.hasSuffix(".json")
        let events = (0..<Self.eventsPerBody).map { index in
            let id = "\(file)-\(round)-\(index)"
            let subject = "subject-\(index * 7_919 % 100_000)"
            return isCloudEvents
                ? #"{"specversion":"1.0","id":"\#(id)","source":"bench","type":"request","#
                    + #""subject":"\#(subject)"}"#
                : #"{"id":"\#(id)","subject":"\#(subject)","type":"request"}"#
        }
        return isCloudEvents
            ? "[" + events.joined(separator: ",") + "]" : events.joined(separator: "\n") + "\n"
    }
}

struct BenchError: Error, CustomStringConvertible {
    let message: String
    var description: String { message }
}

/// A server process that is ready when this value exists.
struct Server {
    private let process = Process()

    init(
        path: String, arguments: [String], port: Int, environment: [String: String] = [:]
    ) throws {
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        for _ in 0..<200 where process.isRunning {
            let probe = Process()
            probe.executableURL = URL(fileURLWithPath: "/usr/bin/curl")
            probe.arguments = ["-s", "-o", "/dev/null", "http://127.0.0.1:\(port)/healthz"]
            try probe.run()
            probe.waitUntilExit()
            if probe.terminationStatus == 0 { return }
            Thread.sleep(forTimeInterval: 0.05)
        }
        throw BenchError(message: "\(path) does not answer")
    }

    func stop() {
        process.terminate()
        process.waitUntilExit()
    }
}
