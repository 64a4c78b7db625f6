import MeterstoneCore
import MeterstoneStore

/// One subject doing one thing at one instant.
struct Deed: Hashable {
    var subject: Int64
    var time: Int64
}

extension ReportContext {
    /// How many subjects took these steps one after the other: for each step, when each subject first took it
    /// after the steps before.
    ///
    /// It goes day by day, since a step that was first taken on one day is settled once all of that day
    /// is seen, and on each day step by step.
    func orderedCounts(of wanted: FunnelSteps) throws(StoreError) -> [Int64] {
        var runs: [[ColumnRun]] = Array(repeating: [], count: wanted.count)
        var known = PerShape<[Int]>()
        var day = Int64.min
        func endDay(_ steps: inout [SubjectInstants]) {
            for place in steps.indices where !runs[place].isEmpty {
                note(runs[place], after: place == 0 ? nil : steps[place - 1], &steps[place])
                runs[place].removeAll()
            }
        }
        return try result(
            of: RememberedFold(
                part: wanted.part, withTimes: true,
                start: Array(repeating: SubjectInstants(memory), count: wanted.count)),
            where: { !wanted.places($0).isEmpty }, bytes: { 8 * $0.count },
            as: { $0.map(\.count) }, endingWith: endDay
        ) { (steps, run) in
            if run.day != day { endDay(&steps) }
            day = run.day
            for place in known.value(run.shapeNumber, of: run.shape, wanted.places) {
                runs[place].append(run)
            }
        }
    }

    /// Notes when each subject first took a step on one day.
    private func note(
        _ runs: [ColumnRun], after before: SubjectInstants?, _ first: inout SubjectInstants
    ) {
        // What was taken back may stand anywhere after what it takes back.
        var taken: [Deed: Int64] = [:]
        for run in runs {
            guard let weights = run.weights else { continue }
            let (subjects, times) = (run.subjects, run.times)
            for index in subjects.indices where weights[index] < 0 {
                taken[Deed(subject: subjects[index], time: times[index]), default: 0] -=
                    weights[index]
            }
        }
        for run in runs {
            let (subjects, times, weights) = (run.subjects, run.times, run.weights)
            if weights == nil, taken.isEmpty, first.note(times, of: subjects, after: before) {
                continue
            }
            for index in subjects.indices where weights?[index] ?? 1 > 0 {
                let (subject, time) = (subjects[index], times[index])
                if !taken.isEmpty {
                    let deed = Deed(subject: subject, time: time)
                    if let number = taken[deed], number > 0 {
                        taken[deed] = number - 1
                        continue
                    }
                }
                if let before, time < before[subject] { continue }
                first.note(time, of: subject)
            }
        }
    }
}

/// When each subject did something first.
private struct SubjectInstants: FoldState {
    private static let denseMax: Int64 = 1 << 23
    private var dense: [Int64] = []
    private var sparse: [Int64: Int64] = [:]
    private(set) var count: Int64 = 0
    private var tab: MemoryTab

    init(_ memory: MemoryShare) {
        tab = MemoryTab(memory)
    }

    /// Later than everything: never.
    subscript(subject: Int64) -> Int64 {
        guard subject < Self.denseMax else { return sparse[subject] ?? .max }
        return subject < dense.count ? dense[Int(subject)] : .max
    }

    /// Notes what each did, unless it was before what it comes after; `false`: some numbers are too
    /// large for this.
    mutating func note(
        _ times: [Int64], of subjects: [Int64], after before: SubjectInstants?
    ) -> Bool {
        guard let largest = subjects.max(), largest < Self.denseMax else { return subjects.isEmpty }
        if Int(largest) >= dense.count { grow(to: Int(largest)) }
        var new: Int64 = 0
        // Every number is below the size of the array now; none is negative.
        unsafe dense.withUnsafeMutableBufferPointer { dense in
            unsafe subjects.withUnsafeBufferPointer { subjects in
                unsafe times.withUnsafeBufferPointer { times in
                    for index in subjects.indices {
                        let (subject, time) = unsafe (Int(subjects[index]), times[index])
                        if let before, time < before.dense(subject) { continue }
                        let known = unsafe dense[subject]
                        new &+= known == .max ? 1 : 0
                        unsafe dense[subject] = min(known, time)
                    }
                }
            }
        }
        count += new
        return true
    }

    @inline(__always)
    private func dense(_ subject: Int) -> Int64 { subject < dense.count ? dense[subject] : .max }

    private mutating func grow(to number: Int) {
        let size = min(max(number + 1, dense.count * 2), Int(Self.denseMax))
        dense += Array(repeating: .max, count: size - dense.count)
        noteBytes()
    }

    var bytes: Int { 8 * dense.count + (16 + MemoryTab.bytesPerEntry) * sparse.count }

    mutating func tell(_ memory: MemoryShare?) {
        tab = MemoryTab(memory)
        noteBytes()
    }

    private mutating func noteBytes() { tab.note(bytes) }

    mutating func note(_ time: Int64, of subject: Int64) {
        let known = self[subject]
        guard time < known else { return }
        if known == .max { count += 1 }
        guard subject < Self.denseMax else {
            sparse[subject] = time
            if sparse.count & 0xFF == 0 { noteBytes() }
            return
        }
        if Int(subject) >= dense.count { grow(to: Int(subject)) }
        dense[Int(subject)] = time
    }
}
