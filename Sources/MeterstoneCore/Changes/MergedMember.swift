/// A member of a part of a blueprint in which the file and the store differ, as a merge decides it.
public struct MergedMember: Hashable, Sendable {
    public enum Verdict: String, Hashable, Sendable, NamedChoice {
        /// The file says something new, and nobody changed it by hand: the file's word is taken.
        case changed
        /// Somebody changed it by hand, and the file says what it said before: the hand's word stays.
        case kept
        /// Both changed it: the file's word is taken, and the hand's is lost.
        case replaced
    }

    /// `allowances.free`; empty: the part as a whole.
    public let path: String
    /// As the blueprint said when it was applied last; `nil`: nothing.
    public let applied: JSONValue?
    /// As it is now.
    public let now: JSONValue?
    /// As the file says.
    public let file: JSONValue?
    public let verdict: Verdict

    package init(
        path: String, applied: JSONValue?, now: JSONValue?, file: JSONValue?, verdict: Verdict
    ) {
        self.path = path
        self.applied = applied
        self.now = now
        self.file = file
        self.verdict = verdict
    }
}

/// What becomes of a thing that its author and somebody else changed since they last agreed.
///
/// It is the three-way merge of `kubectl apply`: who did not change a member has no say in it. Objects are
/// merged member by member, and lists as a whole.
package struct ThreeWayMerge {
    /// The thing as it is to be; `nil`: it is not to be there.
    package private(set) var result: JSONValue?
    package private(set) var members: [MergedMember] = []

    /// - Parameters:
    ///   - applied: what both started from.
    ///   - now: what somebody else made of it.
    ///   - file: what its author made of it.
    package init(applied: JSONValue?, now: JSONValue?, file: JSONValue?) {
        result = merge(applied, now, file, at: "")
    }

    private mutating func merge(
        _ applied: JSONValue?, _ now: JSONValue?, _ file: JSONValue?, at path: String
    ) -> JSONValue? {
        if file == now { return now }
        guard case .object(let ours) = now, case .object(let told) = file else {
            let verdict: MergedMember.Verdict =
                file == applied ? .kept : now == applied ? .changed : .replaced
            tell(applied, now, file, path, verdict)
            return verdict == .kept ? now : file
        }
        var before: [String: JSONValue] = [:]
        if case .object(let members) = applied { before = members }
        var merged: [String: JSONValue] = [:]
        for name in Set(ours.keys).union(told.keys).union(before.keys).sorted() {
            let place = path.isEmpty ? name : "\(path).\(name)"
            merged[name] = merge(before[name], ours[name], told[name], at: place)
        }
        return .object(merged)
    }

    private mutating func tell(
        _ applied: JSONValue?, _ now: JSONValue?, _ file: JSONValue?, _ path: String,
        _ verdict: MergedMember.Verdict
    ) {
        members.append(
            MergedMember(path: path, applied: applied, now: now, file: file, verdict: verdict))
    }
}
