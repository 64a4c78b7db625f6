extension String {
    /// The text as it may be shown on a terminal: control characters, and those that turn the direction
    /// of what follows, stand as `\u{1B}`.
    ///
    /// Texts come from files and callers; a terminal would carry out what is in them.
    package var printable: String { printable(keeping: []) }

    /// The same for a text of several lines, which are ours.
    package var printableLines: String { printable(keeping: ["\n", "\t"]) }

    private func printable(keeping kept: Set<Unicode.Scalar>) -> String {
        guard unicodeScalars.contains(where: { $0.isUnprintable && !kept.contains($0) }) else {
            return self
        }
        var result = ""
        for scalar in unicodeScalars {
            if scalar.isUnprintable, !kept.contains(scalar) {
                result += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

extension Unicode.Scalar {
    /// C0, DEL and C1, the separators of lines and paragraphs, and the marks of direction.
    fileprivate var isUnprintable: Bool {
        switch value {
        case 0...0x1F, 0x7F...0x9F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
