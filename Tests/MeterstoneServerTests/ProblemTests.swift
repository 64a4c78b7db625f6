import HTTPTypes
import MeterstoneCore
import MeterstoneStore
import Testing

import MeterstoneServer

/// Every code has its status.
@Suite struct ProblemTests {
    static let rejections: [(Rejection.Code, Int)] = [
        (.malformed, 400), (.trackingDisabled, 403), (.alreadyVoided, 409), (.inUse, 409),
        (.idempotencyConflict, 409), (.preconditionFailed, 412), (.tooLarge, 413),
        (.invalidField, 422), (.missingField, 422),
        (.unknownField, 422), (.unknownMeter, 422), (.unknownPlan, 422), (.unknownLimit, 422),
        (.unknownWebhook, 422),
        (.unknownFeature, 422),
        (.unknownAddOn, 422),
        (.unknownSubject, 422), (.unknownEvent, 422), (.unknownTimeZone, 422),
        (.nothingToCount, 422), (.unpricedModel, 422), (.quantityOverflow, 422),
        (.occurredAtOutOfRange, 422),
        (.cyclicParent, 422), (.unknownReservation, 422), (.reservationOpen, 409),
        (.reservationClosed, 409), (.tooManyReservations, 429), (.tooManyEvents, 409),
        (.unknownGrant, 422), (.subjectErased, 409), (.monthClosed, 409), (.monthNotOver, 409),
        (.duplicateGrant, 409), (.unknownReference, 422), (.alreadyRefunded, 409),
        (.creditOverflow, 422), (.eventVoided, 409), (.eventRefunded, 409), (.timeZoneRules, 503),
        (.unknownType, 422), (.cursorExpired, 410), (.foreignSubject, 403),
        (.unknownAddOn, 422),
    ]

    @Test func `every rejection has a status`() {
        #expect(Set(Self.rejections.map(\.0)) == Set(Rejection.Code.allCases))
        for (code, status) in Self.rejections {
            let problem = Problem(Rejection(code: code, field: "f", message: "m"))
            #expect(problem.status.code == status, "\(code)")
            #expect(problem.code == code.rawValue && problem.field == "f")
            let inPath = Problem(Rejection(code: code, field: "f", message: "m"), missing: [code])
            #expect(inPath.status == .notFound)
        }
    }

    static let failures: [(StoreError.Code, Int, retryAfter: String?)] = [
        (.overloaded, 503, "1"), (.closed, 503, "5"), (.halted, 503, "5"), (.locked, 503, "5"),
        (.inputOutput, 503, "5"), (.diskFull, 507, nil), (.outcomeUnknown, 500, nil),
        (.corrupt, 500, nil), (.schemaTooNew, 500, nil), (.misuse, 500, nil),
    ]

    @Test(arguments: failures)
    func `every failure of a store has a status`(
        code: StoreError.Code, status: Int, retryAfter: String?
    ) {
        let problem = Problem(StoreError(code: code, message: "m"))
        #expect(problem.status.code == status)
        #expect(problem.headers[.retryAfter] == retryAfter)
        #expect(problem.code == code.text)
    }
}
