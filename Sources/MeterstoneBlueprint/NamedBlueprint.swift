/// The blueprints that come with the program, and need no file beside it.
package enum NamedBlueprint: String, CaseIterable, Sendable {
    case videoStudio = "video-studio"
    case chatFlow = "chat-flow"
    case languageTutor = "language-tutor"
    case dailyTokens = "daily-tokens"

    /// The blueprint as its author wrote it, comments included.
    package var yaml: String {
        switch self {
        case .videoStudio: String(decoding: PackageResources.video_studio_yaml, as: UTF8.self)
        case .chatFlow: String(decoding: PackageResources.chat_flow_yaml, as: UTF8.self)
        case .languageTutor: String(decoding: PackageResources.language_tutor_yaml, as: UTF8.self)
        case .dailyTokens: String(decoding: PackageResources.daily_tokens_yaml, as: UTF8.self)
        }
    }
}
