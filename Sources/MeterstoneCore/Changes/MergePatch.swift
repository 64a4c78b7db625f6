/// A change of some members of a thing, which leaves the others as they are (RFC 7396).
///
/// It is merged where the change is carried out, so that no other change can come between what was read
/// and what is written.
public struct MergePatch: Hashable, Sendable, Codable {
    public enum Target: Hashable, Sendable, Codable {
        case meter(MeterKey)
        case plan(PlanKey)
        case limit(LimitKey)
        case model(ModelKey)
        case alert(AlertKey)
        /// One that is not known yet has its defaults, and they are what is changed.
        case subject(SubjectID)
        case subscription(SubjectID)
        /// As of ``subject``.
        case account(SubjectID)
    }

    public var target: Target
    /// An object with the names that the thing has in JSON; `null` takes a member away.
    public var members: JSONValue

    public init(_ target: Target, _ members: JSONValue) {
        self.target = target
        self.members = members
    }

    /// A change of the same thing, for whoever asks only what it is about.
    package var deletion: Change {
        switch target {
        case .meter(let key): .deleteMeter(key)
        case .plan(let key): .deletePlan(key)
        case .limit(let key): .deleteLimit(key)
        case .model(let key): .deleteModel(key)
        case .alert(let key): .deleteAlert(key)
        case .subject(let id): .deleteSubject(id)
        case .subscription(let id): .deleteSubscription(id)
        case .account(let id): .deleteAccount(id)
        }
    }

    /// Keys that an account will have, if the patch says some.
    package var identityKeys: [SubjectID] {
        guard case .account = target, case .object(let members) = members else { return [] }
        var keys: [SubjectID] = []
        if case .text(let text) = members["email"], let email = EmailAddress(folding: text) {
            keys.append(PersonAccount.key(of: email))
        }
        if case .object(let ids) = members["externalIds"] {
            for (kind, id) in ids {
                guard case .text(let text) = id else { continue }
                keys.append(PersonAccount.key(ofKind: kind, text))
            }
        }
        return keys.filter { SubjectID.isValid($0.text) }
    }

    /// The team that a subject is put below, if the patch says one.
    package var parent: SubjectID? {
        guard case .subject = target, case .object(let members) = members,
            case .text(let parent) = members["parent"]
        else { return nil }
        return SubjectID(parent)
    }
}
