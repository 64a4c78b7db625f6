import Testing

/// Who may import what: the table of the architecture page.
@Suite struct ImportTests {
    static let allowed: [String: Set<String>] = [
        "MeterstoneCore": [],
        "MeterstoneStore": ["Crypto", "MeterstoneCore", "FoundationEssentials", "Synchronization"],
        "MeterstoneSQLite": [
            "MeterstoneCore", "MeterstoneStore", "GRDB", "GRDBSQLite", "Foundation", "Dispatch",
            "Synchronization", "Glibc", "Musl", "Darwin",
        ],
        "MeterstonePostgres": [
            "CLibPQ", "MeterstoneCore", "MeterstoneStore", "Dispatch", "Synchronization", "Glibc",
            "Musl", "Darwin",
        ],
        "Meterstone": [
            "MeterstoneCore", "MeterstoneStore", "CoreMetrics", "Logging", "Dispatch",
            "Synchronization", "Glibc",
            "Musl", "Darwin", "FoundationEssentials",
        ],
        "MeterstoneTesting": [
            "Meterstone", "MeterstoneCore", "MeterstoneStore", "Foundation", "Synchronization",
            "CFaultyDisk",
        ],
        "MeterstoneAPI": ["CZlib", "MeterstoneCore", "FoundationEssentials", "Foundation"],
        "MeterstoneBlueprint": ["MeterstoneCore", "Yams"],
        "MeterstonePages": [
            "CZlib", "MeterstoneCore", "Mustache", "FoundationEssentials", "Foundation",
        ],
        "MeterstoneClient": [
            "Meterstone", "MeterstoneAPI", "MeterstoneCore", "MeterstoneStore", "AsyncHTTPClient",
            "NIOCore", "NIOHTTP1", "Foundation", "Glibc", "Musl", "Darwin", "Observation",
            "Synchronization",
        ],
        "MeterstoneMirror": [
            "Meterstone", "MeterstoneAPI", "MeterstoneCore", "MeterstoneSQLite",
            "MeterstonePostgres", "MeterstoneStore", "GRDB", "Foundation", "Dispatch",
            "Synchronization", "Glibc",
        ],
        "MeterstoneShipping": [
            "Meterstone", "MeterstoneCore", "MeterstoneStore", "Crypto", "Foundation",
            "Dispatch", "Synchronization",
        ],
        "MeterstoneImport": [
            "Meterstone", "MeterstoneAPI", "MeterstoneCore", "MeterstoneStore",
            "Foundation",
            "FoundationEssentials", "Glibc", "Musl", "Darwin",
        ],
    ]

    @Test func `every import is in the table`() {
        for file in SourceFile.all(in: "Sources", ending: ".swift") {
            guard let allowed = Self.allowed[file.target] else { continue }
            for (number, line) in file.code {
                guard let module = imported(by: line) else { continue }
                #expect(
                    allowed.contains(module),
                    "\(file.path):\(number): \(file.target) must not import \(module)")
            }
        }
    }

    /// The mirror writes through the stores' connections, and follows whatever store there is.
    @Test func `only the command knows which store is in use`() {
        for file in SourceFile.all(in: "Sources", ending: ".swift")
        where !["MeterstoneCommand", "MeterstoneMirror"].contains(file.target) {
            for (number, line) in file.code {
                guard let module = imported(by: line),
                    ["MeterstoneSQLite", "MeterstonePostgres"].contains(module)
                else { continue }
                Issue.record("\(file.path):\(number): use the Store protocol")
            }
        }
    }

    private func imported(by line: String) -> String? {
        var words = line.split(separator: " ").map(String.init)
        if let first = words.first, ["public", "package", "@preconcurrency"].contains(first) {
            words.removeFirst()
        }
        guard words.count >= 2, words[0] == "import" else { return nil }
        return words[1]
    }
}
