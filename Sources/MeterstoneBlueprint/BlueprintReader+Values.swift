import MeterstoneCore
import Yams

/// Values by type. Each takes `nil` for a field that is not there, and then says nothing.
extension BlueprintReader {
    /// Any scalar as it was written: a unit called `on` or a model called `4` needs no quotes.
    mutating func text(_ value: Value?) -> String? {
        guard let value, !value.isNull else { return nil }
        guard case .scalar(let scalar) = value.node else {
            report(value, "expected a text, found \(value.kind)")
            return nil
        }
        return scalar.string
    }

    mutating func texts(_ value: Value?) -> [String]? {
        items(value, of: "texts")?.compactMap { item in
            if item.isNull { report(item, "expected a text, found nothing") }
            return text(item)
        }
    }

    /// The items of a list, with the index in their paths.
    mutating func items(_ value: Value?, of kind: String) -> [Value]? {
        guard let value, !value.isNull else { return nil }
        guard case .sequence(let sequence) = value.node else {
            report(value, "expected a list of \(kind), found \(value.kind)")
            return nil
        }
        return sequence.enumerated().map { index, node in
            let path = "\(value.field)[\(index)]"
            return Value(node: node, field: path, position: document.position(of: node))
        }
    }

    mutating func flag(_ value: Value?) -> Bool? {
        guard let value, !value.isNull else { return nil }
        if case .scalar(let scalar) = value.node, scalar.style == .plain {
            if scalar.string == "true" { return true }
            if scalar.string == "false" { return false }
        }
        report(value, "expected true or false, found \(value.kind)")
        return nil
    }

    /// `_` may group digits, as in `10_000`.
    mutating func wholeNumber(_ value: Value?) -> Int64? {
        guard let value, !value.isNull else { return nil }
        if case .scalar(let scalar) = value.node, scalar.style == .plain,
            let number = Int64(scalar.string.filter { $0 != "_" })
        {
            return number
        }
        report(value, "expected a whole number, found \(value.kind)")
        return nil
    }

    mutating func wholeNumber(_ value: Value?, in range: ClosedRange<Int64>) -> Int64? {
        guard let value, let number = wholeNumber(value) else { return nil }
        if range.contains(number) { return number }
        report(value, "expected a whole number \(range.inWords), found \(number)")
        return nil
    }

    /// An amount of the currency unit, as digits with decimals; the range is in millionths.
    mutating func money(_ value: Value?, in range: ClosedRange<Int64>) -> Money? {
        guard let value, !value.isNull else { return nil }
        if case .scalar(let scalar) = value.node,
            let money = Money(decimal: scalar.string.filter { $0 != "_" }),
            range.contains(money.millionths)
        {
            return money
        }
        let units = "\(range.lowerBound / 1_000_000) to \(range.upperBound / 1_000_000)"
        let expected = "an amount from \(units) with at most \(Money.decimalsMax) decimals"
        report(value, "expected \(expected), found \(value.kind)")
        return nil
    }

    mutating func allowance(_ value: Value?) -> Allowance? {
        guard let value, let number = wholeNumber(value) else {
            if let value, value.isNull {
                report(value, "expected a whole number from 0, or -1 for unlimited")
            }
            return nil
        }
        guard let allowance = Allowance(wire: number) else {
            report(value, "expected a whole number from 0, or -1 for unlimited, found \(number)")
            return nil
        }
        return allowance
    }

    /// One of an enumeration's words.
    mutating func choice<Choice>(_ value: Value?, _ type: Choice.Type) -> Choice?
    where Choice: RawRepresentable<String> & CaseIterable {
        guard let value, let word = text(value) else { return nil }
        if let choice = Choice(rawValue: word) { return choice }
        let words = Choice.allCases.map(\.rawValue)
        let suggestion = Spelling.suggestion(for: word, among: words)
        report(
            value, "expected one of \(words.joined(separator: ", ")), found '\(word)'\(suggestion)")
        return nil
    }

    mutating func identifier<Key: TextIdentifier>(_ value: Value?, _ type: Key.Type) -> Key? {
        guard let value, let text = text(value) else { return nil }
        if let key = Key(text) { return key }
        report(value, "'\(text)': expected \(Key.expectation)")
        return nil
    }

    mutating func identifiers<Key: TextIdentifier>(_ value: Value?, _ type: Key.Type) -> [Key]? {
        items(value, of: "keys")?.compactMap { item in
            if item.isNull { report(item, "expected \(Key.expectation), found nothing") }
            return identifier(item, type)
        }
    }

    /// Dimension → accepted values.
    mutating func dimensions(_ value: Value?) -> [String: [String]] {
        guard let value else { return [:] }
        var result: [String: [String]] = [:]
        for entry in entries(value) {
            let accepted = texts(entry.value) ?? []
            if accepted.isEmpty { report(entry.value, "expected at least one value") }
            result[entry.key] = accepted
        }
        return result
    }
}

extension ClosedRange<Int64> {
    /// `from 0 to 1000`.
    var inWords: String { "from \(lowerBound) to \(upperBound)" }
}
