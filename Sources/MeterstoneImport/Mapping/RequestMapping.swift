package import Meterstone
import MeterstoneAPI
import MeterstoneCore
import MeterstoneStore

/// Which columns of a table of requests tell what no other event has.
package struct RequestMapping: Sendable {
    enum Field: CaseIterable, Sendable {
        case prompt, response, endedAt, type, category, complexity, rating
        case tokens, tokensInput, tokensOutput, ipAddress, userAgent

        /// What such a column is called.
        var names: [String] {
            switch self {
            case .prompt: ["prompt"]
            case .response: ["response"]
            case .endedAt: ["completed_at", "completedAt", "ended_at", "endedAt"]
            case .type: ["request_type", "requestType"]
            case .category: ["category"]
            case .complexity: ["complexity"]
            case .rating: ["user_rating", "userRating", "rating"]
            case .tokens: ["tokens_used", "tokensUsed"]
            case .tokensInput: ["tokens_input", "tokensInput"]
            case .tokensOutput: ["tokens_output", "tokensOutput"]
            case .ipAddress: ["ip_address", "ipAddress"]
            case .userAgent: ["user_agent", "userAgent"]
            }
        }
    }

    let columns: [Field: String]
    /// What is kept of prompts and responses.
    package var storedText = StoredText.standard

    /// - Parameter columns: of the table.
    init(_ columns: [String]) {
        var found: [Field: String] = [:]
        for field in Field.allCases {
            found[field] = field.names.first { columns.contains($0) }
        }
        self.columns = found
    }
}

/// Reads rows of a table of requests.
struct RequestReader: Sendable {
    private typealias Field = RequestMapping.Field

    private let columns: [RequestMapping.Field: Int]
    private let storedText: StoredText

    init(_ mapping: RequestMapping, _ columns: Columns) throws(ImportError) {
        var places: [RequestMapping.Field: Int] = [:]
        for (field, name) in mapping.columns {
            places[field] = try columns.index(of: name, for: "--from-table")
        }
        self.columns = places
        storedText = mapping.storedText
    }

    /// The event of a row as a request that was told as a whole.
    ///
    /// Without the time at which it ended, that is its start and how long it took.
    func told(
        _ event: UsageEvent, _ record: Record, _ clock: RowClock
    ) throws(RowProblem) -> UsageEvent {
        let details = event.details ?? .none
        guard let id = event.id, let startedAt = event.occurredAt else {
            throw RowProblem(line: record.line, reason: "expected an id and a time")
        }
        var request = TrackedRequest(
            id: id, subject: event.subject, status: Self.status(details.status),
            startedAt: startedAt)
        request.isTold = true
        let endedAt =
            try instant(.endedAt, record, clock)
            ?? startedAt.advanced(byMilliseconds: details.durationMilliseconds ?? 0)
        guard endedAt >= startedAt else {
            throw RowProblem(
                line: record.line,
                reason: "the end '\(endedAt)': expected none before the start, '\(startedAt)'")
        }
        request.endedAt = endedAt
        request.session = details.session
        request.model = try details.subtype.map { (name) throws(RowProblem) in
            guard let model = ModelKey(name) else {
                throw RowProblem(
                    line: record.line, reason: "model '\(name)': expected \(ModelKey.expectation)")
            }
            return model
        }
        request.durationMilliseconds = details.durationMilliseconds
        request.error = details.errorMessage
        request.cost = details.cost.map { RequestCost($0, .given) }
        request.prompt = storedText.kept(of: try text(.prompt, record))
        request.response = storedText.kept(of: try text(.response, record))
        request.type = try name(.type, record)
        request.category = try name(.category, record)
        request.complexity = try name(.complexity, record)
        request.ipAddress = try text(.ipAddress, record)
        request.userAgent = try text(.userAgent, record)
        request.tokens = try tokens(record)
        request.rating = try number(.rating, record).map { (number) throws(RowProblem) in
            guard let rating = Int(exactly: number), RequestEnd.ratings.contains(rating) else {
                throw RowProblem(
                    line: record.line,
                    reason: "rating '\(number)': expected a whole number from "
                        + "\(RequestEnd.ratings.lowerBound) to \(RequestEnd.ratings.upperBound)")
            }
            return rating
        }
        request.ratingAtEnd = request.rating
        return try counted(request, event, record)
    }

    private func counted(
        _ request: TrackedRequest, _ event: UsageEvent, _ record: Record
    ) throws(RowProblem) -> UsageEvent {
        var pairs = [NamedQuantity(name: RequestTracker.requests, quantity: 1)]
        if let tokens = request.tokens {
            pairs.append(
                NamedQuantity(name: RequestTracker.tokens, quantity: Quantity(tokens.used)))
        }
        do throws(StoreError) {
            return UsageEvent(
                id: event.id, subject: event.subject, occurredAt: event.occurredAt,
                quantities: Quantities(pairs), details: try request.details())
        } catch {
            throw RowProblem(line: record.line, reason: error.message)
        }
    }

    private static func status(_ status: EventStatus) -> RequestStatus {
        switch status {
        case .success: .completed
        case .failed: .failed
        case .cancelled: .cancelled
        }
    }

    private func tokens(_ record: Record) throws(RowProblem) -> RequestTokens? {
        if let input = try number(.tokensInput, record),
            let output = try number(.tokensOutput, record)
        {
            return .counts(TokenCounts(input: input, output: output))
        }
        return try number(.tokens, record).map { .total($0) }
    }

    // MARK: Fields

    /// `nil`: the row has none.
    private func text(_ field: Field, _ record: Record) throws(RowProblem) -> String? {
        guard let column = columns[field], !record.isAbsent(column) else { return nil }
        guard let text = record.text(column) else {
            throw RowProblem(line: record.line, reason: "\(field): the bytes are not UTF-8")
        }
        return text
    }

    private func name(_ field: Field, _ record: Record) throws(RowProblem) -> String? {
        guard let text = try text(field, record), !WireBounds.isDimensionValue(text) else {
            return try text(field, record)
        }
        throw RowProblem(
            line: record.line,
            reason: "\(field) '\(text)': expected \(WireBounds.dimensionExpectation)")
    }

    private func number(_ field: Field, _ record: Record) throws(RowProblem) -> Int64? {
        guard let text = try text(field, record) else { return nil }
        guard let number = Int64(text), number >= 0 else {
            throw RowProblem(
                line: record.line, reason: "\(field) '\(text)': expected a whole number from 0")
        }
        return number
    }

    private func instant(
        _ field: Field, _ record: Record, _ clock: RowClock
    ) throws(RowProblem) -> Instant? {
        guard let text = try text(field, record) else { return nil }
        guard let instant = clock.instant(text) else {
            throw RowProblem(
                line: record.line, reason: "\(field) '\(text)': expected \(clock.expectation)")
        }
        return instant
    }
}
