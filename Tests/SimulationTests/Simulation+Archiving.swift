import MeterstoneCore
import MeterstoneStore

extension Simulation {
    /// Archives everything up to now, or begins to: nothing that anybody is told may change.
    ///
    /// - Parameter isCutOff: it ends once a part is noted, and whoever comes next goes on.
    func archive(isCutOff: Bool) throws {
        for store in [try current, nodes[0]] as [any Store] {
            while try store.project() {}
            var progress = ArchiveProgress(untilDay: world.now.utcDay + 1)
            while !progress.isDone {
                progress = try store.archive(progress) { (days) throws(StoreError) in
                    var (events, newEvents) = (0, 0)
                    try days.forEachEvent { (event) throws(StoreError) in
                        events += 1
                        if event.isNew { newEvents += 1 }
                    }
                    guard events > 0 else { return nil }
                    return ArchivedPart(
                        number: days.log.nextNumber, name: "events", sha256: "", events: events,
                        newEvents: newEvents)
                }
                while progress.next != nil {
                    progress = try store.leaveArchived(progress)
                    if isCutOff, progress.part != nil { break }
                }
                if isCutOff, progress.part != nil { break }
            }
        }
    }
}
