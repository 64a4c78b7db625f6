package import MeterstoneCore

extension UsageReader {
    /// A subject's ledger entries before a position, newest first.
    package func entries(before sequence: Int64?, count: Int) throws(StoreError) -> LedgerPage {
        guard let subject = view.subject else { return LedgerPage(entries: [], next: nil) }
        // One more than asked for tells whether there is a next page.
        var found: [Int64: [UInt8]] = [:]
        for fact in try source.entries(of: subject.number, before: sequence, count: count + 1) {
            found[fact.sequence] = fact.body
        }
        for fact in view.entries where fact.sequence < sequence ?? .max {
            found[fact.sequence] = Array(fact.body)
        }
        let sorted = found.sorted { $0.key > $1.key }
        let page = try sorted.prefix(count).map { (sequence, body) throws(StoreError) in
            do throws(MalformedRecord) {
                let record = try LedgerRecord(body: body)
                return RecordedEntry(
                    entry: record.entry, sequence: sequence, seal: SHA256.hash(body),
                    previous: record.previous)
            } catch {
                throw StoreError(code: .corrupt, message: "a ledger entry is unreadable")
            }
        }
        return LedgerPage(
            entries: page, next: sorted.count > count ? page.last?.sequence : nil)
    }
}
