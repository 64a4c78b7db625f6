import MeterstoneCore

/// Who may call an operation: with which scope, and whether also a caller who is bound to one subject.
struct AccessRule: Hashable, Sendable {
    /// What a caller who is bound to a subject may do.
    enum Own: Hashable, Sendable {
        /// Nothing: it is about everybody.
        case denied
        /// The subject in the path has to be theirs; another's is not there.
        case path
        /// The route looks at what the request names.
        case named
    }

    let scope: AccessScope
    let own: Own

    /// The least role of an administrator who signed in.
    let role: AdministratorRole

    init(scope: AccessScope, own: Own, isOwners: Bool = false) {
        self.scope = scope
        self.own = own
        role = isOwners ? .owner : scope == .read ? .viewer : .operator
    }

    /// The rule of an operation; `nil`: none is written down, and nobody may call it.
    static func of(_ operation: String) -> AccessRule? { table[operation] }

    /// Every operation that needs a key, by its id. A route whose operation is not among them cannot be
    /// added.
    static let table: [String: AccessRule] = {
        var table: [String: AccessRule] = [:]
        for (scope, own, operations) in rows {
            for operation in operations {
                precondition(table[operation] == nil, "\(operation) has two rules")
                table[operation] = AccessRule(
                    scope: scope, own: own, isOwners: owners.contains(operation))
            }
        }
        return table
    }()

    /// What only an owner may do who signed in.
    private static let owners: Set<String> = [
        "listKeys", "getKey", "makeKey", "putKey", "deleteKey", "rotateKey", "listBackups",
        "makeBackup", "listAdministrators", "getAdministrator", "inviteAdministrator",
        "patchAdministrator", "deleteAdministrator",
    ]

    private static let rows: [(AccessScope, Own, [String])] = [
        (.ingest, .named, ["recordEvents", "trackUsage"]),
        (.ingest, .path, ["recordUsage"]),
        (
            .consume, .named,
            [
                "consume", "check", "reserve", "extendReservation", "settleReservation",
                "releaseReservation", "startChatRequest", "endChatRequest", "setVariables",
                "updateVariables", "setPreferences", "updatePreferences", "checkAction",
            ]
        ),
        (
            .read, .path,
            [
                "getSubject", "listAliases", "listAdditions", "getAddition", "getUsage",
                "getLimits", "listEvents", "listItems",
                "listReservations", "listFiredAlerts", "listRefills",
                "getSubscription", "listSubscriptions", "previewSubscription", "listFeatures",
                "listOverrides", "getOverride", "getCredits", "listEntries",
                "getAccount", "listActivity", "listAccountSessions", "getSubjectExport",
                "getLifetime", "getStatistics", "getPace", "getPeriods", "getPlansThatFit",
                "getFeature", "listRequests", "streamLiveLimits", "getSubjectStatement",
            ]
        ),
        (
            .read, .named,
            [
                "getReservation", "getRequest", "getDailyUsage", "getMonthlyUsage",
                "listDailyUsage", "listMonthlyUsage", "getUserDashboard",
                "recalculateUserDashboard", "makeToken", "getVariables", "getPreferences",
                "checkUsageLimit", "getUserLimits", "getUserStats",
            ]
        ),
        (
            .read, .denied,
            [
                "listAllEvents", "listAllRequests", "listSubjects", "listMeters", "getMeter",
                "listPlans", "getPlan",
                "listLimits", "getLimit", "listModels", "getModel", "listAlerts", "getAlert",
                "getBlueprint", "listImports",
                "getCreditPolicy", "getStatisticsPolicy", "getSwitches", "listUnpricedRequests",
                "topReport",
                "trendsReport", "usageByReport", "funnelReport", "errorsReport",
                "unmeteredReport", "adoptionReport", "powerUsersReport", "idleReport",
                "unusualReport", "limitsReport", "limitSubjectsReport", "overageReport",
                "plansReport", "retentionReport", "featureRetentionReport", "sessionsReport",
                "featureValueReport", "whatIf", "getMetrics", "getTopUsers", "getUsageTrends",
                "getConversionFunnel", "getErrorRates", "listSessions", "getCurrentSession",
                "endSession", "makeCodeSecret", "confirmCodeSecret", "deleteCodeSecret",
                "streamChanges", "listMonths", "getStatement",
            ]
        ),
        (
            .admin, .denied,
            [
                "voidEvent", "amendEvent", "putMeter", "patchMeter", "deleteMeter", "putPlan",
                "patchPlan", "deletePlan", "putLimit", "patchLimit", "deleteLimit", "putModel",
                "patchModel", "deleteModel", "applyBlueprint", "noteImport", "putSubject",
                "patchSubject", "deleteSubject", "putAccount", "patchAccount", "deleteAccount",
                "startAccountSession", "endAccountSession", "putAlias", "deleteAlias",
                "renameSubject", "mergeSubject", "previewMerge", "eraseSubject",
                "putAddition", "endAddition", "resetLimit",
                "putSubscription", "patchSubscription",
                "deleteSubscription", "changeSubscription", "cancelScheduledSubscription",
                "putOverride", "deleteOverride", "grantCredit", "voidGrant",
                "refundCredit", "putCreditPolicy", "deleteCreditPolicy", "putStatisticsPolicy",
                "deleteStatisticsPolicy", "putSwitches", "deleteSwitches", "listBackups",
                "makeBackup", "listChanges", "listKeys",
                "getKey", "makeKey", "putAlert", "patchAlert",
                "deleteAlert", "listWebhooks", "getWebhook", "putWebhook", "deleteWebhook",
                "rotateWebhook", "testWebhook", "listDeliveries", "replayDeliveries",
                "resumeRefill",
                "putKey", "deleteKey", "rotateKey", "listAdministrators", "getAdministrator",
                "inviteAdministrator", "patchAdministrator", "deleteAdministrator", "closeMonth",
            ]
        ),
    ]
}
