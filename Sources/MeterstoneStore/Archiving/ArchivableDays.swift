package import MeterstoneCore

/// Some UTC days of a store that are about to be archived, as of one snapshot.
public struct ArchivableDays {
    package let days: ClosedRange<Int64>
    package let catalog: Catalog
    /// What was archived before.
    package let log: ArchiveLog
    /// What was told after this fact is left for the next time.
    package let sequence: Int64
    let source: any InspectionSource

    package init(
        _ days: ClosedRange<Int64>, through sequence: Int64 = .max, _ catalog: Catalog,
        _ log: ArchiveLog, _ source: any InspectionSource
    ) {
        self.days = days
        self.sequence = sequence
        self.catalog = catalog
        self.log = log
        self.source = source
    }

    /// Visits every event of which something is in no archive yet.
    package func forEachEvent(
        _ visit: (ArchivableEvent) throws(StoreError) -> Void
    ) throws(StoreError) {
        let counted = catalog.registry.countedDimensions
        try source.forEachDay(within: days) { (_, number, facts) throws(StoreError) in
            let events = try ArchivableDay(
                facts, of: number, through: sequence, catalog.registry
            ).events
            guard !events.isEmpty else { return }
            guard let subject = try source.subject(number: number)?.profile else {
                throw StoreError(code: .corrupt, message: "no subject has the number \(number)")
            }
            for (event, isNew) in events {
                var event = event
                if subject.erasedAt != nil { event.forgetTexts(counted) }
                try visit(
                    ArchivableEvent(
                        recorded: RecordedEvent(event, of: subject.id),
                        isCounted: event.record.isCounted && !event.isVoided, isNew: isNew))
            }
        }
    }

    /// Which days go into one part: those of one month, and not many more events than this.
    package static let factsOfPartMax: Int64 = 500_000

    /// The first of some days that become one part.
    ///
    /// - Parameter days: with how many facts each has, ascending.
    package static func first(
        of days: [(day: Int64, facts: Int64)]
    ) -> ClosedRange<Int64>? {
        guard let first = days.first else { return nil }
        let month = CivilDate(daysSince1970: first.day).month
        var (last, facts) = (first.day, first.facts)
        for (day, more) in days.dropFirst() {
            guard day - first.day < 31, CivilDate(daysSince1970: day).month == month,
                facts + more <= factsOfPartMax
            else { break }
            (last, facts) = (day, facts + more)
        }
        return first.day...last
    }
}

/// An event on its way into an archive.
package struct ArchivableEvent: Sendable {
    /// As it stands, with the key that its subject has now.
    package let recorded: RecordedEvent
    /// Whether it counts: it was not taken back, and is no reservation that came to nothing.
    package let isCounted: Bool
    /// Whether no archive has anything of it.
    package let isNew: Bool
}

extension RecordedEvent {
    /// An event as it stands, under the key of its subject.
    /// - Parameter catalog: says which meters count it; `nil`: nobody asks.
    package init(_ event: EffectiveEvent, of subject: SubjectID, by catalog: Catalog? = nil) {
        let told = event.record.event(subject: subject)
        let isCounted = event.record.isCounted && !event.isVoided
        self.init(
            event: told, sequence: event.sequence,
            recordedAt: event.record.recordedAt, corrections: event.corrections,
            reservation: event.record.reservation == nil
                ? nil : Reservation(event.record, of: subject),
            credits: event.record.credits, adjustment: event.record.adjustment,
            moved: isCounted ? catalog?.movements(of: told).keys ?? [] : [])
    }
}
