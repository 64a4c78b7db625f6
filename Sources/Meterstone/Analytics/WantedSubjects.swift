/// A few subjects among many, found fast: most are told apart by a bit.
struct WantedSubjects {
    private let numbers: Set<Int64>
    /// A bit for each remainder that one of them leaves.
    private var bits: [UInt64] = Array(repeating: 0, count: Self.mask / 64 + 1)
    private static let mask = 0xF_FFFF

    init(_ numbers: some Sequence<Int64>) {
        self.numbers = Set(numbers)
        for number in self.numbers {
            bits[(Int(number) & Self.mask) >> 6] |= 1 << UInt64(number & 63)
        }
    }

    /// Visits where they stand.
    func forEachPlace(in subjects: [Int64], _ visit: (Int) -> Void) {
        unsafe bits.withUnsafeBufferPointer { bits in
            unsafe subjects.withUnsafeBufferPointer { subjects in
                for index in subjects.indices {
                    let subject = unsafe subjects[index]
                    let word = unsafe bits[(Int(subject) & Self.mask) >> 6]
                    guard word >> UInt64(subject & 63) & 1 == 1 else { continue }
                    if numbers.contains(subject) { visit(index) }
                }
            }
        }
    }
}
