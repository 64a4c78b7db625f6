package import Logging
package import MeterstoneCore

/// Whether this machine's clock may decide what is for good: that a month is over, that something is old.
///
/// A clock that stands far ahead of everything that was recorded is wrong more often than a store is left alone for so
/// long, and so is one that jumped. Either is believed once it has gone on for a day.
package actor ClockTrust {
    /// A month that nobody used, and a few days.
    package static let aheadMax: Int64 = 40 * 86_400_000
    private static let patience: Int64 = 86_400_000
    private static let jumpMax: Int64 = 3_600_000

    private let logger: Logger
    /// Milliseconds that go on whatever the clock says.
    private let uptime: @Sendable () -> Int64
    /// How far the clock is ahead of the uptime.
    private var offset: Int64
    /// In uptime; `nil`: there is no doubt.
    private var doubtedAt: Int64?

    /// - Parameter newest: when the newest fact was recorded; `nil`: there is none.
    package init(
        newest: Instant?, at now: Instant, logger: Logger,
        uptime: @escaping @Sendable () -> Int64 = ClockTrust.uptime(since: ContinuousClock.now)
    ) {
        self.logger = logger
        self.uptime = uptime
        let milliseconds = now.millisecondsSince1970
        offset = milliseconds - uptime()
        guard let newest else { return }
        let ahead = milliseconds - newest.millisecondsSince1970
        if ahead > Self.aheadMax {
            doubtedAt = uptime()
            logger.warning(
                """
                the clock says \(now.rfc3339), and the newest fact is of \(newest.rfc3339): for a day no month is \
                closed, and nothing is archived or forgotten
                """)
        } else if -ahead > 60_000 {
            logger.warning(
                """
                the clock says \(now.rfc3339), and there is a fact of \(newest.rfc3339) already: windows and \
                credits of plans that began then do not begin again
                """)
        }
    }

    package func allows(at now: Instant) -> Bool {
        let (uptime, before) = (uptime(), offset)
        offset = now.millisecondsSince1970 - uptime
        if abs(offset - before) > Self.jumpMax {
            doubtedAt = uptime
            logger.warning(
                """
                the clock jumped by \((offset - before) / 1_000) s: for a day no month is closed, and nothing is \
                archived or forgotten
                """)
        }
        if let at = doubtedAt, uptime - at >= Self.patience { doubtedAt = nil }
        return doubtedAt == nil
    }

    package static func uptime(since start: ContinuousClock.Instant) -> @Sendable () -> Int64 {
        {
            let (seconds, attoseconds) = start.duration(to: .now).components
            return seconds * 1_000 + attoseconds / 1_000_000_000_000_000
        }
    }
}
