/// The shapes of all answers.
package enum Shapes {
    /// Those that stand in the description by their name.
    package static let schemas: [(name: String, schema: String)] = [
        schema(charge), schema(credits), schema(grant), schema(openGrant), schema(granted),
        schema(voided), schema(refunded), schema(entry), schema(entries), schema(limitStatus),
        schema(allowancePart),
        schema(consumed), schema(checked), schema(limits), schema(override), schema(overrides),
        schema(reservation), schema(reservations), schema(reserved), schema(reservationAnswer),
        schema(event), schema(events), schema(eventsAnswer), schema(consumesAnswer),
        schema(recordedUsage),
        schema(usage), schema(lifetime), schema(statistics),
        schema(pace), schema(periods), schema(planFits), schema(feature), schema(day), schema(days),
        schema(month),
        schema(months),
        schema(whatIf), schema(whatIfRefusal), schema(change), schema(changes),
        schema(subscriptionPeriod), schema(subscriptionPeriods), schema(subscriptionTurn),
        schema(subscriptionPreview), schema(mergePreview), schema(subjectFeatures),
        schema(planFeatureAnswer),
        schema(blueprintStep), schema(blueprintSteps), schema(importedFile), schema(imports),
        schema(key), schema(keys), schema(madeKey), schema(madeToken),
        schema(firedAlert), schema(firedAlerts), schema(refill), schema(refills), schema(webhook),
        schema(webhooks),
        schema(madeWebhook), schema(progress),
        schema(administrator), schema(administrators), schema(invited), schema(session),
        schema(sessionList), schema(codeSecret), schema(accountSession), schema(accountSessions),
        schema(aliases), schema(heldItem), schema(heldItems),
        schema(closedMonth), schema(closedMonths), schema(statement),
    ]

    package static func schema<Value>(_ shape: Shape<Value>) -> (name: String, schema: String) {
        (shape.name ?? "", shape.definition)
    }
}
