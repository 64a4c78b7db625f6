/// Things that can be done, each a form that calls the interface from the page itself.
///
/// A form names the method and the path, and its fields the members of the body. The script of the
/// page sends it as JSON; the interface decides and says what is wrong, and the page shows it.
struct Forms {
    struct Form {
        var id: String
        var heading: String
        var text: String?
        var method: String
        var path: String
        /// Where it is asked what would be, before it is done.
        var preview: String?
        /// Members of the body beside the fields, as JSON.
        var fixed = "{}"
        var fields: [Field]
        var button: String
        /// What is asked before it is sent.
        var question: String?
        var isGrave = false
        var isSmall = false
        /// Whether it makes something, and is refused where there is one of that name.
        var isNew = false
    }

    struct Field {
        var name: String
        var label: String
        /// `text`, `number`, `money`, `list`, `select`, `datetime`.
        var kind = "text"
        var value = ""
        var hint: String?
        var options: [(value: String, text: String)] = []
        var isRequired = false
    }

    var heading: String
    var forms: [Form]

    var context: Context {
        ["heading": heading, "items": forms.map(\.context)]
    }
}

extension Forms.Form {
    fileprivate var context: Context {
        [
            "id": id, "heading": heading, "text": optional(text), "method": method, "path": path,
            "preview": optional(preview), "fixed": fixed, "button": button,
            "question": optional(question), "buttonKind": isGrave ? "grave" : "plain",
            "size": isSmall ? "small" : "", "isNew": isNew,
            "fields": fields.map { field -> Context in
                [
                    "fieldId": id + "-" + field.name.replacing(".", with: "-"),
                    "name": field.name, "label": field.label, "kind": field.kind,
                    "isSelect": field.kind == "select",
                    "inputType": field.kind == "datetime"
                        ? "datetime-local" : field.kind == "number" ? "number" : "text",
                    "value": field.value, "hint": optional(field.hint),
                    "required": field.isRequired,
                    "options": field.options.map {
                        [
                            "value": $0.value, "text": $0.text, "selected": $0.value == field.value,
                        ] as Context
                    },
                ]
            },
        ]
    }
}

/// What the address of a page selects.
struct Filters {
    struct Field {
        var name: String
        var label: String
        /// `select`, `search`, `date`.
        var kind = "select"
        var value: String
        var options: [(value: String, text: String)] = []
    }

    var fields: [Field]
    /// Names in the address that the form leaves as they are.
    var keeps: [String] = []

    func context(_ request: PageRequest) -> Context {
        [
            "path": request.path,
            "kept": keeps.compactMap { name in
                request.value(name).map { ["name": name, "value": $0] as Context }
            },
            "fields": fields.map { field -> Context in
                [
                    "name": field.name, "label": field.label, "value": field.value,
                    "isSelect": field.kind == "select", "inputType": field.kind,
                    "options": field.options.map {
                        [
                            "value": $0.value, "text": $0.text, "selected": $0.value == field.value,
                        ] as Context
                    },
                ]
            },
        ]
    }
}
