package import Meterstone
import MeterstoneCore

/// Reads a file and hands its rows to an engine or a server, in the order of the file.
///
/// An import can be broken off and started again: rows that were counted have their event ids, and
/// come back as duplicates. It reads the next batch while the last one is made durable.
package struct UsageImport {
    /// Rows per call; an engine syncs once for each.
    package static let batchRowsMax = 8_190

    private let service: any MeterstoneService
    private let request: ImportRequest
    private let file: InputFile
    private var reader: any EventReader
    private var meters: ImportedMeters
    private var summary = ImportSummary()
    private var isAtEnd = false
    private var memory: ImportMemory?
    private var hasBegun = false

    package init(
        _ file: InputFile, into service: any MeterstoneService, _ request: ImportRequest
    ) throws(ImportError) {
        self.service = service
        self.request = request
        self.file = file
        reader = try Self.reader(request)
        meters = ImportedMeters(request: request)
    }

    private static func reader(
        _ request: ImportRequest, scope: String = ""
    ) throws(ImportError) -> any EventReader {
        switch (request.format, request.mapping) {
        case (.ndjson, _): return NDJSONEventReader(scope: scope)
        case (.csv, let mapping?): return CSVEventReader(mapping, scope: scope)
        case (.accessLog, let mapping?): return try AccessLogEventReader(mapping, scope: scope)
        case (_, nil): throw ImportError(.usage, "--subject: missing; it names a column")
        }
    }

    /// Runs to the end of the file, and calls `report` after each batch. What it throws is an
    /// ``ImportError``, or what the service throws.
    package mutating func run(
        report: (ImportProgress) -> Void = { _ in }
    ) async throws
        -> ImportSummary
    {
        let start = ContinuousClock.now
        let memory = try await ImportMemory(of: file, request, service)
        self.memory = memory
        reader = try Self.reader(request, scope: memory.scope)
        var batch = try await nextBatch()
        while !batch.isEmpty {
            let (service, isEnforced, current) = (service, request.isEnforced, batch)
            async let answers = service.answers(to: current.events, isEnforced: isEnforced)
            let next = try await nextBatch()
            summary.count(try await answers, of: current)
            report(progress)
            batch = next
        }
        report(progress)
        if hasBegun, var memory = self.memory {
            try await memory.end(counted: summary.counted + summary.duplicate, service)
        }
        summary.notice = memory.notice
        summary.seconds = (ContinuousClock.now - start) / .seconds(1)
        summary.createdMeters = meters.created
        return summary
    }

    private var progress: ImportProgress {
        ImportProgress(
            rows: summary.rows, bytesRead: file.bytesRead, bytesTotal: file.bytesTotal)
    }

    private mutating func nextBatch() async throws -> ImportBatch {
        let batch = try readBatch()
        if !batch.isEmpty { try await prepare(batch) }
        return batch
    }

    private mutating func readBatch() throws(ImportError) -> ImportBatch {
        var batch = ImportBatch()
        while batch.events.count < Self.batchRowsMax, let row = try nextRow() {
            summary.rows += 1
            summary.note(row.localTime)
            switch row.content {
            case .success(let event): batch.append(event, line: row.line)
            case .failure(let problem): summary.reject(problem)
            }
        }
        return batch
    }

    /// Makes sure that every quantity moves a meter, and that the import may begin.
    private mutating func prepare(_ batch: ImportBatch) async throws {
        let missing = try await meters.missing(from: batch.events, service)
        if !hasBegun, var memory {
            try await memory.begin(service)
            self.memory = memory
            hasBegun = true
        }
        try await meters.create(missing, service)
    }

    private mutating func nextRow() throws(ImportError) -> EventRow? {
        while true {
            if let row = try reader.next() { return row }
            if isAtEnd { return nil }
            if let bytes = try file.next() {
                reader.push(bytes)
            } else {
                reader.finish()
                isAtEnd = true
            }
        }
    }
}

/// Rows that go to the engine as one commit, with their lines.
struct ImportBatch: Sendable {
    private(set) var events: [UsageEvent] = []
    private(set) var lines: [Int] = []

    var isEmpty: Bool { events.isEmpty }

    mutating func append(_ event: UsageEvent, line: Int) {
        events.append(event)
        lines.append(line)
    }
}
