import Foundation
import MeterstoneTesting

/// One measured number.
struct Figure: Codable, Sendable {
    var name: String
    var value: Double
    var unit: String
    /// What the issue of the first release aimed for, if it did.
    var aim: Double?
}

/// Prints figures as they come, and writes them all as JSON.
@MainActor final class Report {
    private var figures: [Figure] = []

    /// - Parameter isQuiet: `true`: it is printed as a part of something else.
    func add(
        _ name: String, _ value: Double, _ unit: String, aim: Double? = nil, isQuiet: Bool = false
    ) {
        figures.append(Figure(name: name, value: value, unit: unit, aim: aim))
        guard !isQuiet else { return }
        let number = value < 100 ? String(format: "%.2f", value) : String(format: "%.0f", value)
        let goal = aim.map { "   aim \(String(format: "%.0f", $0))" } ?? ""
        let line =
            name.padding(toLength: 58, withPad: " ", startingAt: 0)
            + String(repeating: " ", count: max(0, 12 - number.count)) + number + " " + unit + goal
        FileHandle.standardOutput.write(Data((line + "\n").utf8))
    }

    /// Says under which circumstances the next figures came about.
    func note(_ text: String) {
        FileHandle.standardOutput.write(Data((text + "\n").utf8))
    }

    func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try encoder.encode(figures).write(to: URL(fileURLWithPath: path))
    }
}

/// Latencies in microseconds.
struct Latencies: Sendable {
    var values: [Double] = []

    mutating func add(_ duration: Duration) {
        values.append(
            Double(duration.components.attoseconds) / 1e12
                + Double(duration.components.seconds) * 1e6)
    }

    func percentile(_ share: Double) -> Double {
        guard !values.isEmpty else { return 0 }
        let sorted = values.sorted()
        return sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
    }
}

/// How fast something went.
struct Pace: Sendable {
    var perSecond: Double
    var latencies: Latencies
}

func inSeconds(_ duration: Duration) -> Double {
    Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
}

/// How long the disk takes to make 4 KiB at the end of a file durable.
func syncMicroseconds() throws -> Double {
    let folder = TemporaryFolder()
    try FileManager.default.createDirectory(
        atPath: folder.path, withIntermediateDirectories: true)
    let path = folder.path + "/probe"
    FileManager.default.createFile(atPath: path, contents: nil)
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    // The folder goes with its last reference.
    defer { withExtendedLifetime(folder) { try? file.close() } }
    let block = Data(count: 4_096)
    let clock = ContinuousClock()
    var latencies = Latencies()
    for _ in 0..<500 {
        let before = clock.now
        try file.write(contentsOf: block)
        try file.synchronize()
        latencies.add(clock.now - before)
    }
    return latencies.percentile(0.5)
}
