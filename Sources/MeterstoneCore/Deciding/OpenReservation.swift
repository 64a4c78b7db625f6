/// Where an open reservation is found, and when it expires.
public struct OpenReservation: Hashable, Comparable, Sendable {
    public var expiresAt: Instant
    /// Place of the event in the order of recording.
    public var sequence: Int64
    public var id: EventID
    public var source: String?
    /// Number of the subject that it belongs to: for a team, one below it.
    public var owner: Int64
    /// Whether something was corrected since it was made.
    public var isExtended: Bool

    package init(
        expiresAt: Instant, sequence: Int64, id: EventID, source: String?, owner: Int64,
        isExtended: Bool
    ) {
        self.expiresAt = expiresAt
        self.sequence = sequence
        self.id = id
        self.source = source
        self.owner = owner
        self.isExtended = isExtended
    }

    public static func < (lhs: OpenReservation, rhs: OpenReservation) -> Bool {
        (lhs.expiresAt, lhs.sequence) < (rhs.expiresAt, rhs.sequence)
    }
}

extension CounterState {
    /// Open reservations, in the order in which they expire.
    package var openReservations: [OpenReservation] {
        guard case .reservations(let open) = memory else { return [] }
        return open
    }

    package init(_ open: [OpenReservation]) {
        self.init(value: Int64(open.count), memory: open.isEmpty ? .none : .reservations(open))
    }
}
