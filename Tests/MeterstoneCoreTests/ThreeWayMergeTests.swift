import MeterstoneCore
import Testing

/// What becomes of a thing that two changed since they agreed.
@Suite struct ThreeWayMergeTests {
    private func limit(_ free: Int64, pro: Int64? = 100, _ words: String? = nil) -> JSONValue {
        var allowances: [String: JSONValue] = ["free": .integer(free)]
        if let pro { allowances["pro"] = .integer(pro) }
        var members: [String: JSONValue] = ["allowances": .object(allowances)]
        if let words { members["description"] = .text(words) }
        return .object(members)
    }

    private func verdicts(_ merge: ThreeWayMerge) -> [String: MergedMember.Verdict] {
        Dictionary(uniqueKeysWithValues: merge.members.map { ($0.path, $0.verdict) })
    }

    @Test func `who changed nothing has no say`() {
        let merge = ThreeWayMerge(
            applied: limit(10, "words"), now: limit(25, "words"), file: limit(10, "better words"))
        #expect(merge.result == limit(25, "better words"))
        #expect(verdicts(merge) == ["allowances.free": .kept, "description": .changed])
    }

    @Test func `where both changed the same the file is followed, and only there`() {
        let merge = ThreeWayMerge(
            applied: limit(10), now: limit(25, pro: 110), file: limit(12))
        #expect(merge.result == limit(12, pro: 110))
        #expect(verdicts(merge) == ["allowances.free": .replaced, "allowances.pro": .kept])
        #expect(merge.members.first?.applied == .integer(10))
        #expect(merge.members.first?.now == .integer(25))
    }

    @Test func `who changes a thing to the same says nothing new`() {
        let merge = ThreeWayMerge(applied: limit(10), now: limit(12), file: limit(12))
        #expect(merge.result == limit(12) && merge.members.isEmpty)
    }

    @Test func `members come and go by whoever changed them`() {
        // The file takes the allowance of pro away, and somebody wrote a description by hand.
        let merge = ThreeWayMerge(
            applied: limit(10), now: limit(10, "by hand"), file: limit(10, pro: nil))
        #expect(merge.result == limit(10, pro: nil, "by hand"))
        #expect(verdicts(merge) == ["allowances.pro": .changed, "description": .kept])
    }

    @Test func `what was deleted by hand stays deleted until the file says something new of it`() {
        let gone = ThreeWayMerge(applied: limit(10), now: nil, file: limit(10))
        #expect(gone.result == nil && verdicts(gone) == ["": .kept])
        let back = ThreeWayMerge(applied: limit(10), now: nil, file: limit(12))
        #expect(back.result == limit(12) && verdicts(back) == ["": .replaced])
    }

    @Test func `a list is one thing`() {
        func list(_ items: Int64...) -> JSONValue { .array(items.map { .integer($0) }) }
        let merge = ThreeWayMerge(applied: list(1, 2), now: list(1, 2, 3), file: list(0, 1, 2))
        #expect(merge.result == list(0, 1, 2) && verdicts(merge) == ["": .replaced])
    }

    @Test func `nothing was applied before`() {
        let new = ThreeWayMerge(applied: nil, now: nil, file: limit(10))
        #expect(new.result == limit(10) && verdicts(new) == ["": .changed])
        let other = ThreeWayMerge(applied: nil, now: limit(9), file: limit(10, "words"))
        #expect(other.result == limit(10, "words"))
        #expect(
            verdicts(other) == ["allowances.free": .replaced, "description": .changed])
    }
}
