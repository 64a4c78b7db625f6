import Foundation
import Meterstone
import MeterstoneBlueprint
package import MeterstoneCore

extension NamedBlueprint {
    static var names: String {
        allCases.map(\.rawValue).joined(separator: ", ")
    }
}

/// A blueprint that comes with the program, or a file.
package struct BlueprintFile {
    private let name: String
    package let yaml: String

    package init(_ name: String) throws {
        self.name = name
        if let known = NamedBlueprint(named: name) {
            yaml = known.yaml
            return
        }
        guard let bytes = FileManager.default.contents(atPath: name) else {
            let names = NamedBlueprint.names
            throw CommandFailure(
                .inputOutput, "'\(name)' is no blueprint (\(names)) and no file that can be read")
        }
        guard let text = String(validating: bytes.withoutByteOrderMark, as: UTF8.self) else {
            throw CommandFailure(.badData, "\(name): the bytes are not UTF-8")
        }
        yaml = text
    }

    package func blueprint() throws -> Blueprint {
        do throws(BlueprintError) {
            return try Blueprint(yaml: yaml)
        } catch {
            throw CommandFailure(error, in: name)
        }
    }
}

extension Blueprint {
    /// `9 meters, 3 plans, 8 limits`.
    var size: String {
        "\(meters.count) meters, \(plans.count) plans, \(limits.count) limits"
    }
}

/// What applying a blueprint did.
struct AppliedBlueprint {
    private let steps: [BlueprintStep]
    private let name: String

    init(_ steps: [BlueprintStep], name: String) {
        self.steps = steps
        self.name = name
    }

    /// Throws every rejection of a part.
    func check() throws {
        let rejections = steps.compactMap { step -> String? in
            guard case .rejected(let rejection) = step.outcome else { return nil }
            return "\(step.kind) '\(step.key)': \(rejection.field): \(rejection.message)"
        }
        guard rejections.isEmpty else {
            let lines = rejections.joined(separator: "\n")
            throw CommandFailure(.badData, "\(name) does not fit the store\n\(lines)")
        }
    }

    var text: String {
        let created = steps.count { $0.outcome == .created }
        let replaced = steps.count { $0.outcome == .replaced }
        let unchanged = steps.count { $0.outcome == .unchanged }
        return "\(created) created, \(replaced) replaced, \(unchanged) unchanged"
    }
}
