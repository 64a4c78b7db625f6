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
    package var type: String?
    /// Where event ids are unique, if not among all events without a source.
    package var source: String?
    /// The zone of times that name none.
    package var zone: ZoneRules?

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
