package import MeterstoneCore

extension Money {
    /// How fine a decimal amount can be: a millionth.
    static let decimalsMax = 6

    /// Reads `30` or `0.15`; `nil` when the text is anything but digits with at most six decimals,
    /// or when the amount does not fit.
    ///
    /// The digits are those of the millionths once the decimals are filled up with zeros, so that
    /// the amount is exactly what was written.
    package init?(decimal text: String) {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let decimals = parts.count == 2 ? parts[1] : "0"
        guard !parts[0].isEmpty, !decimals.isEmpty, decimals.utf8.count <= Self.decimalsMax
        else { return nil }
        let zeros = String(repeating: "0", count: Self.decimalsMax - decimals.utf8.count)
        let digits = parts[0] + decimals + zeros
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int64(digits)
        else { return nil }
        self.init(millionths: number)
    }
}
