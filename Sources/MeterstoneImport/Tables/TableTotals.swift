package import Meterstone
package import MeterstoneCore

/// What a table adds up to, beside what the store says of the same subjects.
package struct TableTotals: Sendable {
    package struct Line: Sendable, Equatable {
        package let meter: MeterKey
        /// What the rows say.
        package let old: Int64
        /// What the store has, in all.
        package let new: Int64
    }

    /// By meter.
    package private(set) var lines: [Line] = []
    /// Rows of a type that moves no meter, by type; those without a type under the empty text.
    package private(set) var unmetered: [String: Int] = [:]
    /// Subjects that rows name.
    package private(set) var subjects: Set<SubjectID> = []

    package var isEqual: Bool { lines.allSatisfy { $0.old == $0.new } }

    /// Reads the rows once more, adds them up by the meters as they are, and asks the store for the whole time
    /// of each subject. Meters that do not add up, such as the largest value, are left out.
    package init(
        _ file: InputFile, _ mapping: ColumnMapping, _ service: any MeterstoneService
    ) async throws {
        let all = try await service.blueprint().meters
        let meters = all.filter { $0.aggregation == .sum || $0.aggregation == .count }
        var old: [MeterKey: Int64] = [:]
        var reader = CSVEventReader(mapping)
        var isAtEnd = false
        while true {
            if let row = try reader.next() {
                guard case .success(let event) = row.content else { continue }
                subjects.insert(event.subject)
                if event.details?.status ?? .success == .success,
                    all.allSatisfy({ $0.movement(of: event) == nil })
                {
                    unmetered[event.details?.type ?? "", default: 0] += 1
                }
                for meter in meters {
                    guard let (units, _) = meter.movement(of: event) else { continue }
                    let added = meter.aggregation == .count ? 1 : units
                    old[meter.key, default: 0] &+= added
                }
            } else if isAtEnd {
                break
            } else if let bytes = try file.next() {
                reader.push(bytes)
            } else {
                reader.finish()
                isAtEnd = true
            }
        }
        for (meter, sum) in old.sorted(by: { $0.key < $1.key }) {
            var new: Int64 = 0
            for subject in subjects {
                let outcome = try await service.usage(
                    of: subject, meter: meter, window: .lifetime, from: nil, until: nil)
                guard case .series(let series) = outcome else { continue }
                new &+= series.points.first?.quantity.units ?? 0
            }
            lines.append(Line(meter: meter, old: sum, new: new))
        }
    }
}

/// What users had left, as a log of credits says it: an opening balance each.
package struct OpeningBalances: Sendable {
    package private(set) var rows = 0
    package private(set) var problems: [RowProblem] = []
    /// Balances that were granted, and what the rows say they add up to.
    package private(set) var granted: [SubjectID: Int64] = [:]
    /// What the store says of the same users.
    package private(set) var stored: Int64 = 0

    package var total: Int64 { granted.values.reduce(0, &+) }

    /// Grants each user the balance after their last row. A repeat changes nothing.
    package init(
        _ file: InputFile, _ mapping: ColumnMapping, balance column: String, table: String,
        _ service: any MeterstoneService
    ) async throws {
        var parser = CSVParser()
        var record = Record()
        var header: Columns?
        var last: [SubjectID: (at: Instant, balance: Int64?)] = [:]
        // Of whom a row cannot be placed, nobody knows what was left.
        var unplaced: Set<SubjectID> = []
        let clock = RowClock(zone: mapping.zone)
        var isAtEnd = false
        while true {
            do throws(CSVFailure) {
                if try parser.next(into: &record) {
                    guard let columns = header else {
                        header = Columns((0..<record.count).map { record.text($0) ?? "" })
                        continue
                    }
                    rows += 1
                    do throws(RowProblem) {
                        let row = try Self.row(record, columns, mapping, clock, column)
                        if let problem = row.problem { problems.append(problem) }
                        guard let at = row.at else {
                            unplaced.insert(row.subject)
                            continue
                        }
                        // Of equal times the later row counts.
                        if last[row.subject].map({ $0.at <= at }) ?? true {
                            last[row.subject] = (at, row.balance)
                        }
                    } catch {
                        problems.append(error)
                    }
                    continue
                }
            } catch {
                switch error {
                case .row(let problem):
                    rows += 1
                    problems.append(problem)
                    continue
                case .file(let failure): throw failure
                }
            }
            if isAtEnd { break }
            if let bytes = try file.next() {
                parser.push(bytes)
            } else {
                parser.finish()
                isAtEnd = true
            }
        }
        for (subject, row) in last.sorted(by: { $0.key < $1.key }) {
            // Who has an unreadable last row gets nothing: what was left before it is not what is left.
            guard let balance = row.balance, !unplaced.contains(subject) else { continue }
            if balance > 0 { try await grant(balance, to: subject, table, service) }
            granted[subject] = balance
            stored &+= try await service.wallet(of: subject).balance
        }
    }

    private mutating func grant(
        _ amount: Int64, to subject: SubjectID, _ table: String, _ service: any MeterstoneService
    ) async throws {
        let request = ChangeRequest(
            change: .grantCredit(
                subject,
                GrantOrder(
                    id: GrantID("opening-\(table)"), amount: amount, source: .adjustment,
                    reference: table)),
            author: ImportMemory.author,
            idempotencyKey: "opening balance of \(subject) from \(table)")
        if case .rejected(let rejection) = try await service.change(request).outcome {
            problems.append(RowProblem(line: 0, reason: "\(subject): \(rejection.text)"))
        }
    }

    private static func row(
        _ record: Record, _ columns: Columns, _ mapping: ColumnMapping, _ clock: RowClock,
        _ balance: String
    ) throws(RowProblem) -> (
        subject: SubjectID, at: Instant?, balance: Int64?, problem: RowProblem?
    ) {
        func text(_ name: String?) -> String? {
            guard let name, let index = columns.names.firstIndex(of: name), index < record.count
            else { return nil }
            return record.text(index)
        }
        let name = text(mapping.subject.text) ?? ""
        guard let subject = SubjectID(name) else {
            throw RowProblem(
                line: record.line, reason: "subject '\(name)': expected \(SubjectID.expectation)")
        }
        let time = text(mapping.time) ?? ""
        guard let at = clock.instant(time) else {
            let reason = "time '\(time)': expected \(clock.expectation)"
            return (subject, nil, nil, RowProblem(line: record.line, reason: reason))
        }
        let amount = text(balance) ?? ""
        guard let units = Int64(amount), units >= 0 else {
            let reason = "\(balance) '\(amount)': expected a number from 0"
            return (subject, at, nil, RowProblem(line: record.line, reason: reason))
        }
        return (subject, at, units, nil)
    }
}
