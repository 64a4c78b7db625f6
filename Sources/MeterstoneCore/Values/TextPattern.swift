/// A text in which `*` stands for any text, none included.
package struct TextPattern: Hashable, Sendable {
    package let text: String
    private let bytes: [UInt8]

    package init(_ text: String) {
        self.text = text
        bytes = Array(text.utf8)
    }

    /// How much of it is no star; without a star it says exactly which text, and weighs most.
    package var weight: Int {
        let letters = bytes.count { $0 != Self.star }
        return letters == bytes.count ? .max : letters
    }

    private static let star = UInt8(ascii: "*")

    package func matches(_ value: String) -> Bool {
        let text = Array(value.utf8)
        var (place, position) = (0, 0)
        // Where the last star stands, and how much of the text it has taken so far.
        var lastStar: (place: Int, position: Int)?
        while position < text.count {
            if place < bytes.count, bytes[place] == Self.star {
                lastStar = (place, position)
                place += 1
            } else if place < bytes.count, bytes[place] == text[position] {
                place += 1
                position += 1
            } else if let star = lastStar {
                lastStar = (star.place, star.position + 1)
                (place, position) = (star.place + 1, star.position + 1)
            } else {
                return false
            }
        }
        return bytes[place...].allSatisfy { $0 == Self.star }
    }
}
