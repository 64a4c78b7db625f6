import ArgumentParser
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// `meterstone reserve`.
struct ReserveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reserve",
        abstract: "Check the limits and set units aside; exit code 1 when refused.",
        discussion: """
            What is set aside counts as used until it is settled or released, or expires. The event \
            id is the reservation's.
            """)

    @OptionGroup var arguments: EventArguments

    @Option(
        help: ArgumentHelp(
            "When it expires, from now (default: 600).", valueName: "seconds"),
        transform: { try ArgumentText.expiry($0) })
    var expiresIn: Int64?

    @Option(
        help: "What counts when it expires: release (nothing), charge or chargeReported.",
        transform: { try ArgumentText.choice($0) })
    var onExpiry: ExpiryPolicy = .release

    @Option(
        help: "What becomes of more than was set aside: count or cap.",
        transform: { try ArgumentText.choice($0) })
    var onOverage: OveragePolicy = .count

    @Option(
        help: """
            What counts when it failed or was cancelled: nothing, told or reserved (default: as meters say).
            """,
        transform: { try ArgumentText.choice($0) })
    var onAbort: AbortPolicy?

    @Option(
        help: ArgumentHelp("What counts at least then; repeat for more.", valueName: "meter=n"),
        transform: { try ArgumentText.namedQuantity($0) })
    var abortMinimum: [NamedQuantity] = []

    @OptionGroup var store: ServiceArguments
    @OptionGroup var output: OutputArguments

    func run() async throws {
        let event = try arguments.usageEvent()
        let terms = ReservationTerms(
            milliseconds: expiresIn ?? ReservationTerms.millisecondsDefault, onExpiry: onExpiry,
            onOverage: onOverage, onAbort: onAbort, abortMinimum: Quantities(abortMinimum))
        let outcome = try await OpenStore.with(store) { service in
            let outcome = try await service.reserve(event, terms)
            if case .conflict(let id) = outcome {
                throw try await service.failure(id, event, terms)
            }
            return outcome
        }
        try Answers.print(outcome, asJSON: output.json, at: SystemClock.now())
    }
}

/// Which reservation a command is about.
struct ReservationArguments: ParsableArguments {
    @Argument(
        help: "The reservation's id.", transform: { try ArgumentText.eventID($0) })
    var id: EventID

    @Option(help: ArgumentHelp("Where event ids are unique.", valueName: "text"))
    var source: String?
}

/// `meterstone extend`.
struct ExtendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "extend",
        abstract: "Give a reservation more time or more units; exit code 1 when refused.")

    @OptionGroup var reservation: ReservationArguments

    @Argument(
        help: ArgumentHelp(
            "What is set aside from now on, in all: tokens=2000.", valueName: "meter=n"),
        transform: { try ArgumentText.namedQuantity($0) })
    var quantities: [NamedQuantity] = []

    @Option(
        help: ArgumentHelp("When it expires, from now.", valueName: "seconds"),
        transform: { try ArgumentText.expiry($0) })
    var expiresIn: Int64?

    @Option(
        help: ArgumentHelp("What was used so far; repeat for more.", valueName: "meter=n"),
        transform: { try ArgumentText.namedQuantity($0) })
    var reported: [NamedQuantity] = []

    @OptionGroup var store: ServiceArguments
    @OptionGroup var output: OutputArguments

    func run() async throws {
        let more = ReservationExtension(
            id: reservation.id, source: reservation.source, milliseconds: expiresIn,
            quantities: Quantities(quantities),
            reported: reported.isEmpty ? nil : Quantities(reported))
        let outcome = try await OpenStore.with(store) { try await $0.extend(more) }
        try Answers.print(outcome, asJSON: output.json, at: SystemClock.now())
    }
}

/// What is told of an operation when its reservation ends.
struct EndArguments: ParsableArguments {
    @Option(
        help: "How it ended: success, failed or cancelled.",
        transform: { try ArgumentText.choice($0) })
    var status: EventStatus = .success

    @Option(help: ArgumentHelp("How long it took.", valueName: "milliseconds"))
    var durationMs: Int64?

    @Option(help: ArgumentHelp("What it cost, in millionths.", valueName: "millionths"))
    var costMillionths: Int64?

    @Option(help: ArgumentHelp("What went wrong.", valueName: "text"))
    var errorMessage: String?

    @Option(help: ArgumentHelp("What else there is to tell, as a JSON object.", valueName: "json"))
    var properties: String?

    /// `nil`: nothing is told.
    func details() throws -> EventDetails? {
        let properties = try properties.map { (text) throws in
            try ClosingBody(Array(#"{"properties":\#(text)}"#.utf8), counts: false).details?
                .properties
        }
        let details = EventDetails(
            status: status, durationMilliseconds: durationMs, errorMessage: errorMessage,
            cost: costMillionths.map { Money(millionths: $0) }, properties: properties ?? nil)
        return details == .none ? nil : details
    }
}

/// `meterstone settle`.
struct SettleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "settle",
        abstract: "Count what was used in the place of what was set aside.")

    @OptionGroup var reservation: ReservationArguments

    @Argument(
        help: ArgumentHelp(
            "What was used; what is not named counts as it was set aside.", valueName: "meter[=n]"),
        transform: { try ArgumentText.namedQuantity($0) })
    var quantities: [NamedQuantity] = []

    @OptionGroup var end: EndArguments
    @OptionGroup var store: ServiceArguments
    @OptionGroup var output: OutputArguments

    func run() async throws {
        let outcome = try await OpenStore.with(store) { service in
            try await service.settle(
                reservation.id, source: reservation.source, Quantities(quantities),
                details: try end.details())
        }
        try Answers.print(outcome, asJSON: output.json, at: SystemClock.now())
    }
}

/// `meterstone release`.
struct ReleaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release",
        abstract: "Count nothing in the place of what was set aside.")

    @OptionGroup var reservation: ReservationArguments
    @OptionGroup var end: EndArguments
    @OptionGroup var store: ServiceArguments
    @OptionGroup var output: OutputArguments

    func run() async throws {
        let outcome = try await OpenStore.with(store) { service in
            try await service.release(
                reservation.id, source: reservation.source, details: try end.details())
        }
        try Answers.print(outcome, asJSON: output.json, at: SystemClock.now())
    }
}

/// `meterstone reservations`.
struct ReservationsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reservations",
        abstract: "List and show reservations: units set aside until it is known what was used.",
        subcommands: [List.self, Show.self],
        defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List what is open on a subject, in the order in which it expires.")

        @Argument(transform: { try ArgumentText.identifier($0) as SubjectID })
        var subject: SubjectID

        @OptionGroup var store: ServiceArguments
        @OptionGroup var output: OutputArguments

        func run() async throws {
            let reservations = try await OpenStore.with(store) { service in
                try await service.openReservations(of: subject)
            }
            guard output.json else {
                return Console.write(
                    reservations.isEmpty ? "no open reservations" : Answers.table(reservations))
            }
            var writer = JSONWriter()
            writer.object(reservations, Shapes.reservations)
            Console.write(json: writer.bytes)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a reservation.")

        @OptionGroup var reservation: ReservationArguments
        @OptionGroup var store: ServiceArguments
        @OptionGroup var output: OutputArguments

        func run() async throws {
            let found = try await OpenStore.with(store) { service in
                try await service.reservation(reservation.id, source: reservation.source)
            }
            guard let found else {
                throw CommandFailure(.badData, "there is no reservation '\(reservation.id)'")
            }
            guard output.json else { return Console.write(Answers.table([found])) }
            var writer = JSONWriter()
            writer.object(found, Shapes.reservation)
            Console.write(json: writer.bytes)
        }
    }
}
