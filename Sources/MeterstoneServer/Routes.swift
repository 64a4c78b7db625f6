package import HTTPTypes
import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore
import MeterstoneStore

/// The routes as they are added: what is asked of each request before its handler is, and what becomes
/// of errors.
///
/// All of that is one closure around the handler and not a chain of middleware, since the hot route
/// passes through it a hundred thousand times a second.
package struct Routes {
    typealias Handler =
        @Sendable (Request, ServerContext) async throws -> Response

    private let hummingbird = Router(
        context: ServerContext.self, options: .autoGenerateHeadEndpoints)
    /// The same without anybody who watches: what pages ask within the process.
    private let unobserved = Router(context: ServerContext.self)
    private let guardian: Guardian
    private let engine: MeterstoneEngine
    private let observer: Observer
    /// What all bodies may take together.
    private let bodies: MemoryBudget
    private(set) var paths = PathTable()
    private var pages = PathTable()

    init(
        _ options: ServerOptions, engine: MeterstoneEngine, guardian: Guardian, observer: Observer
    ) {
        self.guardian = guardian
        self.engine = engine
        bodies = MemoryBudget(bytes: options.bodiesBytesMax)
        self.observer = observer
    }

    /// Who may call a route, and which names its query may have, is said where the route is described:
    /// one that is not described cannot be added.
    mutating func on(
        _ method: HTTPRequest.Method, _ path: String, _ handler: @escaping Handler
    ) {
        guard let operation = OpenAPIDocument.operation(method, path) else {
            preconditionFailure("\(method) \(path) is not in the description")
        }
        let gate = gate(to: operation)
        addOwn(method, path, gate.rule, handler)
        paths.add(path, method)
        let guarded = GuardedRoute(
            gate: gate, query: operation.queryNames, hasParameters: path.contains(":"),
            bodies: method == .get ? nil : bodies, handler: handler)
        let observer = observer
        let route = observer.route(method, path)
        if method == .get {
            unobserved.on(RouterPath(path), method: method) { request, context in
                try await guarded.answer(request, context)
            }
        }
        hummingbird.on(RouterPath(path), method: method) { request, context in
            try await observer.answer(request.head, route) { () async throws -> Response in
                try await guarded.answer(request, context)
            }
        }
    }

    /// Adds a page or a file for people, which is not part of the described interface. Everybody may ask;
    /// what a page shows it asks the interface for, in the caller's name.
    mutating func page(_ path: String, _ handler: @escaping Handler) {
        pages.add(path, .get)
        let observer = observer
        let route = observer.route(.get, path)
        hummingbird.on(RouterPath(path), method: .get) { request, context in
            try await observer.answer(request.head, route) { () async throws -> Response in
                try await handler(request, context)
            }
        }
    }

    /// What was added so far, to be asked within the process.
    var inside: InsideRoutes { InsideRoutes(responder: unobserved.buildResponder()) }

    private func gate(to operation: OpenAPIOperation) -> Gate {
        guard !operation.isOpen else { return Gate(guardian: nil, rule: nil, engine: engine) }
        guard let rule = operation.rule else {
            preconditionFailure("nobody says who may call \(operation.id)")
        }
        return Gate(guardian: guardian, rule: rule, engine: engine)
    }

    /// What a caller may read of one subject, a caller who is bound to it finds under `/v1/me`, too.
    private mutating func addOwn(
        _ method: HTTPRequest.Method, _ path: String, _ rule: AccessRule?,
        _ handler: @escaping Handler
    ) {
        guard method == .get, rule?.own == .path, path.hasPrefix(OpenAPIOperation.subjectRoute)
        else { return }
        on(.get, "/v1/me" + path.dropFirst(OpenAPIOperation.subjectRoute.count)) {
            request, context in
            guard let own = Caller.current.subject else { throw Problem.noOwnSubject }
            var context = context
            context.coreContext.parameters["subject"] = own.text.percentEncoded[...]
            return try await handler(request, context)
        }
    }

    /// The router, which answers what matches no route with a problem as well.
    var router: Router<ServerContext> {
        // Hummingbird gives a route the middleware that was added before it; what is added after
        // the last route is left for requests that match none.
        hummingbird.add(middleware: NoRoute(paths: paths.with(pages), observer: observer))
        return hummingbird
    }

    package var patterns: [String: Set<HTTPRequest.Method>] { paths.patterns }
}

/// What stands between the router and a handler.
private struct GuardedRoute: Sendable {
    let gate: Gate
    let query: Set<String>
    let hasParameters: Bool
    /// `nil`: requests have no bodies.
    let bodies: MemoryBudget?
    let handler: Routes.Handler

    func answer(_ request: Request, _ context: ServerContext) async throws -> Response {
        try await gate.pass(request, context) { (context) async throws -> Response in
            try await work(request, context)
        }
    }

    private func work(_ request: Request, _ context: ServerContext) async throws -> Response {
        if hasParameters { try request.requireWholePath() }
        if request.hasQuery { try Query(request).allow(query) }
        guard let bodies else { return try await handler(request, context) }
        return try await BodyMemory.$current.withValue(BodyMemory(bodies)) {
            try await handler(request, context)
        }
    }
}

/// Which methods each path takes, to tell a wrong method from a wrong path.
struct PathTable: Sendable {
    private(set) var patterns: [String: Set<HTTPRequest.Method>] = [:]

    init(patterns: [String: Set<HTTPRequest.Method>] = [:]) { self.patterns = patterns }

    mutating func add(_ pattern: String, _ method: HTTPRequest.Method) {
        patterns[pattern, default: []].insert(method)
        if method == .get { patterns[pattern, default: []].insert(.head) }
    }

    func with(_ other: PathTable) -> PathTable {
        PathTable(patterns: patterns.merging(other.patterns) { one, _ in one })
    }

    /// Of the pattern that the router takes: a name goes before a parameter, from the left.
    func methods(of path: String) -> [String] {
        let segments = path.split(separator: "/")
        let matching = patterns.filter { pattern, _ in
            let parts = pattern.split(separator: "/")
            return parts.count == segments.count
                && zip(parts, segments).allSatisfy { $0.hasPrefix(":") || $0 == $1 }
        }
        func parameters(_ pattern: String) -> [Int] {
            pattern.split(separator: "/").map { $0.hasPrefix(":") ? 1 : 0 }
        }
        let taken = matching.min {
            parameters($0.key).lexicographicallyPrecedes(parameters($1.key))
        }
        return (taken?.value ?? []).map(\.rawValue).sorted()
    }
}

/// Answers every request, without asking what comes next.
private struct NoRoute: RouterMiddleware {
    let paths: PathTable
    let observer: Observer
    private let route: ObservedRoute

    init(paths: PathTable, observer: Observer) {
        self.paths = paths
        self.observer = observer
        route = observer.noRoute
    }

    @concurrent
    func handle(
        _ request: Request, context: ServerContext,
        next: @concurrent (Request, ServerContext) async throws -> Response
    ) async throws -> Response {
        let methods = paths.methods(of: request.uri.path)
        return try await observer.answer(request.head, route) { () async throws -> Response in
            if let answer = observer.origins.preflight(request.head, methods) { return answer }
            throw methods.isEmpty ? Problem.notFound : .methodNotAllowed(methods)
        }
    }
}
