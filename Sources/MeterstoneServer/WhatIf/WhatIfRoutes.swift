import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// What would have been refused under other limits. It changes nothing, and asks for a body because
/// limits are what it asks about.
struct WhatIfRoutes: Sendable {
    let engine: MeterstoneEngine
    let options: ServerOptions

    func add(to routes: inout Routes) {
        routes.on(.post, "/v1/what-if") { request, _ in
            try await engine.requireAnalytics(options)
            let question = try WhatIfQuestion(json: try await request.json())
            switch try await engine.whatIf(question) {
            case .answered(let answer): return Response(answer, Shapes.whatIf)
            case .rejected(let rejection): throw rejection
            }
        }
    }
}
