import HTTPTypes
import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// How every administrative write is answered.
extension MeterstoneEngine {
    /// Writes something and answers with it as the write left it: 201 when it is new, 200 when it was
    /// there. A repeat of the idempotency key gets the same bytes, whatever came between.
    ///
    /// - Parameters:
    ///   - missing: codes that speak of what the path names.
    ///   - told: the body, where the change also says when it was asked for.
    ///   - json: the answer, where it is not what was written.
    func put(
        _ change: Change, _ request: Request, missing: Set<Rejection.Code> = [],
        told: [UInt8]? = nil, json: (_ after: [UInt8]) async throws -> [UInt8] = { $0 }
    ) async throws -> Response {
        let receipt = try await self.change(try request.change(change, told: told))
        if case .rejected(let rejection) = receipt.outcome {
            throw Problem(rejection, missing: missing)
        }
        let left = try await json(Array((receipt.after ?? "null").utf8))
        return Response(
            json: try await timed(left, change, request, isReplay: receipt.isReplay),
            status: receipt.outcome == .created ? .created : .ok, headers: receipt.headers)
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
            var headers = receipt.headers
            headers[.eTag] = nil
            return Response(status: .noContent, headers: headers)
        }
    }
}

extension ChangeReceipt {
    /// The tag of what the change left, and whether this is the first answer again.
    var headers: HTTPFields {
        var headers = HTTPFields.tag(of: after)
        headers[.outcome] = outcome.word
        if isReplay { headers[.idempotencyReplayed] = "true" }
        return headers
    }
}
