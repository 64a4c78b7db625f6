package import MeterstoneCore

extension Blueprint {
    /// A blueprint file may be this long; a longer one is some other file.
    package static let yamlBytesMax = 1_048_576

    /// Reads a blueprint from YAML, or tells every mistake in it, in the order of the text.
    package init(yaml: String) throws(BlueprintError) {
        guard yaml.utf8.count <= Self.yamlBytesMax else {
            let message = "longer than \(Self.yamlBytesMax) bytes, which no blueprint is"
            throw BlueprintError(mistakes: [
                BlueprintMistake(line: 1, column: 1, field: "", message: message)
            ])
        }
        var reader = BlueprintReader(try Document(yaml))
        self = reader.blueprint()
        guard reader.mistakes.isEmpty else {
            let sorted = reader.mistakes.sorted {
                ($0.line, $0.column, $0.field) < ($1.line, $1.column, $1.field)
            }
            throw BlueprintError(mistakes: sorted)
        }
    }
}
