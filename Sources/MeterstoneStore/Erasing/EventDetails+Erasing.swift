import MeterstoneCore

extension EventDetails {
    /// What is left of what was told, once the person is erased: what numbers are found by, and numbers.
    ///
    /// - Parameter counted: as of ``Registry/countedDimensions``.
    func erased(_ counted: Set<String>) -> EventDetails {
        EventDetails(
            source: source, type: type, subtype: subtype, status: status,
            durationMilliseconds: durationMilliseconds, errorMessage: nil, cost: cost,
            project: counted.contains("project") ? project : nil, scene: nil,
            session: counted.contains("session") ? session : nil,
            dimensions: dimensions.filter { counted.contains($0.name) },
            properties: properties.flatMap { Self.numbers(in: $0) }, levels: levels,
            countsWhenAborted: countsWhenAborted)
    }

    /// What sums of tracked requests are made of, and no text.
    static func numbers(in properties: String) -> String? {
        guard
            case .object(let members)? = try? JSONText(text: properties)
                .decoded(as: JSONValue.self)
        else { return nil }
        let left = members.filter { name, value in
            switch value {
            case .integer, .number: numbersOfRequests.contains(name)
            case .text(let text): name == "costSource" && sourcesOfCosts.contains(text)
            case .object(let counts):
                name == "otherTokens" && counts.values.allSatisfy(\.isNoText)
            default: false
            }
        }
        guard !left.isEmpty else { return nil }
        return try? JSONText(JSONValue.object(left)).text
    }

    private static let numbersOfRequests: Set<String> = [
        "estimatedTokens", "tokensUsed", "tokensInput", "tokensOutput", "cachedTokens",
        "reasoningTokens", "costMillionths", "costTrillionths", "userRating", "laterRating",
    ]
    private static let sourcesOfCosts: Set<String> = ["given", "priced", "estimated"]
}

extension EffectiveEvent {
    mutating func forgetTexts(_ counted: Set<String>) {
        if case .text = record.id { record.id = .text(Scrubber.text(of: sequence)) }
        record.details = record.details.map { $0.erased(counted) }
        corrections = corrections.map {
            CorrectionNote(
                kind: $0.kind, author: $0.author, reason: "", recordedAt: $0.recordedAt)
        }
    }
}

extension JSONValue {
    fileprivate var isNoText: Bool {
        switch self {
        case .integer, .number, .boolean: true
        default: false
        }
    }
}

extension Registry {
    /// Dimensions that a series, now or before, looks at, and `project` and `session` where one does.
    var countedDimensions: Set<String> {
        var result: Set<String> = ["model", "batch", Meter.operationDimension]
        for definition in series.map(\.definition) {
            result.formUnion(definition.meter.dimensions.keys)
            result.formUnion(definition.limitFilter.keys)
            if let name = definition.meter.uniqueDimension { result.insert(name) }
            if let name = definition.values?.name { result.insert(name) }
        }
        return result
    }
}
