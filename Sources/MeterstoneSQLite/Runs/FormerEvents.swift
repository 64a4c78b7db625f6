import GRDB
import MeterstoneCore
import MeterstoneStore

extension WriterStatements {
    /// Copies the events of an earlier version into runs, a day at a time and in short transactions, so
    /// that the log stays short. When it is cut off, the next opening goes on after the last whole day.
    ///
    /// What stands beyond the watermark is left aside: the journal tells it again.
    ///
    /// - Returns: how many facts were copied.
    func copyFormerEvents(_ checkpoints: Checkpoints) throws(StoreError) -> Int {
        guard try Statement(database, FormerEventStatements.exists).step() else { return 0 }
        try events.reload()
        let watermark = try source.watermark()
        var copied = 0
        var last = Int64(try source.setting(Setting.copiedDay) ?? "") ?? .min
        let next = try Statement(database, FormerEventStatements.nextDay)
        while true {
            next.reset()
            next.bind(1, last)
            guard try next.step(), !next.isNull(0) else { break }
            last = next.int(0)
            next.reset()
            copied += try copyFormerEvents(of: last, through: watermark)
            try checkpoints.continueIfNeeded(database)
        }
        next.finalize()
        try transaction { () throws(StoreError) in
            try Statement(database, FormerEventStatements.drop).run()
            let delete = try Statement(database, SettingStatements.delete)
            delete.bind(1, Setting.copiedDay)
            try delete.run()
        }
        return copied
    }

    private func copyFormerEvents(
        of day: Int64, through watermark: Int64
    ) throws(StoreError) -> Int {
        let rows = try Statement(database, FormerEventStatements.ofDay)
        defer { rows.finalize() }
        rows.bind(1, day)
        rows.bind(2, watermark)
        var builder = events.begin(day: day)
        var corrections: [CorrectionPlace] = []
        var isAtEnd = false
        while !isAtEnd {
            try transaction(isSynced: false) { () throws(StoreError) in
                for _ in 0..<SealedEvents.factsPerStep {
                    guard try rows.step() else {
                        isAtEnd = true
                        break
                    }
                    let (subject, sequence, body) = (rows.int(0), rows.int(1), rows.bytes(2))
                    guard
                        let entry = try? IndexEntry(
                            day: day, subject: subject, sequence: sequence, body)
                    else {
                        throw StoreError(
                            code: .corrupt,
                            message: "the fact with sequence \(sequence) is unreadable")
                    }
                    if case .correction(let place) = entry { corrections.append(place) }
                    try builder.append(
                        subject: subject, sequence: sequence, body[...],
                        at: Fact.occurredAt(body, from: 0, to: body.count).map { $0...$0 }, events)
                }
                try events.put(corrections)
                corrections.removeAll(keepingCapacity: true)
            }
        }
        try transaction { () throws(StoreError) in
            try builder.finish(events)
            if builder.run.facts > 0 { try events.putRows([builder.run]) }
            try put(setting: Setting.copiedDay, String(day))
        }
        return builder.run.facts
    }
}
