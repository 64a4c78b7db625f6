import MeterstoneCore
import Mustache

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Turns pages into HTML.
struct Templates: Sendable {
    private let library: MustacheLibrary
    private let version = PageFile.version

    init() {
        var library = MustacheLibrary()
        for (name, bytes) in Self.sources {
            do {
                try library.register(String(decoding: bytes, as: UTF8.self), named: name)
            } catch {
                preconditionFailure("the template \(name) cannot be read: \(error)")
            }
        }
        self.library = library
    }

    private static let sources: [(String, [UInt8])] = [
        ("page", PackageResources.page_mustache), ("cards", PackageResources.cards_mustache),
        ("figure", PackageResources.figure_mustache), ("table", PackageResources.table_mustache),
        ("empty", PackageResources.empty_mustache), ("meters", PackageResources.meters_mustache),
        ("facts", PackageResources.facts_mustache), ("forms", PackageResources.forms_mustache),
        ("notice", PackageResources.notice_mustache),
        ("filters", PackageResources.filters_mustache),
        ("steps", PackageResources.steps_mustache),
        ("sign-in", PackageResources.sign_in_mustache),
    ]

    private static let groups: [(name: String, links: [(text: String, to: String)])] = [
        (
            "Usage",
            [("Overview", "/admin"), ("Analytics", "/admin/usage"), ("Tour", "/admin/tour")]
        ),
        (
            "People",
            [
                ("Subjects", "/admin/subjects"), ("Top subjects", "/admin/top"),
                ("Unusual usage", "/admin/unusual"),
            ]
        ),
        (
            "Activity",
            [
                ("Events", "/admin/events"), ("Requests", "/admin/requests"),
                ("Errors", "/admin/errors"), ("Imports", "/admin/imports"),
            ]
        ),
        (
            "Rules",
            [
                ("Limits", "/admin/limits"), ("Plans", "/admin/plans"),
                ("Alerts", "/admin/alerts"),
            ]
        ),
        (
            "Server",
            [
                ("Audit log", "/admin/changes"), ("Keys", "/admin/keys"),
                ("Administrators", "/admin/administrators"),
                ("System", "/admin/system"),
            ]
        ),
    ]

    /// What whoever only looks may not see.
    private static let forAdministrators: Set<String> = [
        "/admin/changes", "/admin/keys", "/admin/administrators",
    ]

    func render(_ page: Page, _ request: PageRequest, _ source: any PageSource) -> String {
        let isAlone = page.place == "/me" || page.place == Pages.signInPath
        let context: Context = [
            "title": page.title, "question": optional(page.question == "" ? nil : page.question),
            "version": version, "live": optional(page.live),
            "bodyKind": isAlone ? "alone" : "", "hasNavigation": !isAlone,
            "isSignIn": page.place == Pages.signInPath,
            "groups": Self.groups.enumerated().map { index, group -> Context in
                [
                    "name": group.name, "id": "group-\(index)",
                    "links": group.links.filter {
                        source.mayChange || !Self.forAdministrators.contains($0.to)
                    }.map {
                        ["text": $0.text, "to": $0.to, "current": $0.to == page.place] as Context
                    },
                ]
            },
            "hasSession": source.hasSession, "hasActions": page.hasActions,
            "hasCrumbs": !page.crumbs.isEmpty,
            "crumbs": page.crumbs.map { ["text": $0.text, "to": $0.link] as Context },
            "sections": page.sections.map { section -> Context in
                var context = Self.noSection
                context.merge(section.context(request)) { _, own in own }
                return context
            },
            "now": source.now.rfc3339, "nowText": Format.time(source.now),
        ]
        return library.render(context, withTemplate: "page") ?? ""
    }

    private static var noSection: Context {
        [
            "cards": false, "figure": false, "table": false, "meters": false, "facts": false,
            "forms": false, "notice": false, "filters": false, "steps": false,
        ]
    }
}

/// A file that pages need, served as it is.
package struct PageFile: Sendable {
    package var path: String
    package var type: String
    package var bytes: [UInt8]
    /// Whether its address changes with what is in it.
    package var isVersioned: Bool
    /// Whether pages of other places load it, too.
    package var isForOthers = false

    package static let all = [
        PageFile(
            path: "/pages/meterstone.css", type: "text/css; charset=utf-8",
            bytes: PackageResources.meterstone_css, isVersioned: true),
        PageFile(
            path: "/pages/meterstone.js", type: "text/javascript; charset=utf-8",
            bytes: PackageResources.meterstone_js, isVersioned: true),
        PageFile(
            path: "/pages/icon.svg", type: "image/svg+xml", bytes: PackageResources.icon_svg,
            isVersioned: false),
        PageFile(
            path: "/web/usage.js", type: "text/javascript; charset=utf-8",
            bytes: PackageResources.usage_js, isVersioned: false, isForOthers: true),
        PageFile(
            path: "/web/client.js", type: "text/javascript; charset=utf-8",
            bytes: PackageResources.client_js, isVersioned: false, isForOthers: true),
    ]

    /// Of the style sheet and the script: FNV-1a, which is enough to tell them from what they were.
    static let version: String = {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in PackageResources.meterstone_css + PackageResources.meterstone_js {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        return String(hash, radix: 36)
    }()
}
