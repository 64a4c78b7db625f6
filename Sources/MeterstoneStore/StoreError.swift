/// The world failed: disk, lock, capacity.
public struct StoreError: Error, Sendable, CustomStringConvertible {
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        package enum Kind: String, CaseIterable {
            case diskFull = "disk_full"
            case inputOutput = "input_output"
            case corrupt = "store_corrupt"
            case locked = "store_locked"
            case outcomeUnknown = "outcome_unknown"
            case halted = "store_halted"
            case overloaded = "overloaded"
            case closed = "store_closed"
            case unavailable = "store_unavailable"
            case schemaTooNew = "schema_too_new"
            case misuse = "store_misuse"
            case timeZoneRules = "time_zone_rules"
            case following = "store_follows"
        }

        package let kind: Kind

        /// No room: nothing of the batch was done.
        public static let diskFull = Code(kind: .diskFull)
        /// Reading or writing failed: nothing of the batch was done.
        public static let inputOutput = Code(kind: .inputOutput)
        /// A checksum or an invariant does not hold.
        public static let corrupt = Code(kind: .corrupt)
        /// Another process owns the store.
        public static let locked = Code(kind: .locked)
        /// A sync failed: whether the batch is durable is not known. Repeat with the same event id.
        public static let outcomeUnknown = Code(kind: .outcomeUnknown)
        /// The store stopped after a failed sync, and must be opened again.
        public static let halted = Code(kind: .halted)
        /// The queue of waiting commands is full. Try again shortly.
        public static let overloaded = Code(kind: .overloaded)
        /// The engine was shut down.
        public static let closed = Code(kind: .closed)
        /// The database cannot be reached: nothing of the batch was done. Try again shortly.
        public static let unavailable = Code(kind: .unavailable)
        /// A newer Meterstone wrote this store.
        public static let schemaTooNew = Code(kind: .schemaTooNew)
        /// A subject's counters follow other rules of its time zone than are known here.
        public static let timeZoneRules = Code(kind: .timeZoneRules)
        /// It follows another store, and nothing is written to it until it is promoted.
        public static let following = Code(kind: .following)
        /// A bug of ours: the store refused a statement.
        public static let misuse = Code(kind: .misuse)

        /// Stable, as it appears on the wire.
        public var text: String { kind.rawValue }

        package init(kind: Kind) { self.kind = kind }

        /// `nil`: no code has this text.
        package init?(text: String) {
            guard let kind = Kind(rawValue: text) else { return nil }
            self.kind = kind
        }
        public var description: String { text }
    }

    public let code: Code
    /// A sentence for whoever asked.
    public let message: String
    /// For whoever runs the store, and for nobody else: addresses, users, names of databases.
    package let detail: String?

    public init(code: Code, message: String) {
        self.init(code: code, message: message, detail: nil)
    }

    package init(code: Code, message: String, detail: String?) {
        self.code = code
        self.message = message
        self.detail = detail
    }

    public var description: String { "\(code.text): \(wholeMessage)" }

    /// The message with its detail, for logs and for the command line.
    package var wholeMessage: String { detail.map { "\(message): \($0)" } ?? message }
}
