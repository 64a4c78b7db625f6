package import MeterstoneCore

/// Questions as a client asks them: the parameters of a query, by name.
extension ReportTopic {
    package var parameters: [(name: String, value: String)] {
        switch self {
        case .top(let meter): return [("meter", meter.text)]
        case .trends(let meters, let window):
            return Self.list(of: meters) + [("window", window.text)]
        case .usage(let meter, let facet): return [("meter", meter.text), ("by", facet.text)]
        case .funnel(let types, let order):
            return [("types", types.joined(separator: ",")), order.parameter]
        case .funnelOfMeters(let meters, let order):
            return Self.list(of: meters) + [order.parameter]
        case .errors(let least): return [("minimumEvents", "\(least)")]
        case .adoption(let meters): return Self.list(of: meters)
        case .powerUsers(let meter, let percent):
            return [("meter", meter.text), ("percent", "\(percent)")]
        case .idle(let days): return [("idleDays", "\(days)")]
        case .limits, .unmetered, .sessions: return []
        case .limitSubjects(let limit), .overage(let limit):
            return limit.map { [("limit", $0.text)] } ?? []
        case .unusual(let meter, let date):
            return [("meter", meter.text)] + (date.map { [("date", $0.description)] } ?? [])
        case .retention(let window, let meter):
            return [("window", window.text)] + (meter.map { [("meter", $0.text)] } ?? [])
        case .featureRetention(let meters, let window):
            return Self.list(of: meters) + [("window", window.text)]
        case .featureValue(let meters): return Self.list(of: meters)
        case .plans(let meter): return meter.map { [("meter", $0.text)] } ?? []
        }
    }

    private static func list(of meters: [MeterKey]) -> [(name: String, value: String)] {
        meters.isEmpty ? [] : [("meters", meters.map(\.text).joined(separator: ","))]
    }
}

extension FunnelOrder {
    fileprivate var parameter: (name: String, value: String) {
        switch self {
        case .given: ("ordered", "true")
        case .any: ("ordered", "false")
        case .independent: ("independent", "true")
        }
    }
}

extension ReportQuestion {
    package func parameters(of name: ReportName) -> [(name: String, value: String)] {
        var result: [(name: String, value: String)] = [("count", "\(count)")]
        func add(_ name: String, _ value: String?) {
            if let value { result.append((name, value)) }
        }
        add("from", from?.rfc3339)
        add("until", until?.rfc3339)
        if from == nil { add("days", "\(days)") }
        add("timeZone", timeZone)
        add("type", filter.type)
        add("subtype", filter.subtype)
        add("status", filter.status?.rawValue)
        add("source", filter.source)
        add("plan", filter.plan?.text)
        for (name, value) in filter.dimensions.sorted(by: { $0.key < $1.key }) {
            add("dimension.\(name)", value)
        }
        add("cursor", Cursor(resuming: self, of: name)?.text)
        return result
    }
}

extension ReportTable {
    /// Reads a report as it is written in JSON.
    package init(
        _ fields: WireFields, _ name: ReportName
    ) throws(WireMismatch) {
        let columns = name.columns
        var resumed = ReportQuestion()
        if let next: String = try fields("next") {
            guard let cursor = try? Cursor(next, kind: .reports),
                (try? resumed.resume(at: cursor, of: name)) != nil
            else { throw WireMismatch(path: "next", expectation: "the cursor of a report") }
        }
        self.init(
            name, span: WindowSpan(from: try fields("from"), until: try fields("until")),
            timeZone: try fields("timeZone"), columns: columns,
            rows: try fields.objects("rows").map { (row) throws(WireMismatch) in
                try columns.map { (column) throws(WireMismatch) in try column.value(row) }
            },
            next: resumed.offset > 0 ? resumed.offset : nil, cut: resumed.cut,
            lastSubject: resumed.after)
    }
}

extension ReportTable.Column {
    fileprivate func value(_ row: WireFields) throws(WireMismatch) -> ReportValue {
        func read<Value: WireValue>(
            _ make: (Value) -> ReportValue
        ) throws(WireMismatch) -> ReportValue {
            let value: Value? = try row(name)
            return value.map(make) ?? .none
        }
        switch kind {
        case .text: return try read { .text($0) }
        case .integer: return try read { .integer($0) }
        case .ratio: return try read { .ratio($0) }
        case .instant: return try read { .instant($0) }
        case .date: return try read { .date($0) }
        case .flag: return try read { .flag($0) }
        case .list: return try read { .list($0) }
        }
    }
}
