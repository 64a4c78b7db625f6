import Foundation
import Meterstone
package import MeterstoneCore
import MeterstoneServer
import MeterstoneShipping
import MeterstoneStore

/// Looks at everything that a server needs, one thing after the other. Nothing is written but what opening a
/// store writes.
package struct Doctor {
    private let settings: Settings
    private let now: Instant

    package init(_ settings: Settings, at now: Instant) {
        self.settings = settings
        self.now = now
    }

    package func findings() async -> [Finding] {
        var findings = configuration + [openFiles, zone, clock] + certificate
        if case .directory(let path) = settings.location.value {
            findings += folder(path) + disk(path) + backups() + (await shipping())
        }
        return findings + (await store())
    }

    // MARK: This machine

    private var configuration: [Finding] {
        let warnings = settings.warnings.map {
            Finding.warning("configuration", $0, "see `meterstone config show`")
        }
        return warnings.isEmpty ? [.fine("configuration", "every setting can be read")] : warnings
    }

    private var openFiles: Finding {
        let wanted = settings.connections.value + OpenFiles.keptForStore
        guard let files = OpenFiles.max, files < wanted else {
            return .fine("open files", "enough for \(settings.connections.value) connections")
        }
        return .warning(
            "open files", "the system gives this process \(files), and the settings want \(wanted)",
            "raise `ulimit -n` or LimitNOFILE of the unit, or lower METERSTONE_CONNECTIONS")
    }

    private var zone: Finding {
        let name = settings.defaultTimeZone.value
        guard ZoneDatabase().rules(named: "Europe/Berlin") != nil else {
            return .problem(
                "time zones", "there is no zone database in /usr/share/zoneinfo",
                "install the package tzdata; until then only UTC can be a subject's zone")
        }
        return .fine("time zones", "the zone database is there; the default zone is \(name)")
    }

    /// Released after this day.
    private static let released = Instant(millisecondsSince1970: 1_793_491_200_000)

    private var clock: Finding {
        now < Self.released
            ? .problem(
                "clock", "this machine says that it is \(now.rfc3339)",
                "set the clock; usage without a time is counted when it comes")
            : .fine("clock", now.rfc3339)
    }

    private static let day: Int64 = 86_400_000

    private var certificate: [Finding] {
        let certificate: ServerCertificate
        do {
            guard let found = try settings.certificate() else { return [] }
            certificate = found
        } catch {
            return [
                .problem(
                    "certificate", CommandFailure(error)?.message ?? "\(error)",
                    "the server does not start with it")
            ]
        }
        let end = certificate.expiresAt
        let advice = "write the new one over the files; the server takes it within seconds"
        if end <= now { return [.problem("certificate", "it ended \(end.rfc3339)", advice)] }
        let found = "it ends \(end.rfc3339)"
        return [
            end < now.advanced(byMilliseconds: 14 * Self.day)
                ? .warning("certificate", found, advice) : .fine("certificate", found)
        ]
    }

    // MARK: The folder

    private func folder(_ path: String) -> [Finding] {
        let files = FileManager.default
        guard files.fileExists(atPath: path) else {
            return [
                .warning(
                    "folder", "there is no store in \(path)",
                    "`meterstone serve --data DIR` makes one")
            ]
        }
        guard files.isWritableFile(atPath: path) else {
            return [
                .problem(
                    "folder", "\(path) cannot be written by this user",
                    "give it to the user that the server runs as: chown -R")
            ]
        }
        let mode = (try? files.attributesOfItem(atPath: path))?[.posixPermissions] as? NSNumber
        if let mode, mode.intValue & 0o007 != 0 {
            return [
                .warning(
                    "folder", "every user of this machine can look into \(path)",
                    "chmod o-rwx \(path)")
            ]
        }
        return [.fine("folder", "\(path) can be written")]
    }

    private static let gibibyte: Int64 = 1_073_741_824

    private func disk(_ path: String) -> [Finding] {
        guard
            let values = try? FileManager.default.attributesOfFileSystem(forPath: path),
            let free = (values[.systemFreeSize] as? NSNumber)?.int64Value,
            let size = (values[.systemSize] as? NSNumber)?.int64Value, size > 0
        else { return [] }
        let found = "\(free / (Self.gibibyte / 1_024)) MiB are free of \(size / Self.gibibyte) GiB"
        let advice = "make room: a full disk refuses writes, and loses nothing"
        if free < Self.gibibyte { return [.problem("disk", found, advice)] }
        return [free * 10 < size ? .warning("disk", found, advice) : .fine("disk", found)]
    }

    private func backups() -> [Finding] {
        guard let directory = settings.backupFolder else {
            return [
                .warning(
                    "backups", "the server makes none",
                    "set METERSTONE_BACKUPS to a folder on another disk")
            ]
        }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        if let unclean = names.first(where: { $0.hasSuffix(".unclean") }) {
            return [
                .problem(
                    "backups", "\(unclean) could not be verified",
                    "run `meterstone verify`; see docs/operating/backups.md")
            ]
        }
        guard let newest = BackupFolder.newest(in: directory) else {
            return [
                .problem("backups", "there is none in \(directory)", "POST /v1/backups makes one")
            ]
        }
        let found = "the newest in \(directory) is of \(newest.madeAt.rfc3339)"
        guard newest.madeAt <= now else {
            return [
                .problem(
                    "backups", "\(found), when this clock was ahead",
                    "move it away: `restore --from` would take it; see docs/operating/clocks.md")
            ]
        }
        let hours = Int64(settings.backupHours.value)
        let isOld =
            hours > 0 && newest.madeAt.advanced(byMilliseconds: hours * 2 * 3_600_000) < now
        return [
            isOld
                ? .problem("backups", found, "look in the server's log why there is none since")
                : .fine("backups", found)
        ]
    }

    /// What is at the place that is shipped to.
    private func shipping() async -> [Finding] {
        guard let location = settings.shipTo.value else { return [] }
        do {
            let place = try settings.place(location)
            guard let epoch = try await Epoch.all(at: place).last else {
                return [
                    .problem(
                        "shipping", "nothing was shipped to \(place.name) yet",
                        "start the server, and look in its log")
                ]
            }
            guard let whole = try await place.wholes().first(where: { $0.madeAt >= epoch.begunAt })
            else {
                return [
                    .problem(
                        "shipping",
                        "\(place.name) has no whole backup since \(epoch.begunAt.rfc3339)",
                        "the server makes one; its log says why it could not")
                ]
            }
            let end = try await ShippedJournal(place, of: epoch.store).end(of: epoch.number)
            let last = end.map { "the newest commit is of \($0.committedAt.rfc3339), " } ?? ""
            return [
                .fine(
                    "shipping",
                    "\(last)the newest whole backup in \(place.name) of \(whole.madeAt.rfc3339)")
            ]
        } catch {
            return [
                .problem(
                    "shipping", "\(location) cannot be read: \(error)",
                    "until it can, the journal keeps what is not shipped")
            ]
        }
    }

    // MARK: The store

    private func store() async -> [Finding] {
        if case .directory(let path) = settings.location.value,
            !FileManager.default.fileExists(atPath: path)
        {
            return []
        }
        let engine: MeterstoneEngine
        do {
            engine = try OpenStore.engine(settings, for: .existing)
        } catch {
            let failure = CommandFailure(error)
            if failure?.status == .unavailable, case .directory = settings.location.value {
                return [
                    .fine(
                        "store", "a server has it; ask it with GET /readyz and GET /metrics")
                ]
            }
            let isNewer = (error as? StoreError)?.code == .schemaTooNew
            return [
                .problem(
                    "store", failure?.message ?? "\(error)",
                    "see docs/operating/\(isNewer ? "upgrading" : "backups").md")
            ]
        }
        let findings = await findings(of: engine)
        await engine.shutdown()
        return findings
    }

    private func findings(of engine: MeterstoneEngine) async -> [Finding] {
        do {
            if let unreachable = await engine.unreachable() { throw unreachable }
            let newest = try await engine.newestAt()
            var findings: [Finding] = [.fine("store", "it opens, and answers")]
            if let newest, newest > now.advanced(byMilliseconds: 60_000) {
                findings.append(
                    .problem(
                        "clock",
                        "the store has a fact of \(newest.rfc3339), which is later",
                        "set the clock; if it was ahead then, see docs/operating/clocks.md"))
            }
            if let folder = settings.archive.value {
                let log = try await engine.archiveLog()
                findings.append(.ofArchive(log, in: folder, at: now))
            }
            return findings + (try await webhooks(of: engine))
        } catch {
            return [.problem("store", "\(error)", "look in the log")]
        }
    }

    private func webhooks(of engine: MeterstoneEngine) async throws(StoreError) -> [Finding] {
        var findings: [Finding] = []
        for webhook in try await engine.webhooks() where webhook.active {
            let last = try await engine.lastChange(
                ofKind: WebhookProgress.kind, key: webhook.key.text)
            guard let last, case .noteProgress(let progress) = last.change else { continue }
            if !progress.failed.isEmpty {
                findings.append(
                    .warning(
                        "webhook \(webhook.key)", "\(progress.failed.count) alerts were given up",
                        "POST /v1/webhooks/\(webhook.key)/replay sends them again"))
            } else if let error = progress.waiting.lazy.compactMap(\.error).first {
                findings.append(
                    .warning(
                        "webhook \(webhook.key)",
                        "\(progress.waiting.count) alerts wait: \(error)",
                        "POST /v1/webhooks/\(webhook.key)/test says what the receiver answers"))
            }
        }
        return findings
    }
}
