import MeterstoneCore
import Testing

/// What a row of windows leaves for the next one, or owes it.
@Suite struct CarryingOverTests {
    private func limit(_ rollover: LimitRollover?, debt: Bool = false) -> Limit {
        Limit(
            key: LimitKey(unchecked: "l"), meter: MeterKey(unchecked: "m"), window: .month,
            rollover: rollover, debt: debt)
    }

    /// Windows of a hundred each, unless told otherwise, by what was used in them.
    private func carried(
        _ used: [Int64], _ rollover: LimitRollover?, debt: Bool = false, own: Int64? = 100,
        resetIn reset: Int? = nil
    ) -> Int64 {
        let windows = used.enumerated().map { place, units in
            CarriedOver.Window(
                own: own.map { .units(Quantity($0)) } ?? .unlimited, used: units,
                isReset: reset == place)
        }
        return CarriedOver(limit(rollover, debt: debt), windows).units(isReset: false)
    }

    @Test(
        arguments: [
            // Used in the windows before, the oldest first; windows; most; carried.
            ([], 1, nil, 0), ([60], 1, nil, 40), ([0], 1, nil, 100), ([100], 1, nil, 0),
            ([130], 1, nil, 0), ([60], 1, 30, 30), ([0, 100], 1, nil, 0),
            ([60, 120], 1, nil, 0), ([60, 90], 1, nil, 10),
            // The last left is used first: of 40 and 30, twenty more were used.
            ([60, 70, 120], 3, nil, 50), ([60, 70, 145], 3, nil, 25), ([60, 70, 190], 3, nil, 0),
            ([60, 70, 120, 100], 3, nil, 10), ([60, 70, 120], 3, 45, 45),
            ([0, 0, 0], 3, nil, 300), ([0, 0, 0], 3, 150, 150), ([0, 100, 100, 100], 3, nil, 0),
        ] as [([Int64], Int, Int64?, Int64)])
    func `what is left stays for some windows, and the latest is used first`(
        used: [Int64], windows: Int, max: Int64?, expected: Int64
    ) {
        #expect(
            carried(used, LimitRollover(max: max.map { Quantity($0) }, windows: windows))
                == expected)
    }

    @Test(
        arguments: [
            ([130], -30), ([130, 50], 0), ([130, 90], -20), ([130, 100], -30), ([250], -150),
            ([250, 0], -50), ([250, 0, 0], 0), ([100], 0), ([40], 0), ([40, 130], -30),
        ] as [([Int64], Int64)])
    func `what went beyond is owed until it is paid`(used: [Int64], expected: Int64) {
        #expect(carried(used, nil, debt: true) == expected)
    }

    @Test func `what is left is used before anything is owed, and pays first`() {
        let month = LimitRollover(windows: 1)
        #expect(carried([60, 130], month, debt: true) == 0)
        #expect(carried([60, 150], month, debt: true) == -10)
        #expect(carried([60, 150, 70], month, debt: true) == 20)
        #expect(carried([150, 150], month, debt: true) == -100)
    }

    @Test func `a reset forgives what is owed, and no bound leaves nothing`() {
        #expect(carried([130, 100], nil, debt: true, resetIn: 1) == 0)
        #expect(carried([130, 110], nil, debt: true, resetIn: 1) == -10)
        #expect(carried([5, 5], LimitRollover(), debt: true, own: nil) == 0)
        var carried = CarriedOver(limit(nil, debt: true))
        carried.pass(CarriedOver.Window(own: .units(100), used: 130))
        #expect(carried.units(isReset: true) == 0)
    }

    @Test func `numbers that are too large end at the largest`() {
        var carried = CarriedOver(limit(LimitRollover(windows: 2), debt: true))
        carried.pass(CarriedOver.Window(own: .units(Quantity(.max)), used: 0))
        carried.pass(CarriedOver.Window(own: .units(Quantity(.max)), used: 0))
        #expect(carried.units(isReset: false) == .max)
        #expect(Allowance.units(5).carrying(.max) == .units(Quantity(.max)))
        #expect(Allowance.units(5).carrying(-9) == .units(0))
        #expect(Allowance.unlimited.carrying(-9) == .unlimited)
        carried = CarriedOver(limit(nil, debt: true))
        carried.pass(CarriedOver.Window(own: .units(0), used: .max))
        carried.pass(CarriedOver.Window(own: .units(0), used: .max))
        #expect(carried.units(isReset: false) == -.max)
    }
}
