import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore

extension MeterstoneEngine {
    /// Changes some members of a thing and answers with the whole of it, as it stands afterwards.
    ///
    /// - Parameters:
    ///   - missing: the problem when it is not there.
    ///   - json: the answer, where it is not what the change left.
    func patch(
        _ target: MergePatch.Target, _ body: AdministrativeBody, _ request: Request,
        missing: Problem, json: (_ after: [UInt8]) async throws -> [UInt8] = { $0 }
    ) async throws -> Response {
        let members = try body.decode(JSONValue.self)
        let change = Change.patch(MergePatch(target, members))
        let receipt = try await self.change(try request.change(change))
        switch receipt.outcome {
        case .missing: throw missing
        case .rejected(let rejection): throw rejection
        case .created, .replaced, .unchanged, .deleted, .credited: break
        }
        guard let after = receipt.after else { throw missing }
        let left = try await json(Array(after.utf8))
        return Response(
            json: try await timed(left, change, request, isReplay: receipt.isReplay),
            status: receipt.outcome == .created ? .created : .ok, headers: receipt.headers)
    }
}
