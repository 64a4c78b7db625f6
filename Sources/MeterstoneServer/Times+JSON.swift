import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore

extension Times {
    /// What a body may hold, so that what was read can be written; it is left aside.
    static let fields = ["createdAt", "updatedAt"]

    /// The JSON of a thing, which has members, with its times behind them.
    func adding(to json: [UInt8]) -> [UInt8] {
        guard json.last == UInt8(ascii: "}") else { return json }
        var writer = JSONWriter()
        writer.beginObject()
        for (name, instant) in zip(Self.fields, [createdAt, updatedAt]) {
            guard let instant else { continue }
            writer.name(text: name)
            writer.string(instant.rfc3339)
        }
        guard writer.bytes.count > 1 else { return json }
        writer.endObject()
        return json.dropLast() + [UInt8(ascii: ",")] + writer.bytes.dropFirst()
    }
}

extension MeterstoneEngine {
    /// What a write left, with its times.
    func timed(
        _ json: [UInt8], _ change: Change, _ request: Request, isReplay: Bool
    ) async throws -> [UInt8] {
        guard let thing = change.written else { return json }
        let key = isReplay ? try request.headers.idempotencyKey() : nil
        return try await times(of: thing, after: key)?.adding(to: json) ?? json
    }
}

extension MergePatch.Target {
    /// An account is a part of its subject, which tells them.
    fileprivate var tellsTimes: Bool {
        if case .account = self { false } else { true }
    }
}

extension Change {
    /// What it leaves, where that tells its times.
    fileprivate var written: MergePatch.Target? {
        switch self {
        case .putMeter(let meter): .meter(meter.key)
        case .putPlan(let plan): .plan(plan.key)
        case .putLimit(let limit): .limit(limit.key)
        case .putModel(let model): .model(model.key)
        case .putAlert(let alert): .alert(alert.key)
        case .putSubject(let subject): .subject(subject.id)
        case .putSubscription(let id, _): .subscription(id)
        case .patch(let patch): patch.target.tellsTimes ? patch.target : nil
        default: nil
        }
    }
}
