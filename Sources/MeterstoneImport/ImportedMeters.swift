import Meterstone
import MeterstoneCore

/// Creates the meters that an import names and the store does not have.
struct ImportedMeters {
    private let request: ImportRequest
    /// Keys of meters, and the names by which meters take quantities; `nil`: not looked up yet.
    private var known: Set<MeterKey>?
    private(set) var created: [MeterKey] = []

    init(request: ImportRequest) {
        self.request = request
    }

    /// The meters that quantities of `events` name and the store does not have.
    mutating func missing(
        from events: [UsageEvent], _ service: any MeterstoneService
    ) async throws -> [MeterKey] {
        var missing: Set<MeterKey> = []
        let known = try await known(service)
        for event in events {
            switch event.quantities {
            case .none: continue
            case .one(let name, _): if !known.contains(name) { missing.insert(name) }
            case .many(let pairs):
                for pair in pairs where !known.contains(pair.name) { missing.insert(pair.name) }
            }
        }
        if request.isStrict, let key = missing.min() {
            throw ImportError(.usage, "no meter is called '\(key)', and --strict creates none")
        }
        return missing.sorted()
    }

    private mutating func known(_ service: any MeterstoneService) async throws -> Set<MeterKey> {
        if let known { return known }
        let meters = try await service.blueprint().meters
        let names = Set(meters.flatMap { [$0.key] + $0.furtherQuantities })
        known = names
        return names
    }

    mutating func create(_ keys: [MeterKey], _ service: any MeterstoneService) async throws {
        for key in keys { try await create(key, service) }
    }

    private mutating func create(_ key: MeterKey, _ service: any MeterstoneService) async throws {
        var meter = Meter(key: key)
        // A server's log is about traffic, and what failed was traffic too.
        if request.format == .accessLog { meter.countedStatuses = EventStatus.allCases }
        let change = ChangeRequest(change: .putMeter(meter), author: ImportMemory.author)
        if case .rejected(let rejection) = try await service.change(change).outcome {
            throw ImportError(.badData, "meter '\(key)': \(rejection.text)")
        }
        known?.insert(key)
        created.append(key)
    }
}
