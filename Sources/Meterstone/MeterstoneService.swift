public import MeterstoneCore
import MeterstoneStore

/// What Meterstone does, whoever does it: an engine in this process, or a client of a server.
///
/// What the rules say (refused, in conflict, rejected) is an outcome and never an error. An engine throws
/// ``StoreError`` and nothing else; a client throws it for what the server's store says, and
/// `ClientError` where there was no answer.
public protocol MeterstoneService: Sendable {
    // MARK: Using

    /// Checks and counts in one step: everything that the event moves, on every level, or nothing.
    func consume(_ event: UsageEvent) async throws -> ConsumeOutcome

    /// Consumes in order, each seeing the ones before. Each is decided by itself: a refusal does not
    /// hold the others up.
    func consume(_ events: [UsageEvent]) async throws -> [ConsumeOutcome]

    /// What a consume, or a reservation of the event, would answer now. Nothing changes.
    func check(_ event: UsageEvent, as use: CheckedUse) async throws -> ConsumeOutcome

    /// Records what has happened, whatever the limits say.
    func record(_ events: [UsageEvent]) async throws -> [RecordOutcome]

    /// Voids or amends an event. The first fact stays; the correction is a fact beside it.
    func correct(_ correction: Correction) async throws -> CorrectionOutcome

    /// What an event, or a reservation with these terms, says otherwise than the one whose id it has:
    /// paths of fields.
    func differences(of event: UsageEvent, terms: ReservationTerms?) async throws -> [String]

    // MARK: Reserving

    /// Sets units aside until the real quantity is known.
    func reserve(_ event: UsageEvent, _ terms: ReservationTerms) async throws -> ReserveOutcome

    func extend(_ more: ReservationExtension) async throws -> ReservationOutcome

    /// Ends a reservation with what was used. A name that is left out keeps what was set aside.
    func settle(
        _ id: EventID, source: String?, _ quantities: Quantities, details: EventDetails?
    ) async throws -> ReservationOutcome

    /// Ends a reservation with nothing used.
    func release(
        _ id: EventID, source: String?, details: EventDetails?
    ) async throws -> ReservationOutcome

    /// A reservation, open or not; `nil`: there never was one.
    func reservation(_ id: EventID, source: String?) async throws -> Reservation?

    /// The open reservations of a subject, those that expire first at the start.
    func openReservations(of subject: SubjectID) async throws -> [Reservation]

    // MARK: Asking

    /// Where a subject stands now with every limit that decides, its teams' after its own.
    func limits(of subject: SubjectID) async throws -> [LimitStatus]

    /// What a subject used of a meter, window by window.
    func usage(
        of id: SubjectID, meter key: MeterKey, window: Window, from: Instant?, until: Instant?
    ) async throws -> UsageOutcome

    /// What there is now of each item that a gauge counts, by item and then by who told it.
    func heldItems(
        of id: SubjectID, meter key: MeterKey, after position: HeldItem.Position?, count: Int
    ) async throws -> HeldItemsOutcome

    /// A subject's events, newest first.
    func events(
        of id: SubjectID, before cursor: EventCursor?, count: Int
    ) async throws -> EventPage

    /// A subject's credits.
    func wallet(of subject: SubjectID) async throws -> Wallet

    /// What happened to a subject's credits, newest first.
    func ledger(
        of subject: SubjectID, before sequence: Int64?, count: Int
    ) async throws -> LedgerPage

    /// What a subject did since the beginning; `nil`: nothing is known of it.
    func lifetime(of id: SubjectID) async throws -> LifetimeStatistics?

    /// Answers one of the operator's questions about all subjects.
    func report(_ topic: ReportTopic, _ question: ReportQuestion) async throws -> ReportAnswer

    /// What would have been refused under other limits. Nothing changes.
    func whatIf(_ question: WhatIfQuestion) async throws -> WhatIfOutcome

    // MARK: Administration

    /// Changes meters, plans, limits, policies, models, subjects, subscriptions, overrides or credits.
    func change(_ request: ChangeRequest) async throws -> ChangeReceipt

    /// Writes every part of a blueprint. What it does not name stays as it is. Where parts are rejected
    /// nothing is written, and the steps are those alone; a server tells the first of them.
    ///
    /// - Parameter name: what is written down of it; `nil`: nothing.
    func apply(
        _ blueprint: Blueprint, named name: String?, author: String
    ) async throws -> [BlueprintStep]

    /// Writes of a blueprint what its author changed since it was applied last, and leaves what somebody
    /// changed by hand meanwhile; where both changed the same, the blueprint is followed.
    ///
    /// - Parameter isDryRun: tells what would become of each part, and writes nothing.
    func merge(
        _ blueprint: Blueprint, named name: String?, isDryRun: Bool, author: String
    ) async throws -> [BlueprintStep]

    /// What decides now, each part sorted by key.
    func blueprint() async throws -> Blueprint

    /// Keys of the interface, in the order of their names.
    func keys() async throws -> [APIKey]

    /// What is told to whom, by key.
    func alerts() async throws -> [Alert]

    /// Where alerts are sent, by key. A server does not tell their secrets.
    func webhooks() async throws -> [Webhook]

    /// Alerts of a subject that fired, newest first, the last thousand of each alert.
    func firedAlerts(of subject: SubjectID) async throws -> [RecordedAlert]

    /// Where a subject stands with each refill that its plan has.
    func refills(of subject: SubjectID) async throws -> [RefillState]

    /// Lets a refill be asked for again that was declined too often; `nil`: the subject has no such refill.
    func resumeRefill(
        _ alert: AlertKey, of subject: SubjectID, author: String
    ) async throws -> RefillState?

    /// A subject's profile; `nil`: nothing was ever written of it.
    func subject(_ id: SubjectID) async throws -> Subject?

    /// A subject's subscriptions, the oldest first, those that are scheduled included; `nil`: nothing was ever
    /// written of it.
    func subscriptions(of id: SubjectID) async throws -> [SubscriptionPeriod]?

    /// What a change of plan would come to. Nothing changes.
    func previewSubscription(
        of id: SubjectID, _ change: SubscriptionChange
    ) async throws -> SubscriptionPreviewOutcome

    /// What the plan of a subject says of every feature.
    func features(of id: SubjectID) async throws -> SubjectFeatures

    /// Some subjects with an id greater than `after`, sorted by id.
    func subjects(after: SubjectID?, count: Int) async throws -> [Subject]

    /// How many subjects ``subjects(after:count:)`` lists from the first to the last, without reading them: those
    /// that used something and those that something was written of. Teams are among them; other keys
    /// of a subject are not.
    func subjectTotal() async throws -> Int

    /// Other keys that mean a subject, sorted; `nil`: nothing is known of it.
    func aliases(of id: SubjectID) async throws -> [SubjectID]?

    /// What a merge of one subject into another would come to. Nothing changes.
    func previewMerge(
        of from: SubjectID, into id: SubjectID
    ) async throws -> MergePreviewOutcome

    /// When a thing came to be, and when it was written about last; `nil`: there is none.
    func times(of thing: MergePatch.Target) async throws -> Times?

    /// The audit log, newest first: who changed what, when, from what to what.
    func changes(before sequence: Int64?, count: Int) async throws -> [ChangeEntry]

    /// The same of what a filter accepts.
    func changes(
        _ filter: ChangeFilter, before sequence: Int64?, count: Int
    ) async throws -> [ChangeEntry]

    /// Months that were closed, the oldest first. A server does not tell the meters that there were.
    func closedMonths() async throws -> [ClosedMonth]

    /// What a closed month came to: the same text whenever it is asked for.
    ///
    /// - Parameter subject: `nil`: all together.
    func statement(
        of month: CivilMonth, for subject: SubjectID?
    ) async throws -> StatementOutcome

    /// Administrators, in the order of their addresses.
    func administrators() async throws -> [Administrator]

    /// Gives somebody an invitation with which they choose a password.
    func invite(
        _ email: EmailAddress, as role: AdministratorRole?, name: String?, author: String
    ) async throws -> InvitedAdministrator

    /// Files that were imported, each as it was noted last.
    func imports() async throws -> [ImportedFile]

    /// Lets go of what it holds, once what was asked for is answered.
    func shutdown() async
}

extension MeterstoneEngine: MeterstoneService {
    public func invite(
        _ email: EmailAddress, as role: AdministratorRole?, name: String?, author: String
    ) async throws -> InvitedAdministrator {
        try await invite(email, as: role, name: name, author: author, address: nil)
    }
}
