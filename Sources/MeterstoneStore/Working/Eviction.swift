/// Which subjects leave memory next: those that nobody used since they were looked at last.
///
/// A team stays as long as a member does, so that both go on sharing one state.
struct Eviction {
    /// Subjects that are looked at in one run, beside four for each that came since the last.
    static let looksMin = 256
    /// Subjects that stood above each other in turn leave together, up to so many.
    private static let groupMax = 32

    private var states: ContiguousArray<SubjectState> = []
    private var hand = 0
    /// Subjects that came since the last run.
    private var admitted = 0

    mutating func admit(_ state: SubjectState) {
        state.place = states.count
        states.append(state)
        admitted += 1
    }

    /// Lets go of subjects while there are more than so many, and hands each out.
    mutating func run(above max: Int, _ watermark: Int64, _ forget: (SubjectState) -> Void) {
        var looks = Self.looksMin + 4 * admitted
        admitted = 0
        while states.count > max, looks > 0 {
            looks -= 1
            if hand >= states.count { hand = 0 }
            let state = states[hand]
            let leaving = Self.group(of: state, watermark)
            state.wasUsed = false
            if leaving.isEmpty { hand += 1 }
            for state in leaving {
                remove(state)
                forget(state)
                state.letGo()
            }
        }
    }

    private mutating func remove(_ state: SubjectState) {
        let last = states.removeLast()
        guard last !== state else { return }
        states[state.place] = last
        last.place = state.place
    }

    /// The subject, when it may go, with those that it stood below and that nobody else refers to.
    private static func group(of state: SubjectState, _ watermark: Int64) -> [SubjectState] {
        guard state.mayLeave(watermark) else { return [] }
        if state.holders == 0 { return [state] }
        // Only one that stood below others can be referred to by them in turn.
        guard !state.pastParents.isEmpty else { return [] }
        var group = [state]
        var next = 0
        while next < group.count, group.count <= groupMax {
            for team in group[next].teams where !group.contains(where: { $0 === team }) {
                group.append(team)
            }
            next += 1
        }
        while true {
            let left = group.filter { member in
                let inside = group.reduce(0) { $0 + $1.teams.count { $0 === member } }
                return member.holders == inside && member.mayLeave(watermark)
            }
            if left.count == group.count { break }
            group = left
        }
        return group.contains { $0 === state } ? group : []
    }
}

extension SubjectState {
    fileprivate func mayLeave(_ watermark: Int64) -> Bool {
        !wasUsed && isClean(at: watermark)
    }

    /// Every team that it refers to, once for each reference.
    fileprivate var teams: [SubjectState] { [parent].compactMap(\.self) + pastParents.values }
}
