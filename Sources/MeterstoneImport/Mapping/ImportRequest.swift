package import MeterstoneCore

/// What a file's bytes are.
package enum ImportFormat: String, CaseIterable, Sendable {
    case csv
    /// One event per line, as `POST /v1/events` takes them.
    case ndjson
    /// A web server's log in the common or the combined format.
    case accessLog = "access-log"
}

/// What to import and how rows become usage events.
package struct ImportRequest: Sendable {
    package var format: ImportFormat
    /// How columns become an event; `nil` for formats whose rows are events already.
    package var mapping: ColumnMapping?
    /// Consume each row at its own time under the limits, instead of recording it.
    package var isEnforced: Bool
    /// Meters that do not exist are an error instead of being created.
    package var isStrict: Bool

    package init(
        format: ImportFormat, mapping: ColumnMapping? = nil, isEnforced: Bool = false,
        isStrict: Bool = false
    ) {
        self.format = format
        self.mapping = mapping
        self.isEnforced = isEnforced
        self.isStrict = isStrict
    }
}

/// Which column says what.
package struct ColumnMapping: Sendable {
    package var subject: RowTemplate
    /// The column with the time; `nil`: the time of the import.
    package var time: String?
    /// The column with the event id; `nil`: an id made from the row's content.
    package var id: String?
    package var quantities: [QuantityMapping]
    package var dimensions: [DimensionMapping]
    /// The type of all events, or a text with `{COLUMN}` in it, as ``RowTemplate`` has it.
    package var type: String?
    /// Where event ids are unique, if not among all events without a source.
    package var source: String?
    /// The zone of times that name none.
    package var zone: ZoneRules?
    /// Which columns tell the rest of an event.
    package var fields: [EventField: String] = [:]
    /// The column with how much of what its type says a row counts; ``typeMeters`` says what that is.
    package var count: String?
    /// The meters that types mean; a type that is not there is a meter's key.
    package var typeMeters: [String: MeterKey] = [:]
    /// Types under other names: of rows that name a meter where the store knows a type.
    package var typeNames: [String: String] = [:]
    /// Whether a quantity whose field is empty is left out; else the row is rejected.
    package var skipsAbsent = false
    /// Makes each row a tracked request, told as a whole.
    package var request: RequestMapping?

    package init(
        subject: RowTemplate, time: String? = nil, id: String? = nil,
        quantities: [QuantityMapping] = [], dimensions: [DimensionMapping] = [],
        type: String? = nil, source: String? = nil, zone: ZoneRules? = nil
    ) {
        self.subject = subject
        self.time = time
        self.id = id
        self.quantities = quantities
        self.dimensions = dimensions
        self.type = type
        self.source = source
        self.zone = zone
    }
}

extension ColumnMapping {
    /// The type where it differs from row to row; `nil` where it is the same for all, or there is none.
    func typeTemplate() throws(ImportError) -> RowTemplate? {
        guard let type, type.contains("{") else { return nil }
        guard let template = RowTemplate(type) else {
            throw ImportError(
                .usage, "--type: expected a text, with {COLUMN} where a column stands")
        }
        return template
    }

    /// Throws when a text that all rows share is none that an event may have.
    func check() throws(ImportError) {
        for (flag, text) in [("--type", type), ("--source", source)] {
            if let text, !SubjectID.isValid(text) {
                throw ImportError(.usage, "\(flag): expected \(SubjectID.expectation)")
            }
        }
        if let name = dimensions.first(where: { !SubjectID.isValid($0.name) })?.name {
            let shown = "'\(name)': expected a name of \(SubjectID.expectation)"
            throw ImportError(.usage, "--dimension: \(shown)")
        }
    }

    /// The options of the command line that mean the same, in one order.
    var text: String {
        let subject = "--subject \(self.subject.text)"
        let amounts = quantities.map { quantity in
            switch quantity.amount {
            case .column(let name): "--quantity \(quantity.meter)=\(name)"
            case .constant(let number): "--quantity \(quantity.meter)=\(number)"
            }
        }
        let filters = dimensions.map { "--dimension \($0.name)=\($0.column)" }
        let others = [
            time.map { "--time \($0)" }, zone.map { "--time-zone \($0.name)" },
            id.map { "--id \($0)" }, type.map { "--type \($0)" },
            count.map { "--column count=\($0)" }, request.map { _ in "--like chat_requests" },
        ]
        let columns = fields.map { "--column \($0.key.rawValue)=\($0.value)" }
        let parts =
            [subject] + others.compactMap { $0 } + amounts.sorted() + filters.sorted()
            + columns.sorted()
        return parts.joined(separator: " ")
    }
}

/// A field of an event that a column may tell.
package enum EventField: String, CaseIterable, Sendable {
    case subject, time, id, type, count
    case subtype, status, duration, error, project, scene, session, properties
    /// Further subjects that a row counts for, with commas between them.
    case levels
    /// In the currency's unit.
    case cost
    /// In hundredths of it.
    case costCents
}

/// `FIELD=COLUMN`.
package struct FieldMapping: Hashable, Sendable {
    package let field: EventField
    package let column: String

    package static let expectation =
        "FIELD=COLUMN with one of "
        + EventField.allCases.map(\.rawValue).joined(separator: ", ")

    /// `nil` when the text is not what ``expectation`` says.
    package init?(_ argument: String) {
        guard let (name, column) = splitAtEqualsSign(argument),
            let field = EventField(rawValue: name)
        else { return nil }
        self.field = field
        self.column = column
    }
}

extension ColumnMapping {
    /// Takes a field from a column, whatever was said of it before.
    package mutating func put(_ mapping: FieldMapping) {
        switch mapping.field {
        case .subject: subject = RowTemplate(column: mapping.column)
        case .time: time = mapping.column
        case .id: id = mapping.column
        case .type: type = "{\(mapping.column)}"
        case .count: count = mapping.column
        default: fields[mapping.field] = mapping.column
        }
    }
}

/// `METER=COLUMN`, or `METER=1` for the same quantity in each row.
package struct QuantityMapping: Hashable, Sendable {
    package enum Amount: Hashable, Sendable {
        case column(String)
        case constant(Quantity)
    }

    package let meter: MeterKey
    package let amount: Amount

    package init(meter: MeterKey, amount: Amount) {
        self.meter = meter
        self.amount = amount
    }

    /// `nil` when there is no `=`, no meter's key before it or nothing after it.
    package init?(_ argument: String) {
        guard let (name, value) = splitAtEqualsSign(argument), let meter = MeterKey(name) else {
            return nil
        }
        self.meter = meter
        amount = Int64(value).map { .constant(Quantity($0)) } ?? .column(value)
    }
}

/// `NAME=COLUMN`: a dimension that meters and limits may filter on.
package struct DimensionMapping: Hashable, Sendable {
    package let name: String
    package let column: String

    package init(name: String, column: String) {
        self.name = name
        self.column = column
    }

    package init?(_ argument: String) {
        guard let (name, column) = splitAtEqualsSign(argument) else { return nil }
        self.init(name: name, column: column)
    }
}

private func splitAtEqualsSign(_ argument: String) -> (String, String)? {
    guard let sign = argument.firstIndex(of: "=") else { return nil }
    let name = String(argument[..<sign])
    let value = String(argument[argument.index(after: sign)...])
    return name.isEmpty || value.isEmpty ? nil : (name, value)
}
