/// What a page is made of. Each kind has one template, so that the next page is built of what is there.
enum Section {
    case cards(Cards)
    case figure(Figure)
    case table(Table)
    case meters(LimitList)
    case facts(Facts)
    case forms(Forms)
    case notice(Notice)
    case filters(Filters)
    case steps(Steps)

    func context(_ request: PageRequest) -> Context {
        switch self {
        case .cards(let cards): ["cards": cards.context]
        case .figure(let figure): ["figure": figure.context]
        case .table(let table): ["table": table.context(request)]
        case .meters(let list): ["meters": list.context]
        case .facts(let facts): ["facts": facts.context]
        case .forms(let forms): ["forms": forms.context]
        case .notice(let notice): ["notice": notice.context]
        case .filters(let filters): ["filters": filters.context(request)]
        case .steps(let steps): ["steps": steps.context]
        }
    }
}

/// What a template sees. A name that a template asks for is always there: an absent one would be
/// looked for further out.
typealias Context = [String: Any]

/// A text that may be missing, for a template: `false` is not shown.
func optional(_ text: String?) -> Any { text.map { $0 as Any } ?? false }

/// A page as it is put together.
struct Page {
    var title: String
    /// The one question that the page answers.
    var question: String
    var sections: [Section] = []
    /// Whether what is marked as live is brought up to date while the page is open.
    var live: String?
    /// Where in the navigation it is.
    var place: String
    var crumbs: [(text: String, link: String)] = []
    /// Whether there is something to do, further down.
    var hasActions = false
}

/// A few numbers side by side, each against the span before.
struct Cards {
    struct Card {
        var label: String
        var value: String
        var before: (now: Double, then: Double)?
        var hint: String?
        var link: String?
        /// Whether more of it is bad.
        var isTrouble = false
        var spark: String?
    }

    var label: String
    var cards: [Card]

    var context: Context {
        [
            "label": label,
            "items": cards.enumerated().map { index, card -> Context in
                let change = card.before.map { Change(now: $0.now, then: $0.then) }
                return [
                    "label": card.label, "value": card.value, "hint": optional(card.hint),
                    "link": optional(card.link), "spark": card.spark ?? "",
                    "change": optional(change?.text),
                    "changeKind": change.map { $0.kind(isTrouble: card.isTrouble) } ?? "",
                ]
            },
        ]
    }

    /// `+12 %` against what was before.
    private struct Change {
        let now: Double
        let then: Double

        var text: String {
            guard then != 0 else { return now == 0 ? "as before" : "none before" }
            let share = (now - then) / abs(then)
            if abs(share) < 0.0005 { return "as before" }
            let percent = Format.percent(abs(share))
            return share > 0 ? "+\(percent)" : "−\(percent)"
        }

        func kind(isTrouble: Bool) -> String {
            guard then != 0, now != then else { return "even" }
            return (now > then) != isTrouble ? "good" : "bad"
        }
    }
}

/// A chart, with the same numbers as a table.
struct Figure {
    var id: String
    var heading: String
    var note: String?
    var svg: String
    var legend: [(kind: String, text: String)] = []
    var columns: [String]
    var rows: [[String]]

    var context: Context {
        [
            "id": id, "heading": heading, "note": optional(note), "svg": svg,
            "hasLegend": !legend.isEmpty,
            "legend": legend.map { ["kind": $0.kind, "text": $0.text] as Context },
            "columns": columns.enumerated().map {
                ["text": $1, "kind": $0 == 0 ? "" : "number"] as Context
            },
            "rows": rows.map { row -> Context in
                [
                    "cells": row.enumerated().map {
                        ["text": $1, "kind": $0 == 0 ? "" : "number"] as Context
                    }
                ]
            },
        ]
    }
}

/// Names and what they are.
struct Facts {
    var heading: String
    var items: [(name: String, text: String, link: String?)]

    var context: Context {
        [
            "heading": heading,
            "items": items.map {
                ["name": $0.name, "text": $0.text, "link": optional($0.link)] as Context
            },
        ]
    }
}

/// Something to be read before anything else, or in its place: it says what to do next.
struct Notice {
    var heading: String
    var text: String
    var code: String?
    var link: (text: String, to: String)?
    /// `calm` or `bad`.
    var kind = "calm"

    var context: Context {
        [
            "heading": heading, "text": text, "code": optional(code), "kind": kind,
            "linkText": optional(link?.text), "linkTo": link?.to ?? "",
        ]
    }
}

/// What a new server needs, one after the other.
struct Steps {
    struct Step {
        var heading: String
        var text: String
        var code: String?
        /// `nil`: nobody looks whether it is.
        var isDone: Bool?
    }

    var heading: String
    var steps: [Step]

    var context: Context {
        [
            "heading": heading,
            "items": steps.map {
                [
                    "heading": $0.heading, "text": $0.text, "code": optional($0.code),
                    "isDone": $0.isDone ?? false,
                    "state": optional($0.isDone.map { $0 ? "done" : "open" }),
                ] as Context
            },
        ]
    }
}
