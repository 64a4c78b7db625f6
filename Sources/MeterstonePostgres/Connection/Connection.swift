import CLibPQ

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// One session with the server, in pipeline mode. Used by one caller at a time.
///
/// A call sends any number of statements and then waits once: a round trip costs the same for one
/// statement and for ten. Nothing here waits without a bound; a session that does not answer in time
/// is given up, since nobody can tell what it is still going to do.
@safe package final class Connection {
    private var handle: OpaquePointer?
    /// Names of the statements that the server has prepared, by their text.
    private var prepared: [String: String] = [:]
    /// Calls of ``run(_:)`` that were answered.
    private(set) var answers = 0
    /// How long an answer may take beyond what the server itself allows a statement.
    private let milliseconds: Int64?

    /// When whoever uses the connection now gives up, however long a call may take.
    var limit = Deadline.never
    /// Whether the first answer shows that the server is there, and lifts the limit.
    var isLimitedToFirstAnswer = false

    /// Connects.
    ///
    /// - Parameters:
    ///   - settings: of the session, by name.
    ///   - deadline: when to give up, as nearly as libpq can tell: it waits for two seconds at least.
    ///   - milliseconds: how long one call may take; `nil`: as long as it takes.
    init(
        _ options: PostgresOptions, settings: [String: String], milliseconds: Int64?,
        until deadline: Deadline = .never
    ) throws(PostgresFailure) {
        self.milliseconds = milliseconds
        limit = deadline
        let left = deadline.remainingMilliseconds
        let patience =
            left < 0
            ? options.connectMilliseconds
            : min(
                options.connectMilliseconds, Int64(left))
        // The URL is expanded where it stands, so that what follows it is said in addition, and what
        // comes first can be said otherwise in the URL.
        let parameters: KeyValuePairs = [
            "connect_timeout": String(max(2, patience / 1_000 / options.hostCount)),
            "keepalives_idle": "5", "keepalives_interval": "2", "keepalives_count": "3",
            "tcp_user_timeout": "15000", "application_name": "meterstone",
            "dbname": options.url, "client_encoding": "UTF8",
        ]
        try Self.check(options.url)
        unsafe handle = Self.connect(parameters)
        guard unsafe PQstatus(handle) == CONNECTION_OK else {
            defer { close() }
            throw lost()
        }
        unsafe PQsetNoticeProcessor(handle, { _, _ in }, nil)
        let names = settings.keys.sorted()
        guard unsafe PQsetnonblocking(handle, 1) == 0, unsafe PQenterPipelineMode(handle) == 1
        else { throw lost() }
        _ = try run(
            names.map {
                Query("SELECT set_config($1, $2, false)").binding($0).binding(settings[$0])
            })
        limit = .never
    }

    deinit {
        close()
    }

    /// libpq would quote the part of the URL that it does not understand, which may be a password.
    private static func check(_ url: String) throws(PostgresFailure) {
        let parsed = unsafe PQconninfoParse(url, nil)
        defer { unsafe PQconninfoFree(parsed) }
        guard unsafe parsed != nil else {
            throw PostgresFailure(
                sqlState: "22023", "expected postgres://USER@HOST/DATABASE, as libpq reads it")
        }
    }

    private static func connect(
        _ parameters: KeyValuePairs<String, String>
    ) -> OpaquePointer? {
        var keys = unsafe parameters.map { unsafe UnsafePointer(strdup($0.key)) }
        var values = unsafe parameters.map { unsafe UnsafePointer(strdup($0.value)) }
        unsafe keys.append(nil)
        unsafe values.append(nil)
        defer {
            unsafe (keys + values).forEach { unsafe free(UnsafeMutablePointer(mutating: $0)) }
        }
        return unsafe PQconnectdbParams(keys, values, 1)
    }

    private static func message(of handle: OpaquePointer?) -> String {
        let text = unsafe String(cString: PQerrorMessage(handle))
        return text.split(separator: "\n").joined(separator: "; ")
    }

    /// What libpq says of a connection that does not work any more.
    private func lost() -> PostgresFailure {
        PostgresFailure(unsafe Self.message(of: handle))
    }

    /// Ends the session; whatever it was doing is rolled back by the server.
    package func close() {
        unsafe PQfinish(handle)
        unsafe handle = nil
    }

    var isOpen: Bool {
        unsafe handle != nil && PQstatus(handle) == CONNECTION_OK
    }

    /// Whether a transaction was begun and not ended.
    var isInTransaction: Bool {
        unsafe handle != nil && PQtransactionStatus(handle) != PQTRANS_IDLE
    }

    /// Of the server, as in 150018.
    var serverVersion: Int {
        unsafe Int(PQserverVersion(handle))
    }

    // MARK: Statements

    /// Runs statements in order, in one round trip, and returns the rows of each.
    ///
    /// After a failure the rest is not run.
    @discardableResult
    package func run(_ queries: [Query]) throws(PostgresFailure) -> [Rows] {
        let deadline = Deadline(milliseconds: milliseconds).orEarlier(limit)
        do throws(PostgresFailure) {
            let isPreparing = try queries.map { (query) throws(PostgresFailure) in
                try send(query)
            }
            try check(unsafe PQpipelineSync(handle))
            try flush(deadline)
            let rows = try receive(queries, isPreparing, deadline)
            answers += 1
            if isLimitedToFirstAnswer { limit = .never }
            return rows
        } catch {
            if error.sqlState == nil { close() }
            throw error
        }
    }

    package func run(_ query: Query) throws(PostgresFailure) -> Rows {
        try run([query])[0]
    }

    /// Runs statements that return nothing that matters, as one text.
    package func execute(script: String) throws(PostgresFailure) {
        let deadline = Deadline(milliseconds: milliseconds)
        do throws(PostgresFailure) {
            try check(unsafe PQexitPipelineMode(handle))
            try check(unsafe PQsendQuery(handle, script))
            try flush(deadline)
            var first: PostgresFailure?
            while let result = try unsafe nextResult(deadline) {
                let status = unsafe PQresultStatus(result)
                if status != PGRES_COMMAND_OK, status != PGRES_TUPLES_OK, first == nil {
                    first = unsafe failure(result)
                }
                unsafe PQclear(result)
            }
            try check(unsafe PQenterPipelineMode(handle))
            if let first { throw first }
        } catch {
            if error.isConnectionLost { close() }
            throw error
        }
    }

    /// Sends a statement; `true` when it is prepared on the way, which gives a result of its own.
    private func send(_ query: Query) throws(PostgresFailure) -> Bool {
        let isNew = prepared[query.sql] == nil
        let name = prepared[query.sql] ?? "s\(prepared.count)"
        if isNew {
            try check(unsafe PQsendPrepare(handle, name, query.sql, 0, nil))
            prepared[query.sql] = name
        }
        let count = query.parameters.count
        let formats = [Int32](repeating: 1, count: count)
        let lengths = query.parameters.map { Int32($0?.count ?? 0) }
        // One buffer for all parameters, since pointers into each of many arrays cannot be had at once.
        var buffer: [UInt8] = []
        buffer.reserveCapacity(query.parameters.reduce(1) { $0 + ($1?.count ?? 0) })
        for parameter in query.parameters { buffer += parameter ?? [] }
        if buffer.isEmpty { buffer = [0] }
        let sent = unsafe buffer.withUnsafeBytes { bytes in
            var start = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
            var values: [UnsafePointer<CChar>?] = unsafe []
            for parameter in query.parameters {
                unsafe values.append(parameter == nil ? nil : start)
                unsafe start = start?.advanced(by: parameter?.count ?? 0)
            }
            return unsafe PQsendQueryPrepared(
                handle, name, Int32(count), values, lengths, formats,
                query.returnsText ? 0 : 1)
        }
        try check(sent)
        return isNew
    }

    private func check(_ code: Int32) throws(PostgresFailure) {
        guard code == 1 else { throw lost() }
    }

    /// Sends what is buffered, and takes in what comes meanwhile: were nobody to read, a server that
    /// cannot write would not read, either.
    private func flush(_ deadline: Deadline) throws(PostgresFailure) {
        while true {
            switch unsafe PQflush(handle) {
            case 0: return
            case 1: try wait(for: Int16(POLLIN | POLLOUT), deadline)
            default: throw lost()
            }
        }
    }

    private func receive(
        _ queries: [Query], _ isPreparing: [Bool], _ deadline: Deadline
    ) throws(PostgresFailure) -> [Rows] {
        var rows: [Rows] = []
        var first: PostgresFailure?
        for (query, isPreparing) in zip(queries, isPreparing) {
            if isPreparing, try !receiveOne(&first, deadline, { _ in }) {
                prepared[query.sql] = nil
            }
            _ = try receiveOne(&first, deadline) { rows.append($0) }
        }
        while let result = try unsafe nextResult(deadline) {
            let isSync = unsafe PQresultStatus(result) == PGRES_PIPELINE_SYNC
            unsafe PQclear(result)
            if isSync { break }
        }
        if let first { throw first }
        return rows
    }

    /// Takes in what one message was answered; `false` when it failed or was not carried out.
    private func receiveOne(
        _ first: inout PostgresFailure?, _ deadline: Deadline, _ take: (Rows) -> Void
    ) throws(PostgresFailure) -> Bool {
        var isDone = false
        while let result = try unsafe nextResult(deadline) {
            switch unsafe PQresultStatus(result) {
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK:
                unsafe take(Rows(result))
                isDone = true
            case PGRES_PIPELINE_ABORTED: unsafe PQclear(result)
            default:
                let failure = unsafe failure(result)
                unsafe PQclear(result)
                if failure.isConnectionLost { throw PostgresFailure(failure.message) }
                if first == nil { first = failure }
            }
        }
        return isDone
    }

    /// The next result; `nil` at the end of what one message gives.
    private func nextResult(_ deadline: Deadline) throws(PostgresFailure) -> OpaquePointer? {
        while unsafe PQisBusy(handle) == 1 {
            try wait(for: Int16(POLLIN), deadline)
        }
        let result = unsafe PQgetResult(handle)
        guard unsafe result != nil || PQstatus(handle) == CONNECTION_OK else {
            throw lost()
        }
        return unsafe result
    }

    private func wait(for events: Int16, _ deadline: Deadline) throws(PostgresFailure) {
        var descriptor = pollfd(fd: unsafe PQsocket(handle), events: events, revents: 0)
        let ready = unsafe poll(&descriptor, 1, deadline.remainingMilliseconds)
        if ready == 0, deadline.isOver {
            throw PostgresFailure("no answer in time")
        }
        guard ready >= 0 || errno == EINTR else {
            throw PostgresFailure("waiting for the server failed: error \(errno)")
        }
        if ready > 0, descriptor.revents != Int16(POLLOUT) {
            try check(unsafe PQconsumeInput(handle))
        }
    }

    private func failure(_ result: OpaquePointer?) -> PostgresFailure {
        guard let state = unsafe PQresultErrorField(result, Int32(UInt8(ascii: "C"))) else {
            return lost()
        }
        let message = unsafe PQresultErrorField(result, Int32(UInt8(ascii: "M")))
        return PostgresFailure(
            sqlState: unsafe String(cString: state),
            unsafe message.map { unsafe String(cString: $0) } ?? "no message")
    }

    // MARK: Notices

    /// Takes in what the server has sent by itself; `true` when a notification was among it.
    func hasNotifications() throws(PostgresFailure) -> Bool {
        guard unsafe PQconsumeInput(handle) == 1 else {
            defer { close() }
            throw lost()
        }
        var found = false
        while let notification = unsafe PQnotifies(handle) {
            found = true
            unsafe PQfreemem(notification)
        }
        return found
    }
}
