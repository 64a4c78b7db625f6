package import MeterstoneCore

extension UsageReader {
    /// What the subject did, month by month of its calendar, the oldest first.
    package func activities() throws(StoreError) -> [Activity] {
        guard let subject = view.subject else { return [] }
        return try source.counters(ofSeries: OwnSeries.activity, of: subject.number)
            .sorted { $0.key < $1.key }.map(\.value.state.activity).filter { !$0.days.isEmpty }
    }

    /// What the subject did in one month of its calendar.
    ///
    /// - Parameter start: where the month starts.
    package func activity(inMonthFrom start: Instant) throws(StoreError) -> Activity {
        guard let subject = view.subject else { return Activity() }
        let key = CounterKey(series: OwnSeries.activity, from: start, subject: subject.number)
        return try counter(key)?.activity ?? Activity()
    }

    /// The subject's events within a span that count, in the order in which they occurred.
    package func countedEvents(in span: WindowSpan) throws(StoreError) -> [EffectiveEvent] {
        guard let subject = view.subject else { return [] }
        return try history(of: subject.number, over: span).events.filter {
            $0.record.isCounted && span.contains($0.record.occurredAt)
        }.sorted {
            ($0.record.occurredAt, $0.sequence) < ($1.record.occurredAt, $1.sequence)
        }
    }

    /// The plan that a number stands for in records.
    package func plan(_ number: Int?) -> PlanKey? {
        guard let number, names.indices.contains(number) else { return nil }
        return PlanKey(unchecked: names[number].text)
    }
}
