/// An address of the Internet, or a range of them as CIDR writes it: `192.0.2.7`, `10.0.0.0/8`, `2001:db8::/32`.
///
/// IPv4 is a part of IPv6 (`::ffff:192.0.2.7`), so that both kinds are compared alike.
package struct AddressRange: Hashable, Sendable {
    private let bits: UInt128
    private let prefix: Int

    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let address = parts.first else { return nil }
        let isFour = !address.contains(":")
        guard let bits = isFour ? Self.four(address) : Self.six(address) else { return nil }
        var prefix = 128
        if parts.count == 2 {
            let most = isFour ? 32 : 128
            guard let length = Int(parts[1]), (0...most).contains(length),
                String(length) == parts[1]
            else { return nil }
            prefix = isFour ? length + 96 : length
        }
        self.prefix = prefix
        self.bits = bits & Self.mask(prefix)
    }

    /// Whether the first address of another range is within.
    package func contains(_ other: AddressRange) -> Bool {
        other.prefix >= prefix && other.bits & Self.mask(prefix) == bits
    }

    private static func mask(_ prefix: Int) -> UInt128 {
        prefix == 0 ? 0 : UInt128.max << UInt128(128 - prefix)
    }

    private static func four(_ text: Substring) -> UInt128? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bits: UInt128 = 0xFFFF
        for part in parts {
            guard let byte = UInt8(part), String(byte) == part else { return nil }
            bits = bits << 8 | UInt128(byte)
        }
        return bits
    }

    private static func six(_ text: Substring) -> UInt128? {
        var text = text
        var tail: [UInt16] = []
        if let last = text.split(separator: ":", omittingEmptySubsequences: false).last,
            last.contains(".")
        {
            guard let four = four(last) else { return nil }
            tail = [UInt16(truncatingIfNeeded: four >> 16), UInt16(truncatingIfNeeded: four)]
            text = text.dropLast(last.count)
            // What stands before keeps its own colons.
            if text.hasSuffix(":"), !text.hasSuffix("::") { text = text.dropLast() }
        }
        let halves = text.components(between: "::")
        guard halves.count <= 2, let front = groups(halves[0]) else { return nil }
        guard halves.count == 2 else {
            let all = front + tail
            return all.count == 8 ? number(all) : nil
        }
        guard let back = groups(halves[1]) else { return nil }
        let missing = 8 - front.count - back.count - tail.count
        guard missing >= 1 else { return nil }
        return number(front + Array(repeating: 0, count: missing) + back + tail)
    }

    private static func groups(_ text: Substring) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        var groups: [UInt16] = []
        for part in text.split(separator: ":", omittingEmptySubsequences: false) {
            guard (1...4).contains(part.count), let group = UInt16(part, radix: 16),
                part.first != "+"
            else { return nil }
            groups.append(group)
        }
        return groups
    }

    private static func number(_ groups: [UInt16]) -> UInt128 {
        groups.reduce(0) { $0 << 16 | UInt128($1) }
    }
}

extension Substring {
    fileprivate func components(between separator: String) -> [Substring] {
        var rest = self
        var result: [Substring] = []
        while let found = rest.firstRange(of: separator) {
            result.append(rest[..<found.lowerBound])
            rest = rest[found.upperBound...]
        }
        return result + [rest]
    }
}

extension AddressRange {
    /// Addresses of a machine itself, of private networks, and those that no single host has (IANA's
    /// special-purpose registries).
    private static let privates = [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3",
        "::/128", "::1/128", "64:ff9b::/96", "fc00::/7", "fe80::/10", "ff00::/8",
    ].compactMap { AddressRange($0) }

    /// Whether an address is none of the Internet; what cannot be read as one is none.
    package static func isPrivate(_ address: String) -> Bool {
        // The zone of a link, which is no part of the address.
        guard let address = AddressRange(String(address.prefix { $0 != "%" })) else { return true }
        return privates.contains { $0.contains(address) }
    }
}
