/// Swift, as far as it takes to tell code from comments and literals.
struct SwiftText {
    /// The code; each literal is `""`.
    var code: String { String(decoding: codeBytes, as: UTF8.self) }
    /// The code with its literals.
    var codeAndLiterals: String { String(decoding: bytesWithLiterals, as: UTF8.self) }

    private var codeBytes: [UInt8] = []
    private var bytesWithLiterals: [UInt8] = []

    private enum Place: Equatable {
        /// Code; in an interpolation with so many open parentheses.
        case code(parentheses: Int)
        case lineComment
        case blockComment(depth: Int)
        case literal(hashes: Int, Delimiter)
    }

    private enum Delimiter: String {
        case line = "\""
        case lines = "\"\"\""
        case regex = "/"
    }

    private let bytes: [UInt8]
    private var position = 0
    private var places: [Place] = [.code(parentheses: 0)]

    init(_ text: String) {
        bytes = Array(text.utf8)
        while position < bytes.count { step() }
    }

    private mutating func step() {
        switch places.last {
        case .code(let parentheses)?: readCode(parentheses)
        case .literal(let hashes, let delimiter)?: readLiteral(hashes, delimiter)
        case .lineComment?:
            if isAt("\n") { places.removeLast() } else { position += 1 }
        case .blockComment(let depth)?: readComment(depth)
        case nil: places = [.code(parentheses: 0)]
        }
    }

    private mutating func readCode(_ parentheses: Int) {
        // Most bytes begin nothing.
        switch bytes[position] {
        case UInt8(ascii: "/"), UInt8(ascii: "#"), UInt8(ascii: "\""):
            if beginCommentOrLiteral() { return }
        default: break
        }
        let isInterpolation = places.count > 1
        if isInterpolation, isAt("(") { replace(.code(parentheses: parentheses + 1)) }
        if isInterpolation, isAt(")") {
            if parentheses == 0 {
                places.removeLast()
            } else {
                replace(.code(parentheses: parentheses - 1))
            }
        }
        take(toCode: true)
    }

    private mutating func beginCommentOrLiteral() -> Bool {
        if skip("//") {
            places.append(.lineComment)
            return true
        }
        if skip("/*") {
            places.append(.blockComment(depth: 1))
            return true
        }
        let hashes = bytes[position...].prefix { $0 == UInt8(ascii: "#") }.count
        let marks = String(repeating: "#", count: hashes)
        for delimiter in [Delimiter.lines, .line] where has(marks + delimiter.rawValue) {
            begin(hashes, delimiter)
            return true
        }
        if hashes > 0, has(marks + "/") {
            begin(hashes, .regex)
            return true
        }
        return false
    }

    private mutating func begin(_ hashes: Int, _ delimiter: Delimiter) {
        for _ in 0..<hashes + delimiter.rawValue.count { take(toCode: false) }
        codeBytes.append(UInt8(ascii: "\""))
        places.append(.literal(hashes: hashes, delimiter))
    }

    private mutating func readLiteral(_ hashes: Int, _ delimiter: Delimiter) {
        guard
            [UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "\n")]
                .contains(bytes[position])
        else { return take(toCode: false) }
        let marks = String(repeating: "#", count: hashes)
        if has(delimiter.rawValue + marks) {
            for _ in 0..<hashes + delimiter.rawValue.count { take(toCode: false) }
            codeBytes.append(UInt8(ascii: "\""))
            places.removeLast()
        } else if delimiter != .regex, has("\\" + marks + "(") {
            for _ in 0..<hashes + 2 { take(toCode: false) }
            codeBytes.append(UInt8(ascii: "("))
            places.append(.code(parentheses: 0))
        } else if delimiter == .regex ? has("\\") : has("\\" + marks) {
            // What is escaped ends nothing.
            for _ in 0..<(delimiter == .regex ? 2 : hashes + 2) { take(toCode: false) }
        } else {
            // A literal of one line ends with it; that keeps a mistake here small.
            if delimiter == .line, isAt("\n") { places.removeLast() }
            take(toCode: false)
        }
    }

    private mutating func readComment(_ depth: Int) {
        if skip("/*") {
            replace(.blockComment(depth: depth + 1))
        } else if skip("*/") {
            if depth == 1 { places.removeLast() } else { replace(.blockComment(depth: depth - 1)) }
        } else if isAt("\n") {
            take(toCode: true)
        } else {
            position += 1
        }
    }

    private mutating func replace(_ place: Place) {
        places[places.count - 1] = place
    }

    private mutating func take(toCode: Bool) {
        guard position < bytes.count else { return }
        // Lines keep their numbers.
        if toCode || isAt("\n") { codeBytes.append(bytes[position]) }
        bytesWithLiterals.append(bytes[position])
        position += 1
    }

    private func isAt(_ character: Unicode.Scalar) -> Bool {
        bytes[position] == UInt8(ascii: character)
    }

    private func has(_ text: String) -> Bool {
        bytes[position...].starts(with: text.utf8)
    }

    private mutating func skip(_ text: String) -> Bool {
        guard has(text) else { return false }
        position += text.utf8.count
        return true
    }
}
