import Meterstone
import MeterstoneCore
package import MeterstoneStore

#if Postgres
import MeterstonePostgres
#endif

extension Settings {
    /// What the settings ask of a store.
    package var storeOptions: StoreOptions {
        let zones = ZoneDatabase()
        var options = StoreOptions()
        options.defaultTimeZone = self.defaultTimeZone.value
        options.zoneRules = { zones.rules(named: $0) }
        options.isTrackingEnabled = self.isTrackingEnabled.value
        options.areLimitsEnforced = self.areLimitsEnforced.value
        options.creditOverrides.isEnabled = self.areCreditsEnabled.value
        for override in overrides {
            switch override.kind {
            case .allowance:
                options.allowanceOverrides[override.name] = Allowance(wire: override.number)
            case .dailyRefill:
                options.creditOverrides.dailyRefills[override.name] = override.number
            case .cost: options.creditOverrides.costs[override.name] = override.number
            }
        }
        options.earlyMillisecondsMax = Int64(self.earlySeconds.value) * 1_000
        options.lateMillisecondsMax = self.lateDays.value.map { Int64($0) * 86_400_000 }
        options.eventIDMillisecondsMax = self.eventIdDays.value.map { Int64($0) * 86_400_000 }
        options.cachedSubjectsMax = self.cachedSubjects.value
        options.journalEventsMax = self.journalEvents.value
        options.shippedFactsKeptMax = self.shipTo.value == nil ? 0 : self.shipFactsKept.value
        return options
    }

    #if Postgres
    /// How long a node waits for PostgreSQL, and how many connections it takes.
    func postgresOptions(url: String) -> PostgresOptions {
        var options = PostgresOptions(url: url)
        options.readersMax = self.postgresReaders.value
        options.statementMilliseconds = Int64(self.postgresStatement.value)
        options.lockMilliseconds = Int64(self.postgresLock.value)
        options.idleTransactionMilliseconds = Int64(self.postgresIdleTransaction.value)
        options.commitMilliseconds = Int64(self.postgresCommit.value)
        return options
    }
    #endif
}
