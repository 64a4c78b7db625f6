/// An administrative change, made by somebody, through the same journal as usage.
public enum Change: Hashable, Sendable, Codable {
    case putMeter(Meter)
    case deleteMeter(MeterKey)
    case putPlan(Plan)
    case deletePlan(PlanKey)
    case putLimit(Limit)
    case deleteLimit(LimitKey)
    case putCreditPolicy(CreditPolicy)
    case deleteCreditPolicy
    case putStatisticsPolicy(StatisticsPolicy)
    case deleteStatisticsPolicy
    case putSwitches(Switches)
    /// From then on everything is in force for everybody.
    case deleteSwitches
    case putModel(Model)
    case deleteModel(ModelKey)
    case putKey(APIKey)
    /// From then on the key is not accepted any more.
    case deleteKey(APIKeyID)
    case putAlert(Alert)
    case deleteAlert(AlertKey)
    case putWebhook(Webhook)
    case deleteWebhook(WebhookKey)
    /// Puts a key beside another, which ends then; `nil`: at once.
    case rotateKey(APIKeyID, to: APIKey, endsAt: Instant?)
    case putAdministrator(Administrator)
    case deleteAdministrator(EmailAddress)
    case putSession(AdministratorSession)
    /// From then on whoever has its secret is nobody.
    case deleteSession(SessionID)
    /// Takes in when keys and sessions were used last. Decides nothing.
    case noteUses(AccessUses)
    /// Writes down that somebody wanted to sign in. Decides nothing.
    case noteSignIn(SignInNote)
    /// Closes a month for good: from then on nothing that counts in it changes.
    ///
    /// - Parameter closed: what that came to; decided when it is carried out.
    case closeMonth(CivilMonth, as: ClosedMonth? = nil)
    /// Replaces time zone, parent, plan, block flag, name and metadata. Overrides, additions and
    /// subscription have changes of their own, and stay as they are.
    case putSubject(Subject)
    /// Puts a subject back to its defaults; its usage stays, since facts are not deleted.
    case deleteSubject(SubjectID)
    /// Changes some members of a thing, and leaves the others.
    case patch(MergePatch)
    /// Lets another key mean the subject, too.
    case putAlias(SubjectID, alias: SubjectID)
    /// Lets a key mean nobody any more. One that was the subject's own goes on meaning it.
    case deleteAlias(SubjectID, alias: SubjectID)
    /// Gives the subject another key. The one that it had goes on meaning it.
    case renameSubject(SubjectID, to: SubjectID)
    /// Forgets everything that was said of a person. The numbers stay, under a key that means nothing.
    case eraseSubject(SubjectID, Erasure)
    /// Moves what another subject used, and its credits, to this one. Its keys mean this one from then on.
    case mergeSubject(SubjectID, from: SubjectID)
    /// Replaces the account, but for its sessions.
    case putAccount(SubjectID, PersonAccount)
    case deleteAccount(SubjectID)
    /// Notes that a person signed in to the application, or was seen again.
    case startAccountSession(SubjectID, AccountSession)
    /// Notes that a session ended. Tokens that were made before are not accepted.
    case endAccountSession(SubjectID, SessionID, at: Instant)
    case putSubscription(SubjectID, Subscription)
    case deleteSubscription(SubjectID)
    /// Changes the plan at a time, by the rules for windows and credits that it names.
    case changeSubscription(SubjectID, SubscriptionChange)
    /// What such a change came to.
    case turnSubscription(SubjectID, SubscriptionTurn)
    /// Takes what is scheduled for a start back; `nil`: all that is scheduled.
    case cancelScheduled(SubjectID, startsAt: Instant?)
    case putOverride(SubjectID, LimitKey, Allowance)
    case deleteOverride(SubjectID, LimitKey)
    /// Writes an addition of a subject. What stood under its id holds until it begins.
    case putAddition(SubjectID, Addition)
    /// Ends an addition of a subject now.
    case endAddition(SubjectID, AdditionID)
    /// Has a limit of a subject count anew from now on. Usage stays.
    case resetLimit(SubjectID, LimitKey, reason: String)
    case grantCredit(SubjectID, GrantOrder)
    /// Takes what is left of a grant back.
    case voidGrant(SubjectID, GrantID, reason: String)
    /// Gives back what was spent under a reference, once.
    case refundCredit(SubjectID, reference: String, reason: String)
    /// Writes down that a blueprint was applied. Decides nothing.
    case noteBlueprint(AppliedBlueprintNote)
    /// Writes down that a file was imported. Decides nothing.
    case noteImport(ImportedFileNote)
    /// Writes down that a threshold of an alert was reached. Decides nothing.
    case noteAlert(FiredAlert)
    /// Writes down how far a webhook has come. Decides nothing.
    case noteProgress(WebhookProgress)
    /// Asks for an alert that a webhook did not take to be sent again; `nil`: for all. Decides nothing.
    case noteReplay(WebhookKey, Int64?)
    /// Writes down what a closed month came to, as the text that is handed out. Decides nothing.
    case noteStatement(CivilMonth, text: String)
    /// Writes down that an erased person had what a person gets once.
    case noteGivenOnce(GivenOnce)
}

/// A change with its author and, from callers that may repeat it, its key.
public struct ChangeRequest: Hashable, Sendable {
    public var change: Change
    public var author: String
    /// The same key with the same change gets the first answer again.
    public var idempotencyKey: String?
    /// What the caller told, as a digest. With the same one a change is the same also where the time of
    /// asking was filled in; `nil`: the change is all that is compared.
    public var told: String?
    /// What must be so for the change to be carried out; `nil`: nothing.
    public var condition: ChangeCondition?
    /// From where it was asked for; `nil`: that is not known.
    public var address: String?

    public init(
        change: Change, author: String, idempotencyKey: String? = nil, told: String? = nil,
        condition: ChangeCondition? = nil, address: String? = nil
    ) {
        self.change = change
        self.author = author
        self.idempotencyKey = idempotencyKey
        self.told = told
        self.condition = condition
        self.address = address
    }
}

/// What must be so for a change to be carried out, as `If-Match` and `If-None-Match` of HTTP say it. It is
/// looked at in the same step as the change.
public struct ChangeCondition: Hashable, Sendable {
    /// States of a thing by their tags.
    public enum States: Hashable, Sendable {
        /// Whatever is there.
        case any
        case tagged(Set<String>)

        fileprivate func contains(_ tag: String?) -> Bool {
            guard let tag else { return false }
            switch self {
            case .any: return true
            case .tagged(let tags): return tags.contains(tag)
            }
        }
    }

    /// The state has to be one of these.
    public var match: States?
    /// The state must be none of these.
    public var noneMatch: States?

    public init(match: States? = nil, noneMatch: States? = nil) {
        self.match = match
        self.noneMatch = noneMatch
    }

    /// - Parameter tag: of the thing as it stands; `nil`: it does not exist.
    package func isMet(by tag: String?) -> Bool {
        if let match, !match.contains(tag) { return false }
        return !(noneMatch?.contains(tag) ?? false)
    }
}

/// What became of a change.
public enum ChangeOutcome: Hashable, Sendable, Codable {
    case created
    case replaced
    /// It was so already; nothing was written.
    case unchanged
    case deleted
    /// There was nothing to delete.
    case missing
    /// A subject's credits changed.
    case credited(CreditReceipt)
    case rejected(Rejection)

    /// Whether anything is different from before.
    package var isChange: Bool {
        switch self {
        case .created, .replaced, .deleted, .credited: true
        case .unchanged, .missing, .rejected: false
        }
    }

    /// Whether a repeat of its key gets it again. What was rejected may be tried again.
    package var isAnswer: Bool {
        if case .rejected = self { return false }
        return true
    }
}

/// Takes an event back, or puts another in its place. The first fact stays, and so does this one.
public struct Correction: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        /// The event no longer counts.
        case void
        /// These quantities and details count instead; without details, those of the event stay. So
        /// do its subject and its time.
        case amend(Quantities, EventDetails?)
    }

    public var eventID: EventID
    /// The event's source, if it has one.
    public var source: String?
    public var kind: Kind
    /// Which of an amendment's details count instead; the event keeps the others.
    public var fields: EventDetailFields
    public var author: String
    public var reason: String

    public init(
        eventID: EventID, source: String? = nil, kind: Kind, fields: EventDetailFields = .all,
        author: String, reason: String
    ) {
        self.eventID = eventID
        self.source = source
        self.kind = kind
        self.fields = fields
        self.author = author
        self.reason = reason
    }
}

/// What became of a correction.
public enum CorrectionOutcome: Hashable, Sendable {
    case corrected
    /// The same correction was made before.
    case unchanged
    case rejected(Rejection)
}
