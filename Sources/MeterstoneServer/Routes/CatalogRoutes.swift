import Foundation
import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// Meters, plans, limits and models: four collections that are written and read in the same way.
struct CatalogRoutes: Sendable {
    let engine: MeterstoneEngine

    func add(to routes: inout Routes) {
        add(.meters, to: &routes)
        add(.plans, to: &routes)
        add(.limits, to: &routes)
        add(.models, to: &routes)
    }

    private func add<Item, Key>(_ collection: CatalogCollection<Item, Key>, to routes: inout Routes)
    {
        let path = "/v1/\(collection.name)"
        routes.on(.get, path) { request, _ in
            try await list(collection, request)
        }
        routes.on(.get, path + "/:key") { request, context in
            let key: Key = try context.parameter("key")
            let items = collection.items(try await engine.blueprint())
            guard let item = items.first(where: { collection.key($0) == key }) else {
                throw collection.missing(key)
            }
            return try request.answer(
                item, try encoded(try await shown([item], collection)[0]))
        }
        routes.on(.put, path + "/:key") { request, context in
            let key: Key = try context.parameter("key")
            let body = try AdministrativeBody(
                try await request.json(), fields: collection.fields + collection.shownFields,
                elements: collection.elements)
            try body.require("key", toBe: key.text)
            let item = try body.decode(Item.self, adding: [("key", key.text)])
            return try await engine.put(collection.put(item), request) { after in
                try await shown(after, collection)
            }
        }
        routes.on(.patch, path + "/:key") { request, context in
            let key: Key = try context.parameter("key")
            let body = try AdministrativeBody(
                try await request.json(), fields: collection.fields,
                elements: collection.elements)
            try body.require("key", toBe: key.text)
            return try await engine.patch(
                collection.target(key), body, request, missing: collection.missing(key)
            ) { after in
                try await shown(after, collection)
            }
        }
        routes.on(.delete, path + "/:key") { request, context in
            let key: Key = try context.parameter("key")
            return try await engine.delete(
                collection.delete(key), request, missing: collection.missing(key))
        }
    }

    private func list<Item, Key>(
        _ collection: CatalogCollection<Item, Key>, _ request: Request
    ) async throws -> Response {
        let query = try Query(request)
        let count = try query.count(default: RequestLimits.pageItemsMax)
        let after = try query.cursor(.keys).map { (cursor) throws(Rejection) in
            guard let key = Key(cursor.position) else { throw Cursor.invalid }
            return key
        }
        let items = collection.items(try await engine.blueprint())
            .filter { item in after.map { $0 < collection.key(item) } ?? true }
        let page = Array(items.prefix(count))
        let next = items.count > count ? page.last : nil
        let shown = try await shown(page, collection)
        return try Response { writer in
            writer.beginObject()
            writer.name(text: collection.name)
            writer.json(try encoded(shown))
            writer.nextCursor(
                next.map { Cursor(kind: .keys, position: collection.key($0).text) })
            writer.endObject()
        }
    }
}

extension CatalogRoutes {
    /// What a write left, as it is shown.
    private func shown<Item, Key>(
        _ after: [UInt8], _ collection: CatalogCollection<Item, Key>
    ) async throws -> [UInt8] {
        guard collection.shown != nil else { return after }
        let item = try JSONDecoder().decode(Item.self, from: Data(after))
        return try encoded(try await shown([item], collection)[0])
    }

    /// Things as they are stored, beside what is in force of them.
    private func shown<Item, Key>(
        _ items: [Item], _ collection: CatalogCollection<Item, Key>
    ) async throws -> [Shown] {
        guard let show = collection.shown else { return items.map { Shown(value: $0) } }
        let effective = try await engine.effectiveBlueprint()
        return items.map { Shown(value: show($0, effective)) }
    }
}

/// Something that can be written.
private struct Shown: Encodable {
    let value: any Encodable

    func encode(to encoder: any Encoder) throws {
        try value.encode(to: encoder)
    }
}

/// What tells one collection of the catalog from another.
private struct CatalogCollection<Item: Codable & Sendable, Key: TextIdentifier>: Sendable {
    let name: String
    let singular: String
    /// The code of the problem when there is none with a key.
    let unknown: String
    let fields: [String]
    /// As of ``AdministrativeBody``.
    var elements: [String: [String]] = [:]
    let items: @Sendable (Blueprint) -> [Item]
    let key: @Sendable (Item) -> Key
    let put: @Sendable (Item) -> Change
    let delete: @Sendable (Key) -> Change
    let target: @Sendable (Key) -> MergePatch.Target
    /// How one is shown, where the environment can say something else than what is stored.
    var shown: (@Sendable (Item, EffectiveBlueprint) -> any Encodable)?
    /// What is shown beside what is stored. A write may hold it, so that what was read can be written,
    /// and it is left aside.
    var shownFields: [String] = []

    func missing(_ key: Key) -> Problem {
        .missing(unknown, "\(singular) \(key)")
    }
}

extension CatalogCollection where Item == Meter, Key == MeterKey {
    static var meters: Self {
        CatalogCollection(
            name: "meters", singular: "meter", unknown: Rejection.Code.unknownMeter.rawValue,
            fields: [
                "key", "aggregation", "eventTypes", "dimensions", "quantityName",
                "uniqueDimension", "countedStatuses", "unit", "description",
            ],
            items: { $0.meters }, key: { $0.key }, put: { .putMeter($0) },
            delete: { .deleteMeter($0) }, target: { .meter($0) })
    }
}

extension CatalogCollection where Item == Plan, Key == PlanKey {
    static var plans: Self {
        CatalogCollection(
            name: "plans", singular: "plan", unknown: Rejection.Code.unknownPlan.rawValue,
            fields: [
                "key", "name", "description", "rank", "isDefault", "recurringGrants", "overdraft",
                "price", "billingPeriod",
            ],
            elements: ["recurringGrants": ["window", "amount", "rolloverMax", "priority"]],
            items: { $0.plans }, key: { $0.key }, put: { .putPlan($0) },
            delete: { .deletePlan($0) }, target: { .plan($0) }, shown: { $1.plan($0) },
            shownFields: EffectivePlan.fields)
    }
}

extension CatalogCollection where Item == Limit, Key == LimitKey {
    static var limits: Self {
        CatalogCollection(
            name: "limits", singular: "limit", unknown: Rejection.Code.unknownLimit.rawValue,
            fields: [
                "key", "meter", "window", "allowances", "defaultAllowance", "dimensions", "mode",
                "active", "description",
            ],
            items: { $0.limits }, key: { $0.key }, put: { .putLimit($0) },
            delete: { .deleteLimit($0) }, target: { .limit($0) }, shown: { $1.limit($0) },
            shownFields: EffectiveLimit.fields)
    }
}

extension CatalogCollection where Item == Model, Key == ModelKey {
    static var models: Self {
        CatalogCollection(
            name: "models", singular: "model", unknown: "unknown_model",
            fields: ["key", "prices"],
            elements: ["prices": ["effectiveAt", "input", "output", "cached", "reasoning"]],
            items: { $0.models }, key: { $0.key }, put: { .putModel($0) },
            delete: { .deleteModel($0) }, target: { .model($0) })
    }
}
