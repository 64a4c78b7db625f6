import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneStore

/// Whether the process is alive, and whether it serves.
struct HealthRoutes: Sendable {
    let engine: MeterstoneEngine

    func add(to routes: inout Routes) {
        routes.on(.get, "/healthz") { _, _ in answer("alive") }
        routes.on(.get, "/readyz") { _, _ in
            switch engine.state {
            case .serving:
                if let error = await engine.unreachable() { throw error }
                return answer("serving")
            case .halted(let error):
                throw StoreError(code: .halted, message: error.message)
            case .closed:
                throw StoreError(code: .closed, message: "the server is stopping")
            }
        }
    }

    private func answer(_ status: String) -> Response {
        Response { writer in
            writer.beginObject()
            writer.name("status")
            writer.string(status)
            writer.endObject()
        }
    }
}
