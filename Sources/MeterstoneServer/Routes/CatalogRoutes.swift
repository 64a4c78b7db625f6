import Foundation
import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// Meters, plans, limits, models and alerts: collections that are written and read in the same way.
struct CatalogRoutes: Sendable {
    let engine: MeterstoneEngine

    func add(to routes: inout Routes) {
        add(.meters, to: &routes)
        add(.plans, to: &routes)
        add(.limits, to: &routes)
        add(.models, to: &routes)
        add(.alerts, to: &routes)
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
            let json = try encoded(try await shown([item], collection)[0])
            let times = try await engine.times(of: collection.target(key))
            return try request.answer(item, times?.adding(to: json) ?? json)
        }
        routes.on(.put, path + "/:key") { request, context in
            let key: Key = try context.parameter("key")
            let body = try AdministrativeBody(
                try await request.json(),
                fields: collection.fields + collection.shownFields + Times.fields,
                elements: collection.elements, objects: collection.objects)
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
                elements: collection.elements, objects: collection.objects)
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
        let times = try await engine.times(ofKind: collection.singular)
        return try Response { writer in
            writer.beginObject()
            writer.name(text: collection.name)
            writer.beginArray()
            for (item, shown) in zip(page, shown) {
                let json = try encoded(shown)
                writer.json(times[collection.key(item).text]?.adding(to: json) ?? json)
            }
            writer.endArray()
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
