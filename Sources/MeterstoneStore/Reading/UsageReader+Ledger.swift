package import MeterstoneCore

extension UsageReader {
    /// A subject's ledger entries before a position, newest first.
    ///
    /// - Parameter key: that it was asked for by. That of a subject which was merged into this one has the
    ///   ledger from before.
    package func entries(
        as key: SubjectID, before sequence: Int64?, count: Int
    ) throws(StoreError) -> LedgerPage {
        guard let subject = view.subject else { return LedgerPage(entries: [], next: nil) }
        var number = subject.number
        if !subject.merged.isEmpty, let row = try source.subject(key), row.alias == .merged {
            number = row.number
        }
        // One more than asked for tells whether there is a next page.
        let found = try source.entries(of: number, before: sequence, count: count + 1)
        let page = try found.prefix(count).map { (fact) throws(StoreError) in
            do throws(MalformedRecord) {
                let record = try LedgerRecord(body: fact.body)
                return RecordedEntry(
                    entry: record.entry, sequence: fact.sequence, seal: SHA256.hash(fact.body),
                    previous: record.previous)
            } catch {
                throw StoreError(code: .corrupt, message: "a ledger entry is unreadable")
            }
        }
        return LedgerPage(
            entries: page, next: found.count > count ? page.last?.sequence : nil)
    }
}
