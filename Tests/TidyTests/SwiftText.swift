/// Swift, as far as it takes to tell code from comments and literals.
struct SwiftText {
    /// The code; each literal is `""`.
    private(set) var code = ""
    /// The code with its literals.
    private(set) var codeAndLiterals = ""

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

    private let characters: [Character]
    private var position = 0
    private var places: [Place] = [.code(parentheses: 0)]

    init(_ text: String) {
        characters = Array(text)
        while position < characters.count { step() }
    }

    private mutating func step() {
        switch places.last {
        case .code(let parentheses)?: readCode(parentheses)
        case .literal(let hashes, let delimiter)?: readLiteral(hashes, delimiter)
        case .lineComment?:
            if characters[position] == "\n" { places.removeLast() } else { position += 1 }
        case .blockComment(let depth)?: readComment(depth)
        case nil: places = [.code(parentheses: 0)]
        }
    }

    private mutating func readCode(_ parentheses: Int) {
        if skip("//") { return places.append(.lineComment) }
        if skip("/*") { return places.append(.blockComment(depth: 1)) }
        let hashes = characters[position...].prefix { $0 == "#" }.count
        let marks = String(repeating: "#", count: hashes)
        for delimiter in [Delimiter.lines, .line] where has(marks + delimiter.rawValue) {
            return begin(hashes, delimiter)
        }
        if hashes > 0, has(marks + "/") { return begin(hashes, .regex) }
        let isInterpolation = places.count > 1
        switch characters[position] {
        case "(" where isInterpolation: replace(.code(parentheses: parentheses + 1))
        case ")" where isInterpolation && parentheses == 0: places.removeLast()
        case ")" where isInterpolation: replace(.code(parentheses: parentheses - 1))
        default: break
        }
        take(toCode: true)
    }

    private mutating func begin(_ hashes: Int, _ delimiter: Delimiter) {
        for _ in 0..<hashes + delimiter.rawValue.count { take(toCode: false) }
        code += "\""
        places.append(.literal(hashes: hashes, delimiter))
    }

    private mutating func readLiteral(_ hashes: Int, _ delimiter: Delimiter) {
        let marks = String(repeating: "#", count: hashes)
        if has(delimiter.rawValue + marks) {
            for _ in 0..<hashes + delimiter.rawValue.count { take(toCode: false) }
            code += "\""
            places.removeLast()
        } else if delimiter != .regex, has("\\" + marks + "(") {
            for _ in 0..<hashes + 2 { take(toCode: false) }
            code += "("
            places.append(.code(parentheses: 0))
        } else if delimiter == .regex ? has("\\") : has("\\" + marks) {
            // What is escaped ends nothing.
            for _ in 0..<(delimiter == .regex ? 2 : hashes + 2) { take(toCode: false) }
        } else {
            // A literal of one line ends with it; that keeps a mistake here small.
            if delimiter == .line, characters[position] == "\n" { places.removeLast() }
            take(toCode: characters[position] == "\n")
        }
    }

    private mutating func readComment(_ depth: Int) {
        if skip("/*") {
            replace(.blockComment(depth: depth + 1))
        } else if skip("*/") {
            if depth == 1 { places.removeLast() } else { replace(.blockComment(depth: depth - 1)) }
        } else if characters[position] == "\n" {
            take(toCode: true)
        } else {
            position += 1
        }
    }

    private mutating func replace(_ place: Place) {
        places[places.count - 1] = place
    }

    private mutating func take(toCode: Bool) {
        guard position < characters.count else { return }
        if toCode || characters[position] == "\n" { code.append(characters[position]) }
        codeAndLiterals.append(characters[position])
        position += 1
    }

    private func has(_ text: String) -> Bool {
        characters[position...].starts(with: text)
    }

    private mutating func skip(_ text: String) -> Bool {
        guard has(text) else { return false }
        position += text.count
        return true
    }
}
