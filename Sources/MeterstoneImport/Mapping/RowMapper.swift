import MeterstoneAPI
package import MeterstoneCore

/// Turns the rows of one file into usage events.
package struct RowMapper: Sendable {
    private let columnCount: Int
    private let subject: [TextPart]
    /// `nil` when there is no type, or all rows have the same.
    private let type: [TextPart]?
    private let time: Int?
    private let id: Int?
    private let quantities: [(meter: MeterKey, amount: Amount)]
    private let dimensions: [(name: String, column: Int)]
    private let fields: [(field: EventField, column: Int)]
    private let count: Int?
    private let request: RequestReader?
    private let clock: RowClock
    private let mapping: ColumnMapping
    /// What all rows have in common, where nothing differs from row to row.
    private let sharedDetails: EventDetails?
    private var derivedIDs: DerivedIDs
    /// How often clocks showed the time of the row that was read last.
    private(set) var localTime = LocalTime.once

    private enum TextPart {
        case text(String)
        case column(Int)
        case row(modulo: Int?)
    }

    private enum Amount {
        case column(Int)
        case constant(Quantity)
    }

    /// - Parameter scope: what ids that are made for rows begin from.
    package init(
        _ mapping: ColumnMapping, columns: Columns, scope: String = ""
    ) throws(ImportError) {
        try mapping.check()
        self.mapping = mapping
        derivedIDs = DerivedIDs(scope: scope)
        columnCount = columns.names.count
        clock = RowClock(zone: mapping.zone)
        subject = try Self.parts(mapping.subject, "--subject", columns)
        let typeTemplate = try mapping.typeTemplate()
        type = try typeTemplate.map { (template) throws(ImportError) in
            try Self.parts(template, "--type", columns)
        }
        time = try Self.index(mapping.time, "--time", columns)
        id = try Self.index(mapping.id, "--id", columns)
        quantities = try Self.quantities(mapping.quantities, columns)
        dimensions = try Self.dimensions(mapping.dimensions, columns)
        fields = try mapping.fields.sorted { $0.key.rawValue < $1.key.rawValue }
            .map { (field, name) throws(ImportError) in
                (field, try columns.index(of: name, for: "--column \(field.rawValue)"))
            }
        count = try Self.index(mapping.count, "--column count", columns)
        request = try mapping.request.map { (request) throws(ImportError) in
            try RequestReader(request, columns)
        }
        let hasDetails = mapping.type != nil || mapping.source != nil
        sharedDetails = hasDetails ? EventDetails(source: mapping.source, type: mapping.type) : nil
    }

    /// The event that a row tells of; `number` counts rows from 0.
    package mutating func event(
        _ record: Record, number: Int, status: EventStatus = .success
    ) throws(RowProblem) -> UsageEvent {
        localTime = .once
        guard record.count == columnCount else {
            throw problem(record, "has \(record.count) fields, and the header has \(columnCount)")
        }
        let event = UsageEvent(
            id: try eventID(record),
            subject: try subject(record, number),
            occurredAt: try occurredAt(record),
            quantities: try quantities(record, number),
            details: try details(record, number, status)
        )
        return try request?.told(event, record, clock) ?? event
    }

    private func problem(_ record: Record, _ reason: String) -> RowProblem {
        RowProblem(line: record.line, reason: reason)
    }

    private func text(_ record: Record, _ index: Int, _ what: String) throws(RowProblem) -> String {
        guard let text = record.text(index) else {
            throw problem(record, "\(what): the bytes are not UTF-8")
        }
        return text
    }

    private func text(
        _ record: Record, _ parts: [TextPart], _ number: Int, _ what: String
    ) throws(RowProblem) -> String {
        var result = ""
        for part in parts {
            switch part {
            case .text(let text): result += text
            case .column(let index): result += try text(record, index, what)
            case .row(let divisor): result += String(divisor.map { number % $0 } ?? number)
            }
        }
        return result
    }
}

// MARK: - Fields of a row

extension RowMapper {
    private mutating func eventID(_ record: Record) throws(RowProblem) -> EventID {
        guard let id else { return derivedIDs.next(for: record.bytes[...]) }
        let text = try text(record, id, "event id")
        guard let eventID = EventID(text) else {
            throw problem(record, "event id '\(text)': expected \(EventID.expectation)")
        }
        return eventID
    }

    private func subject(_ record: Record, _ number: Int) throws(RowProblem) -> SubjectID {
        let name = try text(record, subject, number, "subject")
        guard let subject = SubjectID(name) else {
            throw problem(record, "subject '\(name)': expected \(SubjectID.expectation)")
        }
        return subject
    }

    private mutating func occurredAt(_ record: Record) throws(RowProblem) -> Instant? {
        guard let time else { return nil }
        let text = try text(record, time, "time")
        guard let (instant, localTime) = clock.reading(text) else {
            throw problem(record, "time '\(text)': expected \(clock.expectation)")
        }
        self.localTime = localTime
        return instant
    }

    private func quantities(
        _ record: Record, _ number: Int
    ) throws(RowProblem) -> Quantities {
        if quantities.count == 1, count == nil, !mapping.skipsAbsent {
            return .one(quantities[0].meter, try quantity(record, quantities[0].amount))
        }
        var pairs: [NamedQuantity] = []
        pairs.reserveCapacity(quantities.count + 1)
        if let count {
            let type = try type(record, number) ?? ""
            guard let meter = mapping.typeMeters[type] ?? MeterKey(type) else {
                throw problem(record, "type '\(type)': expected \(MeterKey.expectation)")
            }
            pairs.append(
                NamedQuantity(name: meter, quantity: try quantity(record, .column(count))))
        }
        for (meter, amount) in quantities {
            if mapping.skipsAbsent, case .column(let index) = amount, record.isAbsent(index) {
                continue
            }
            pairs.append(NamedQuantity(name: meter, quantity: try quantity(record, amount)))
        }
        return Quantities(pairs)
    }

    private func quantity(_ record: Record, _ amount: Amount) throws(RowProblem) -> Quantity {
        switch amount {
        case .constant(let quantity):
            return quantity
        case .column(let index):
            let text = try text(record, index, "quantity")
            if let units = Int64(text) { return Quantity(units) }
            let expected = "quantity '\(text)': expected a whole number"
            guard let (whole, fraction) = Self.decimal(text) else {
                throw problem(record, expected)
            }
            // Spreadsheets and data frames write whole numbers so.
            guard fraction.allSatisfy({ $0 == "0" }) else {
                throw problem(record, "\(expected); parts of one are not counted")
            }
            guard let units = Int64(whole) else { throw problem(record, expected) }
            return Quantity(units)
        }
    }

    /// The digits before and after the point of `12.50`; `nil` when the text is not of this shape.
    private static func decimal(_ text: String) -> (whole: Substring, fraction: Substring)? {
        guard let point = text.firstIndex(of: ".") else { return nil }
        let (whole, fraction) = (text[..<point], text[text.index(after: point)...])
        let digits = whole.first == "-" ? whole.dropFirst() : whole
        guard !digits.isEmpty, !fraction.isEmpty, digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }),
            fraction.utf8.allSatisfy({ 0x30...0x39 ~= $0 })
        else { return nil }
        return (whole, fraction)
    }

    private func details(
        _ record: Record, _ number: Int, _ status: EventStatus
    ) throws(RowProblem) -> EventDetails? {
        if dimensions.isEmpty, fields.isEmpty, type == nil, status == .success {
            return sharedDetails
        }
        var values: [Dimension] = []
        for (name, column) in dimensions where !record.isAbsent(column) {
            let value = try text(record, column, name)
            guard WireBounds.isDimensionValue(value) else {
                throw problem(
                    record, "dimension '\(name)': expected \(WireBounds.dimensionExpectation)")
            }
            values.append(Dimension(name: name, value: value))
        }
        var told: [EventField: String] = [:]
        for (field, column) in fields where !record.isAbsent(column) {
            let value = try text(record, column, field.rawValue)
            // In a table an empty text is as good as none.
            if !value.isEmpty || !mapping.skipsAbsent { told[field] = value }
        }
        // Some libraries write the JSON of nothing where nothing is told.
        let properties = told[.properties].flatMap { $0 == "null" ? nil : $0 }
        if let properties, !properties.hasPrefix("{") {
            throw problem(record, "properties '\(properties.prefix(40))': expected a JSON object")
        }
        return EventDetails(
            source: mapping.source, type: try type(record, number),
            subtype: try name(told[.subtype], .subtype, record),
            status: try told[.status].map { (text) throws(RowProblem) in
                try self.status(text, record)
            } ?? status,
            durationMilliseconds: try told[.duration].map { (text) throws(RowProblem) in
                try milliseconds(text, record)
            },
            errorMessage: told[.error].map {
                String(decoding: $0.utf8.prefix(WireBounds.errorMessageBytesMax), as: UTF8.self)
            }, cost: try cost(told, record), project: try name(told[.project], .project, record),
            scene: try name(told[.scene], .scene, record),
            session: try name(told[.session], .session, record), dimensions: values,
            properties: properties, levels: try levels(told[.levels] ?? "", record))
    }

    /// `project/x, key/k1`.
    private func levels(_ text: String, _ record: Record) throws(RowProblem) -> [SubjectID] {
        var levels: [SubjectID] = []
        for part in text.split(separator: ",") {
            var name = part
            while name.first == " " { name.removeFirst() }
            while name.last == " " { name.removeLast() }
            guard let level = SubjectID(String(name)), !levels.contains(level),
                levels.count < EventBounds.levelsMax
            else {
                throw problem(
                    record,
                    "levels '\(text.prefix(40))': expected at most \(EventBounds.levelsMax) "
                        + "subjects, each once, with commas between them")
            }
            levels.append(level)
        }
        return levels
    }

    private func name(
        _ text: String?, _ field: EventField, _ record: Record
    ) throws(RowProblem) -> String? {
        guard let text, !SubjectID.isValid(text) else { return text }
        throw problem(
            record, "\(field.rawValue) '\(text)': expected \(SubjectID.expectation)")
    }

    private func milliseconds(_ text: String, _ record: Record) throws(RowProblem) -> Int64 {
        guard let number = Int64(text), number >= 0 else {
            throw problem(record, "duration '\(text)': expected whole milliseconds from 0")
        }
        return number
    }

    /// In the words of events, and in those of requests.
    private func status(_ text: String, _ record: Record) throws(RowProblem) -> EventStatus {
        switch text.lowercased() {
        case "success", "succeeded", "completed", "ok": return .success
        case "failed", "failure", "error": return .failed
        case "cancelled", "canceled": return .cancelled
        default:
            throw problem(
                record, "status '\(text)': expected success, completed, failed or cancelled")
        }
    }

    private func cost(
        _ told: [EventField: String], _ record: Record
    ) throws(RowProblem) -> Money? {
        if let text = told[.costCents] {
            guard let cents = Int64(text.withoutEmptyFraction),
                let cost = Money(trillionths: Int128(cents) * 10_000_000_000),
                cents >= 0
            else { throw problem(record, "cost '\(text)': expected whole cents from 0") }
            return cost
        }
        guard let text = told[.cost] else { return nil }
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let decimals = parts.count == 2 ? String(parts[1]) : ""
        let digits = String(parts[0]) + decimals
        guard decimals.count <= 12, digits.allSatisfy({ $0.isASCII && $0.isNumber }),
            let units = Int128(digits + String(repeating: "0", count: 12 - decimals.count)),
            let cost = Money(trillionths: units)
        else {
            throw problem(
                record, "cost '\(text)': expected a number from 0 with at most 12 decimals")
        }
        return cost
    }

    private func type(_ record: Record, _ number: Int) throws(RowProblem) -> String? {
        guard let type else { return mapping.type }
        let name = try text(record, type, number, "type")
        guard SubjectID.isValid(name) else {
            throw problem(record, "type '\(name)': expected \(SubjectID.expectation)")
        }
        return mapping.typeNames[name] ?? name
    }
}

// MARK: - Columns by name

extension RowMapper {
    private static func index(
        _ name: String?, _ flag: String, _ columns: Columns
    ) throws(ImportError) -> Int? {
        guard let name else { return nil }
        return try columns.index(of: name, for: flag)
    }

    private static func parts(
        _ template: RowTemplate, _ flag: String, _ columns: Columns
    ) throws(ImportError) -> [TextPart] {
        var parts: [TextPart] = []
        for part in template.parts {
            switch part {
            case .text(let text): parts.append(.text(text))
            case .row(let divisor): parts.append(.row(modulo: divisor))
            case .column(let name):
                parts.append(.column(try columns.index(of: name, for: flag)))
            }
        }
        return parts
    }

    private static func quantities(
        _ mappings: [QuantityMapping], _ columns: Columns
    ) throws(ImportError) -> [(meter: MeterKey, amount: Amount)] {
        var result: [(meter: MeterKey, amount: Amount)] = []
        for mapping in mappings {
            if result.contains(where: { $0.meter == mapping.meter }) {
                throw ImportError(.usage, "--quantity: '\(mapping.meter)' is given twice")
            }
            switch mapping.amount {
            case .constant(let quantity):
                result.append((mapping.meter, .constant(quantity)))
            case .column(let name):
                let index = try columns.index(of: name, for: "--quantity")
                result.append((mapping.meter, .column(index)))
            }
        }
        return result
    }

    private static func dimensions(
        _ mappings: [DimensionMapping], _ columns: Columns
    ) throws(ImportError) -> [(name: String, column: Int)] {
        var result: [(name: String, column: Int)] = []
        for mapping in mappings {
            if result.contains(where: { $0.name == mapping.name }) {
                throw ImportError(.usage, "--dimension: '\(mapping.name)' is given twice")
            }
            let index = try columns.index(of: mapping.column, for: "--dimension")
            result.append((mapping.name, index))
        }
        return result
    }
}

extension String {
    /// `3` of `3.0`, as databases write a whole number of a column that may have fractions.
    fileprivate var withoutEmptyFraction: String {
        let parts = split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[1].isEmpty, parts[1].allSatisfy({ $0 == "0" }) else {
            return self
        }
        return String(parts[0])
    }
}
