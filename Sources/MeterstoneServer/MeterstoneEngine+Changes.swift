import HTTPTypes
import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// How every administrative write is answered.
extension MeterstoneEngine {
    /// Writes something and answers with it: 201 when it is new, 200 when it was there.
    ///
    /// - Parameters:
    ///   - missing: codes that speak of what the path names.
    ///   - json: what is written, as it stands afterwards.
    func put(
        _ change: Change, _ request: Request, missing: Set<Rejection.Code> = [],
        json: () async throws -> [UInt8]
    ) async throws -> Response {
        let receipt = try await self.change(try request.change(change))
        if case .rejected(let rejection) = receipt.outcome {
            throw Problem(rejection, missing: missing)
        }
        return Response(
            json: try await json(), status: receipt.outcome == .created ? .created : .ok,
            headers: receipt.isReplay ? .replayed : [:])
    }

    /// Deletes something and answers with nothing.
    ///
    /// - Parameter missing: the problem when it is not there.
    func delete(
        _ change: Change, _ request: Request, missing: Problem
    ) async throws -> Response {
        let receipt = try await self.change(try request.change(change))
        switch receipt.outcome {
        case .missing: throw missing
        case .rejected(let rejection): throw rejection
        case .created, .replaced, .unchanged, .deleted, .credited:
            return Response(status: .noContent, headers: receipt.isReplay ? .replayed : [:])
        }
    }
}
