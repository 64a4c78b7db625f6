package import MeterstoneCore

/// What a request to reserve says: an event as a consume takes it, and the terms.
///
/// Beside the reader of events and not a part of it, so that a consume, which is the hot path, never
/// looks for fields that it does not have.
package struct ReserveBody: Sendable {
    package var event: UsageEvent
    package let terms: ReservationTerms

    private enum Field: String {
        case expiresInSeconds, onExpiry, onOverage, onAbort, abortMinimum
    }

    package init(_ json: [UInt8]) throws(Rejection) {
        var draft = EventDraft()
        var terms = ReservationTerms()
        try JSONReader.readBody(json) { (name, reader) throws(Rejection) in
            switch Field(rawValue: name) {
            case .expiresInSeconds:
                terms.milliseconds = try reader.readExpiry(name) ?? terms.milliseconds
            case .onExpiry:
                terms.onExpiry = try reader.readChoice(name) ?? terms.onExpiry
            case .onOverage:
                terms.onOverage = try reader.readChoice(name) ?? terms.onOverage
            case .onAbort: terms.onAbort = try reader.readChoice(name)
            case .abortMinimum:
                terms.abortMinimum = try EventDraft.readQuantities(name, from: &reader)
            case nil:
                guard let field = EventField(rawValue: name) else { throw .unknown(name) }
                try draft.read(field, from: &reader)
            }
        }
        event = try draft.event()
        self.terms = terms
    }
}

/// What a check asks: an event as a consume takes it, or a limit by its key, and whether it would be
/// consumed or reserved. A feature is asked about beside it, or alone.
package struct CheckBody: Sendable {
    private var draft: EventDraft
    package let use: CheckedUse
    /// The limit whose meter it asks about; `nil`: the event says what it moves.
    package let limit: LimitKey?
    /// A feature that the plan has to have; `nil`: none.
    package let feature: String?

    package init(_ json: [UInt8]) throws(Rejection) {
        var draft = EventDraft()
        var use: CheckedUse?
        var limit: LimitKey?
        var feature: String?
        try JSONReader.readBody(json) { (name, reader) throws(Rejection) in
            if name == "as" {
                use = try reader.readChoice(name)
            } else if name == "limit" {
                limit = try reader.readIdentifier(name)
            } else if name == "feature" {
                feature = try reader.readName(name)
            } else {
                guard let field = EventField(rawValue: name) else { throw .unknown(name) }
                try draft.read(field, from: &reader)
            }
        }
        if limit != nil, draft.meter != nil || draft.quantities != .none {
            throw .invalid("limit", "either a limit, or a meter or quantities")
        }
        self.draft = draft
        self.limit = limit
        self.feature = feature
        self.use = use ?? .consume
    }

    /// Who is asked about.
    package var subject: SubjectID {
        get throws(Rejection) {
            guard let subject = draft.subject else {
                throw .missing("subject", SubjectID.expectation)
            }
            return subject
        }
    }

    /// Whether nothing else is asked about.
    package var asksFeatureAlone: Bool {
        feature != nil && limit == nil && draft.meter == nil && draft.quantity == nil
            && draft.quantities == .none && draft.type == nil
    }

    /// - Parameter limit: that the body names. What it counts only for some dimensions is asked for with
    ///   the first value that it accepts, unless the body tells one.
    package func event(under limit: Limit? = nil) throws(Rejection) -> UsageEvent {
        var draft = draft
        if let limit {
            draft.meter = limit.meter
            for (name, values) in limit.dimensions.sorted(by: { $0.key < $1.key })
            where !draft.dimensions.contains(where: { $0.name == name }) {
                if let value = values.first {
                    draft.dimensions.append(Dimension(name: name, value: value))
                }
            }
        }
        return try draft.event()
    }
}

/// What a request to extend a reservation says. Everything may be left out.
package struct ExtendBody: Sendable {
    package let milliseconds: Int64?
    package let quantities: Quantities
    package let reported: Quantities?

    private enum Field: String {
        case expiresInSeconds, quantities, reported
    }

    package init(_ json: [UInt8]) throws(Rejection) {
        var milliseconds: Int64?
        var quantities = Quantities.none
        var reported: Quantities?
        try JSONReader.readBody(json) { (name, reader) throws(Rejection) in
            switch Field(rawValue: name) {
            case .expiresInSeconds: milliseconds = try reader.readExpiry(name)
            case .quantities: quantities = try EventDraft.readQuantities(name, from: &reader)
            case .reported:
                guard try !reader.skipNull() else { return }
                reported = try EventDraft.readQuantities(name, from: &reader)
            case nil: throw .unknown(name)
            }
        }
        self.milliseconds = milliseconds
        self.quantities = quantities
        self.reported = reported
    }
}

/// What a request to end a reservation says: how much was used, and what there is to tell of the operation.
package struct ClosingBody: Sendable {
    package let quantities: Quantities
    /// `nil`: nothing.
    package let details: EventDetails?

    /// - Parameter counts: whether quantities may be told: a release has none.
    package init(_ json: [UInt8], counts: Bool) throws(Rejection) {
        var draft = EventDraft()
        if !json.isEmpty || counts {
            try JSONReader.readBody(json) { (name, reader) throws(Rejection) in
                guard let field = EventField(rawValue: name), field.isTold,
                    counts || !field.isQuantity
                else { throw .unknown(name) }
                try draft.read(field, from: &reader)
            }
        }
        try draft.mergeMeter()
        quantities = draft.quantities
        details = draft.details()
    }
}

extension JSONReader {
    /// Reads an object of a whole body, member by member, each name once. A text that is not JSON is
    /// `malformed`, whatever else is wrong with it.
    package static func readBody(
        _ json: [UInt8],
        _ read: (_ name: String, _ reader: inout JSONReader) throws(Rejection) -> Void
    ) throws(Rejection) {
        var reader = JSONReader(json)
        try reader.validate()
        guard reader.kind() == .object else { throw .invalid("", "an object") }
        try reader.enterObject()
        var names: Set<String> = []
        var isFirst = true
        while let member = try reader.nextName(&isFirst) {
            let name = reader.text(of: member)
            guard names.insert(name).inserted else { throw .repeated(name) }
            try read(name, &reader)
        }
    }

    /// Reads after how many seconds a reservation expires, as milliseconds.
    fileprivate mutating func readExpiry(_ field: String) throws(Rejection) -> Int64? {
        if try skipNull() { return nil }
        guard kind() == .number, let seconds = try scanWholeNumber(),
            WireBounds.reservationSeconds.contains(seconds)
        else {
            let bounds = WireBounds.reservationSeconds
            throw .invalid(
                field, "a whole number from \(bounds.lowerBound) to \(bounds.upperBound)")
        }
        return seconds * 1_000
    }

    /// Reads one of the words of a choice.
    fileprivate mutating func readChoice<Choice>(_ field: String) throws(Rejection) -> Choice?
    where Choice: RawRepresentable<String> & CaseIterable {
        let words = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        let expectation = "one of \(words)"
        guard let text = try readText(field, bytes: 1...64, expectation: expectation) else {
            return nil
        }
        guard let choice = Choice(rawValue: text) else { throw .invalid(field, expectation) }
        return choice
    }
}
