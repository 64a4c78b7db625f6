extension Addition {
    private enum CodingKeys: String, CodingKey {
        case id, limit, set, add, atLeast, addOn, quantity, from, until, author, reason
    }

    /// The names of an addition in JSON that a caller may write.
    package static let fields = [
        "id", "limit", "set", "add", "atLeast", "addOn", "quantity", "from", "until", "reason",
    ]

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            id: try container.decode(AdditionID.self, forKey: .id),
            try Self.content(container),
            from: try container.decodeIfPresent(Instant.self, forKey: .from),
            until: try container.decodeIfPresent(Instant.self, forKey: .until),
            author: try container.decodeIfPresent(String.self, forKey: .author),
            reason: try container.decodeIfPresent(String.self, forKey: .reason))
        if let from, let until, until <= from {
            throw DecodingError.dataCorruptedError(
                forKey: .until, in: container, debugDescription: "expected later than from")
        }
    }

    private static func content(_ container: KeyedDecodingContainer<CodingKeys>) throws -> Content {
        func mistake(_ key: CodingKeys, _ expectation: String) -> DecodingError {
            DecodingError.dataCorruptedError(
                forKey: key, in: container, debugDescription: "expected \(expectation)")
        }
        let set = try container.decodeIfPresent(Allowance.self, forKey: .set)
        let add = try container.decodeIfPresent(Int64.self, forKey: .add)
        let least = try container.decodeIfPresent(Allowance.self, forKey: .atLeast)
        let changes: [AllowanceChange] = [
            set.map { .set($0) }, add.map { .add($0) }, least.map { .atLeast($0) },
        ].compactMap(\.self)
        let quantity = try container.decodeIfPresent(Int64.self, forKey: .quantity)
        if let key = try container.decodeIfPresent(AddOnKey.self, forKey: .addOn) {
            guard changes.isEmpty, !(try container.has(.limit)) else {
                throw mistake(.addOn, "a limit or an add-on, and not both")
            }
            guard quantityRange.contains(quantity ?? 1) else {
                throw mistake(.quantity, "a whole number \(quantityRange.inWords)")
            }
            return .addOn(key, quantity: quantity ?? 1)
        }
        guard let limit = try container.decodeIfPresent(LimitKey.self, forKey: .limit) else {
            throw mistake(.limit, "a limit or an add-on, and not both")
        }
        guard quantity == nil else { throw mistake(.quantity, "nothing: it is for add-ons") }
        guard changes.count == 1, let change = changes.first else {
            throw mistake(changes.isEmpty ? .add : .limit, "one of set, add and atLeast")
        }
        if let add, !unitsRange.contains(add) || add == 0 {
            throw mistake(.add, "a whole number \(unitsRange.inWords), and not 0")
        }
        return .limit(limit, change)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        switch content {
        case .limit(let limit, let change):
            try container.encode(limit, forKey: .limit)
            switch change {
            case .set(let allowance): try container.encode(allowance, forKey: .set)
            case .add(let units): try container.encode(units, forKey: .add)
            case .atLeast(let allowance): try container.encode(allowance, forKey: .atLeast)
            }
        case .addOn(let key, let quantity):
            try container.encode(key, forKey: .addOn)
            try container.encode(quantity, forKey: .quantity)
        }
        try container.encodeIfPresent(from, forKey: .from)
        try container.encodeIfPresent(until, forKey: .until)
        try container.encodeIfPresent(author, forKey: .author)
        try container.encodeIfPresent(reason, forKey: .reason)
    }
}

extension KeyedDecodingContainer {
    /// Whether there is a value that is not `null`.
    fileprivate func has(_ key: Key) throws -> Bool {
        try contains(key) && !decodeNil(forKey: key)
    }
}

extension ClosedRange<Int64> {
    /// `from 0 to 1000`.
    fileprivate var inWords: String { "from \(lowerBound) to \(upperBound)" }
}
