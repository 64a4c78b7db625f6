package import MeterstoneCore

/// A table that an application kept its usage in, by the names that the documents give it.
package enum OldTable: String, CaseIterable, Sendable {
    case usageEvents = "usage_events"
    case userUsage = "user_usage"
    case chatRequests = "chat_requests"
    case dailyTokenUsage = "daily_token_usage"
    case creditTransactions = "credit_transactions"

    /// Whether a row sums up what happened before: it becomes an opening balance.
    package var isCumulated: Bool {
        switch self {
        case .usageEvents, .chatRequests: false
        case .userUsage, .dailyTokenUsage, .creditTransactions: true
        }
    }

    /// How its rows become events, as far as it has the columns that say so.
    ///
    /// - Parameters:
    ///   - columns: of the table.
    ///   - fields: what somebody says of columns, which comes first.
    ///   - meters: of the store, which say what types mean.
    package func mapping(
        _ columns: [String], _ fields: [FieldMapping], _ meters: [Meter]
    ) throws(ImportError) -> ColumnMapping {
        var mapping = ColumnMapping(subject: RowTemplate(column: "user_id"), source: rawValue)
        mapping.zone = .utc
        mapping.skipsAbsent = true
        mapping.typeNames = meters.typeNames
        func first(of names: String...) -> String? { names.first { columns.contains($0) } }
        func put(_ field: EventField, _ names: String...) {
            guard let name = names.first(where: { columns.contains($0) }),
                let argument = FieldMapping("\(field.rawValue)=\(name)")
            else { return }
            mapping.put(argument)
        }
        put(.subject, "user_id", "userId", "subject")
        put(.id, "id")
        switch self {
        case .usageEvents:
            put(.time, "created_at", "createdAt")
            put(.type, "event_type", "eventType")
            put(.subtype, "event_subtype", "eventSubtype")
            put(.project, "project_id", "projectId")
            put(.scene, "scene_id", "sceneId")
        case .userUsage:
            put(.time, "usage_date", "usageDate")
            put(.type, "usage_type", "usageType")
            put(.count, "count")
            mapping.typeMeters = meters.byType
        case .chatRequests:
            put(.time, "started_at", "startedAt", "created_at", "createdAt")
            mapping.type = "chat_request"
            put(.subtype, "model")
            put(.session, "session_id", "sessionId")
            put(.costCents, "cost")
            mapping.source = nil
            mapping.request = RequestMapping(columns)
        case .dailyTokenUsage: put(.time, "date", "usage_date")
        case .creditTransactions: put(.time, "created_at", "createdAt")
        }
        put(.status, "status")
        put(.duration, "duration_ms", "duration", "durationMs")
        put(.error, "error_message", "errorMessage")
        if self == .usageEvents { put(.properties, "metadata") }
        if self != .userUsage, self != .chatRequests,
            let tokens = first(of: "tokens_used", "tokensUsed")
        {
            mapping.quantities.append(
                QuantityMapping(meter: MeterKey(unchecked: "tokens"), amount: .column(tokens)))
        }
        if self == .usageEvents, let credits = first(of: "credits_used", "creditsUsed") {
            mapping.quantities.append(
                QuantityMapping(
                    meter: MeterKey(unchecked: "credits_used"), amount: .column(credits)))
        }
        for field in fields { mapping.put(field) }
        guard mapping.time != nil else {
            throw ImportError(
                .usage, "the table has no column with the time; name it with --column time=COLUMN")
        }
        return mapping
    }
}

extension [Meter] {
    /// Who wrote a table may have written a meter's name where its events have a type.
    fileprivate var typeNames: [String: String] {
        var result: [String: String] = [:]
        for meter in self {
            guard let type = meter.eventTypes.first else { continue }
            for name in [meter.key] + meter.aliases
            where !contains(where: { $0.counts(type: name.text) }) {
                result[name.text] = type
            }
        }
        return result
    }

    /// The meter that counts events of a type.
    fileprivate var byType: [String: MeterKey] {
        var result: [String: MeterKey] = [:]
        for meter in sorted(by: { $0.key < $1.key })
        where meter.quantityName == nil
            && (meter.aggregation == .sum || meter.aggregation == .count)
        {
            for type in meter.eventTypes where result[type] == nil { result[type] = meter.key }
        }
        return result
    }
}
