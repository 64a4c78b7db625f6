import MeterstoneCore

/// Where somebody stands with each limit.
struct LimitList {
    struct Item {
        var limit: String
        var label: String
        var used: Int64
        var allowance: Int64
        var note: String?
        var resetsAt: Instant?
        var pace: String?
        var link: String?
    }

    var heading: String
    var items: [Item]
    var now: Instant
    var empty: Notice

    var context: Context {
        [
            "heading": heading, "hasItems": !items.isEmpty, "empty": empty.context,
            "items": items.map { item -> Context in
                let isBound = item.allowance >= 0
                let share =
                    item.allowance > 0
                    ? min(1, Double(max(0, item.used)) / Double(item.allowance))
                    : (item.allowance == 0 ? 1 : 0)
                let state = !isBound ? "open" : share >= 1 ? "full" : share >= 0.8 ? "near" : "open"
                let reset = item.resetsAt.map {
                    "Resets in " + Format.wait(until: $0, from: now)
                }
                return [
                    "key": item.limit, "label": item.label, "state": state,
                    "used": Format.number(item.used),
                    "allowance": Format.allowance(item.allowance),
                    "isBound": isBound, "usedPlain": String(item.used),
                    "allowancePlain": String(max(item.allowance, 0)),
                    "left": isBound
                        ? Format.number(max(0, item.allowance - item.used)) + " left"
                        : "No bound",
                    "bar": isBound ? Bar.svg(share, kind: state) : "",
                    "note": optional(item.note), "reset": optional(reset),
                    "resetsAt": item.resetsAt.map(\.rfc3339) ?? "",
                    "pace": optional(item.pace), "link": optional(item.link),
                ]
            },
        ]
    }
}
