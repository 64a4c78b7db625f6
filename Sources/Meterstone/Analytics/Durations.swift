import MeterstoneCore
import MeterstoneStore

/// How often each duration occurred, exactly.
struct Durations: FoldState {
    /// Milliseconds that index an array; longer ones are few, and go into a dictionary.
    private static let denseMax = 65_536
    /// Different durations from which on there is an array; most operations have fewer.
    private static let sparseMax = 4_096
    private var short: [Int64] = []
    private var long: [Int64: Int64] = [:]
    private var count: Int64 = 0
    private var sum: Int128 = 0
    private var tab: MemoryTab

    init(_ memory: MemoryShare) {
        tab = MemoryTab(memory)
    }

    mutating func add(_ values: [Int64], _ weights: [Int64]?) {
        addEach(values, weights)
        tab.note(bytes)
    }

    var bytes: Int { 8 * short.count + (16 + MemoryTab.bytesPerEntry) * long.count }

    mutating func tell(_ memory: MemoryShare?) {
        tab = MemoryTab(memory)
        tab.note(bytes)
    }

    private mutating func addEach(_ values: [Int64], _ weights: [Int64]?) {
        guard let weights else {
            if short.isEmpty, values.count > Self.sparseMax { becomeDense() }
            if short.isEmpty {
                for value in values { add(value, 1) }
            } else {
                addOnce(values)
            }
            return
        }
        for index in values.indices { add(values[index], weights[index]) }
    }

    private mutating func add(_ value: Int64, _ weight: Int64) {
        count += weight
        sum += Int128(value) * Int128(weight)
        if value >= 0, value < short.count {
            short[Int(value)] += weight
        } else {
            long[value, default: 0] += weight
            if short.isEmpty, long.count > Self.sparseMax { becomeDense() }
        }
    }

    private mutating func becomeDense() {
        short = Array(repeating: 0, count: Self.denseMax)
        for (value, weight) in long where value >= 0 && value < Self.denseMax {
            short[Int(value)] = weight
            long[value] = nil
        }
    }

    private mutating func addOnce(_ values: [Int64]) {
        var added: Int64 = 0
        var others: [Int64] = []
        unsafe short.withUnsafeMutableBufferPointer { short in
            for value in values {
                if value >= 0, value < Self.denseMax {
                    unsafe short[Int(value)] &+= 1
                    added &+= value
                } else {
                    others.append(value)
                }
            }
        }
        count += Int64(values.count - others.count)
        sum += Int128(added)
        for value in others { add(value, 1) }
    }

    var average: Ratio? {
        Int64(exactly: sum).map { Ratio($0, of: count) }
            // Only durations of thousands of years come to more.
            ?? Ratio(Int64(clamping: sum / Int128(max(1, count))), of: 1)
    }

    /// The smallest duration that at least so many hundredths of all stay within (nearest rank).
    func percentile(_ percent: Int64) -> Int64? {
        guard count > 0 else { return nil }
        let rank = (count * percent + 99) / 100
        var passed: Int64 = 0
        for (value, number) in short.enumerated() {
            passed += number
            if passed >= rank { return Int64(value) }
        }
        for (value, number) in long.sorted(by: { $0.key < $1.key }) {
            passed += number
            if passed >= rank { return value }
        }
        return nil
    }
}
