import MeterstoneCore

/// Checks the parts that an empty store takes in, and tells where its numbers go on.
package struct Filling {
    private let defaultTimeZone: String
    private var opening: StorePart.Opening?
    /// The last fact that anything which was copied refers to.
    package private(set) var sequenceMax: Int64 = 0

    package init(_ options: StoreOptions) {
        defaultTimeZone = options.defaultTimeZone
    }

    /// Looks a part over before it is written.
    package mutating func admit(_ part: StorePart) throws(StoreError) {
        guard (opening == nil) == part.isOpening else { throw .partOutOfOrder }
        switch part.content {
        case .opening(let opening):
            guard opening.defaultTimeZone == defaultTimeZone else {
                throw .otherCalendar(opening.defaultTimeZone, defaultTimeZone)
            }
            self.opening = opening
            note(opening.registry.series.map(\.definedAt))
        case .subjects(let subjects):
            note(subjects.map(\.firstSequence))
        case .events(let rows): note(rows.map(\.location.sequence))
        case .entries(let rows): note(rows.map(\.sequence))
        case .changes(let changes): note(changes.map(\.sequence))
        }
    }

    private mutating func note(_ sequences: [Int64]) {
        sequenceMax = max(sequenceMax, sequences.max() ?? 0)
    }

    /// What came first, once everything has come.
    package func finish() throws(StoreError) -> StorePart.Opening {
        guard let opening else { throw .partOutOfOrder }
        return opening
    }
}

extension StorePart {
    fileprivate var isOpening: Bool {
        if case .opening = content { return true }
        return false
    }
}

extension StoreError {
    /// Only a store in which nothing was ever recorded can be filled.
    package static let notEmpty = StoreError(
        code: .misuse, message: "expected an empty store to copy into, and this one has records")

    fileprivate static let partOutOfOrder = StoreError(
        code: .misuse, message: "expected the catalog first and once, and then everything else")

    /// Counters of another calendar would be other numbers.
    fileprivate static func otherCalendar(_ found: String, _ wanted: String) -> StoreError {
        StoreError(
            code: .halted,
            message: "the counters to be copied follow the default time zone '\(found)', and the "
                + "store to be filled was told '\(wanted)'; tell it the same")
    }
}
