import Testing

@testable import MeterstonePages

/// Files for Excel.
@Suite struct WorkbookTests {
    @Test func `a cell holds no more than Excel takes`() {
        func size(_ text: String) -> Int {
            Workbook.bytes(sheet: "s", head: [], [[.text(text)]]).count
        }
        // Noise, which is as long packed as it is.
        var state: UInt64 = 1
        let noise = String(
            (0..<100_000).map { _ -> Character in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Character(Unicode.Scalar(97 + UInt8(state >> 60)))
            })
        let most = String(noise.prefix(Workbook.textMax - 1)) + "…"
        #expect(size(noise) == size(most))
        #expect(size(String(noise.prefix(Workbook.textMax))) <= size(most))
        #expect(size(String(repeating: "😀", count: 20_000)) > 0)
    }
}
