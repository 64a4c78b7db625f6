package import MeterstoneCore

extension JSONReader {
    /// Reads a number; `nil` when it is not written as a whole number, or does not fit 64 bits.
    ///
    /// `1.0` and `1e3` are whole, and `nil` all the same: a client that writes quantities so
    /// computes them in floating point, and is told before it matters.
    package mutating func scanWholeNumber() throws(Rejection) -> Int64? {
        let isNegative = next == UInt8(ascii: "-")
        var index = isNegative ? position + 1 : position
        var value: Int64? = 0
        let digits = index
        while index < end, let digit = decimalValue(bytes[index]) {
            value = value.flatMap { Self.append(digit, to: $0, isNegative: isNegative) }
            index += 1
        }
        guard index > digits else { throw malformed("expected a digit", at: index) }
        if bytes[digits] == UInt8(ascii: "0"), index > digits + 1 {
            throw malformed("a number must not start with 0", at: digits)
        }
        let whole = index
        try skipFraction(&index)
        try skipExponent(&index)
        advance(to: index)
        return index == whole ? value : nil
    }

    /// Grows towards the sign, so that the smallest number of 64 bits can be read too.
    @inline(__always)
    private static func append(_ digit: UInt8, to value: Int64, isNegative: Bool) -> Int64? {
        let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
        let (sum, carry) =
            isNegative
            ? shifted.subtractingReportingOverflow(Int64(digit))
            : shifted.addingReportingOverflow(Int64(digit))
        return overflow || carry ? nil : sum
    }

    private func skipFraction(_ index: inout Int) throws(Rejection) {
        guard index < end, bytes[index] == UInt8(ascii: ".") else { return }
        index += 1
        try skipDigits(&index)
    }

    private func skipExponent(_ index: inout Int) throws(Rejection) {
        guard index < end, bytes[index] | 0x20 == UInt8(ascii: "e") else { return }
        index += 1
        if index < end, bytes[index] == UInt8(ascii: "+") || bytes[index] == UInt8(ascii: "-") {
            index += 1
        }
        try skipDigits(&index)
    }

    private func skipDigits(_ index: inout Int) throws(Rejection) {
        let start = index
        while index < end, decimalValue(bytes[index]) != nil { index += 1 }
        guard index > start else { throw malformed("expected a digit", at: index) }
    }
}

@inline(__always)
private func decimalValue(_ byte: UInt8) -> UInt8? {
    let value = byte &- UInt8(ascii: "0")
    return value < 10 ? value : nil
}
