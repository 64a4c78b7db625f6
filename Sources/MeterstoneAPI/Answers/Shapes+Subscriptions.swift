package import MeterstoneCore

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

extension Wire<Subscription> {
    /// As it is stored.
    package static var stored: Wire {
        Wire(.named("Subscription")) { subscription, writer in
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            // Texts and instants can always be written.
            if let json = try? encoder.encode(subscription) { writer.json(Array(json)) }
        }
    }
}

extension Wire<PlanFeature> {
    package static var feature: Wire {
        Wire(.named("PlanFeature")) { feature, writer in
            switch feature {
            case .flag(let flag): writer.boolean(flag)
            case .number(let number): writer.integer(number)
            case .text(let text): writer.string(text)
            }
        }
    }
}

extension Shapes {
    package static let subscriptionPeriod = Shape<SubscriptionPeriod>(
        "SubscriptionPeriod",
        [
            Member("state", .choice, \.state, "past, current or scheduled."),
            Member(
                "from", Wire<Instant>.instant.orNull, \.from,
                "Since when it is the one that is said."),
            Member(
                "until", Wire<Instant>.instant.orNull, \.until,
                "Until when; null: no end is known."),
            Member("subscription", .stored, \.subscription, "As it was told last."),
            Member(
                "status", .oneOf(SubscriptionStatus.allCases.map(\.rawValue)), \.status.rawValue,
                "Where it stands now, or stood when it was replaced: expired when it is over."),
            Member("applies", .flag, \.applies, "Whether it gives its plan now."),
        ]
    ) { fields throws(WireMismatch) in
        let state: String = try fields("state")
        let status: String = try fields("status")
        return SubscriptionPeriod(
            state: SubscriptionPeriod.State(rawValue: state) ?? .past, from: try fields("from"),
            until: try fields("until"),
            subscription: try fields("subscription", decoding: Subscription.self),
            status: SubscriptionStatus(text: status) ?? .expired, applies: try fields("applies"))
    }

    package static let subscriptionPeriods = list(
        "SubscriptionList", "subscriptions", of: subscriptionPeriod)

    private static let changeGrant = Shape<ChangeGrant>([
        Member(maybe: "id", .name, \.id, "Absent: its plan gives it as its first window."),
        Member("window", .window, \.window),
        Member("amount", .quantity, \.amount),
        Member("effectiveAt", .instant, \.effectiveAt),
        Member("expiresAt", Wire<Instant>.instant.orNull, \.expiresAt),
    ]) { fields throws(WireMismatch) in
        ChangeGrant(
            id: try fields("id"), window: try fields("window"), amount: try fields("amount"),
            effectiveAt: try fields("effectiveAt"), expiresAt: try fields("expiresAt"))
    }

    package static let subscriptionTurn = Shape<SubscriptionTurn>(
        "SubscriptionChangeAnswer",
        [
            Member(
                "subscription", .stored, \.subscription,
                "What the subject is subscribed to from its startsAt on."),
            Member("scheduled", .flag, \.isScheduled, "Whether it is for later."),
            Member(
                "planBefore", Wire<PlanKey>.key.orNull, \.planBefore,
                "The plan until then; null: none."),
            Member("grants", changeGrant.wire.list(), \.grants, "Credits that it gives."),
            Member(
                "cancelled", Wire<Subscription>.stored.list(), \.cancelled,
                "What was scheduled, and is not any more."),
        ]
    ) { fields throws(WireMismatch) in
        SubscriptionTurn(
            subscription: try fields("subscription", decoding: Subscription.self),
            isScheduled: try fields("scheduled"), planBefore: try fields("planBefore"),
            grants: try fields("grants", listOf: changeGrant),
            cancelled: try fields("cancelled", decoding: [Subscription].self))
    }
}

// MARK: - Preview

struct PreviewedLimit {
    var before: SubjectWindow
    var after: SubjectWindow

    static func pairs(_ before: [SubjectWindow], _ after: [SubjectWindow]) -> [PreviewedLimit] {
        after.map { after in
            let before = before.first {
                $0.status.limit == after.status.limit && $0.status.value == after.status.value
            }
            return PreviewedLimit(before: before ?? after.unused, after: after)
        }
    }
}

extension SubjectWindow {
    /// The same before anything was used, as of a value that nobody knew.
    fileprivate var unused: SubjectWindow {
        SubjectWindow(
            status: LimitStatus(
                definition: status.definition, value: status.value, ancestor: status.ancestor,
                allowance: status.allowance, used: .zero, resetsAt: status.resetsAt,
                parts: status.parts),
            span: span)
    }
}

extension SubscriptionPreview {
    fileprivate var limits: [PreviewedLimit] { PreviewedLimit.pairs(before, after) }
}

extension WindowSpan {
    var fromText: Instant? { from.hasText ? from : nil }
    var untilText: Instant? { until.hasText ? until : nil }
}

extension Shapes {
    private static let subjectWindow = Shape<SubjectWindow>(
        [
            Member(
                "from", Wire<Instant>.instant.orNull, \.span.fromText,
                "When the window begins; null: it has no beginning."),
            Member("until", Wire<Instant>.instant.orNull, \.span.untilText, "When it ends."),
        ] + limitStatus.members(of: \SubjectWindow.status)
    ) { fields throws(WireMismatch) in
        let from: Instant? = try fields("from")
        let until: Instant? = try fields("until")
        return SubjectWindow(
            status: try limitStatus.read(fields),
            span: WindowSpan(
                from: from ?? WindowSpan.lifetime.from, until: until ?? WindowSpan.lifetime.until))
    }

    private static let planCharge = Shape<PlanCharge>([
        Member("at", .instant, \.periodFrom),
        Member("plan", .key, \.plan),
        Member("amount", .integer, \.price.millionths, "In millionths of the currency unit."),
    ]) { fields throws(WireMismatch) in
        PlanCharge(
            periodFrom: try fields("at"), plan: try fields("plan"),
            price: Money(millionths: try fields("amount")))
    }

    static let previewedLimit = Shape<PreviewedLimit>([
        Member("before", subjectWindow.wire, \.before, "Without the change."),
        Member("after", subjectWindow.wire, \.after, "With it."),
    ]) { fields throws(WireMismatch) in
        PreviewedLimit(
            before: try fields("before", subjectWindow), after: try fields("after", subjectWindow))
    }

    package static let subscriptionPreview = Shape<SubscriptionPreview>(
        "SubscriptionPreview",
        [
            Member("change", subscriptionTurn.wire, \.turn, "What the change comes to."),
            Member(
                "limits", previewedLimit.wire.list(), \.limits,
                "The subject's own limits when the change takes effect."),
            Member("creditsBefore", .integer, \.creditsBefore, "The balance then without it."),
            Member("creditsAfter", .integer, \.creditsAfter, "The balance then with it."),
            Member(
                "revenue", planCharge.wire.list(), \.charges,
                "What is paid from the change on until its billing month ends."),
        ]
    ) { fields throws(WireMismatch) in
        let limits = try fields("limits", listOf: previewedLimit)
        return SubscriptionPreview(
            turn: try fields("change", subscriptionTurn), before: limits.map(\.before),
            after: limits.map(\.after), creditsBefore: try fields("creditsBefore"),
            creditsAfter: try fields("creditsAfter"),
            charges: try fields("revenue", listOf: planCharge))
    }
}

// MARK: - Features

/// One feature of a subject, as somebody asked.
package struct PlanFeatureAnswer: Sendable {
    package var subject: SubjectID
    package var plan: PlanKey?
    package var feature: String
    package var value: PlanFeature

    package init(_ features: SubjectFeatures, _ feature: String, _ value: PlanFeature) {
        subject = features.subject
        plan = features.plan
        self.feature = feature
        self.value = value
    }
}

extension Shapes {
    package static let subjectFeatures = Shape<SubjectFeatures>(
        "SubjectFeatures",
        [
            Member("subject", .name, \.subject),
            Member("plan", Wire<PlanKey>.key.orNull, \.plan, "The plan that applies."),
            Member(
                "subscription",
                Wire<String>.oneOf(SubscriptionStatus.allCases.map(\.rawValue)).orNull,
                \.subscription?.rawValue, "Where the subscription stands; null: there is none."),
            Member(
                "features",
                Wire<PlanFeature>.feature.byName().of { (value: [String: PlanFeature]) in
                    value.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
                }, \.features, "Every feature that any plan names; false where this one does not."),
        ]
    ) { fields throws(WireMismatch) in
        let status: String? = try fields("subscription")
        return SubjectFeatures(
            subject: try fields("subject"), plan: try fields("plan"),
            subscription: status.flatMap { SubscriptionStatus(text: $0) },
            features: try fields("features", decoding: [String: PlanFeature].self))
    }

    package static let planFeatureAnswer = Shape<PlanFeatureAnswer>(
        "FeatureOfPlan",
        [
            Member("subject", .name, \.subject),
            Member("feature", .text, \.feature),
            Member("plan", Wire<PlanKey>.key.orNull, \.plan, "The plan that applies."),
            Member(
                "allowed", .flag, \.value.isOn, "Whether it is there; 0 of something is not."),
            Member("value", .feature, \.value, "What the plan says of it."),
        ])
}
