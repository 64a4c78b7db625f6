/// The blueprints that come with the program, and need no file beside it.
package enum NamedBlueprint: String, CaseIterable, Sendable {
    case shopAudience = "shop-audience"
    case languageTutor = "language-tutor"
    case chatBuilder = "chat-builder"
    case tokenAllowance = "token-allowance"
    case videoStudio = "video-studio"

    /// A blueprint by its name, or by the one that it had before.
    package init?(named name: String) {
        guard let blueprint = NamedBlueprint(rawValue: name) ?? Self.formerNames[name] else {
            return nil
        }
        self = blueprint
    }

    private static let formerNames: [String: NamedBlueprint] = [
        "chat-flow": .chatBuilder, "daily-tokens": .tokenAllowance,
    ]

    /// The blueprint as its author wrote it, comments included.
    package var yaml: String {
        switch self {
        case .shopAudience: String(decoding: PackageResources.shop_audience_yaml, as: UTF8.self)
        case .languageTutor: String(decoding: PackageResources.language_tutor_yaml, as: UTF8.self)
        case .chatBuilder: String(decoding: PackageResources.chat_builder_yaml, as: UTF8.self)
        case .tokenAllowance:
            String(decoding: PackageResources.token_allowance_yaml, as: UTF8.self)
        case .videoStudio: String(decoding: PackageResources.video_studio_yaml, as: UTF8.self)
        }
    }
}
