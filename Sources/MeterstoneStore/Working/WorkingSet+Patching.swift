import FoundationEssentials
import MeterstoneCore

/// What a patch comes to, as things stand.
enum ResolvedPatch {
    case put(Change)
    /// There is nothing to change.
    case missing
    case rejected(Rejection)
}

extension WorkingSet {
    func resolved(_ patch: MergePatch) throws(StoreError) -> ResolvedPatch {
        guard case .object = patch.members else {
            return .rejected(
                Rejection(code: .invalidField, field: "", message: "expected an object"))
        }
        switch patch.target {
        case .meter(let key):
            return try merged(patch, ("key", key.text)) { .putMeter($0) }
        case .plan(let key):
            return try merged(patch, ("key", key.text)) { .putPlan($0) }
        case .limit(let key):
            return try merged(patch, ("key", key.text)) { .putLimit($0) }
        case .model(let key):
            return try merged(patch, ("key", key.text)) { .putModel($0) }
        case .alert(let key):
            return try merged(patch, ("key", key.text)) { .putAlert($0) }
        case .subject(let id):
            let defaults = try JSONText(Subject(id: id)).text
            return try merged(patch, ("id", id.text), or: defaults) { .putSubject($0) }
        case .account(let id):
            return try merged(patch, nil, or: try JSONText(PersonAccount()).text) {
                .putAccount(id, $0)
            }
        case .subscription(let id):
            return try merged(patch, nil) { .putSubscription(id, $0) }
        }
    }

    /// - Parameters:
    ///   - name: the member that says which thing it is, and cannot be changed.
    ///   - defaults: what a thing is that is not there.
    private func merged<Value: Decodable>(
        _ patch: MergePatch, _ name: (member: String, text: String)?, or defaults: String? = nil,
        _ put: (Value) -> Change
    ) throws(StoreError) -> ResolvedPatch {
        guard let text = try text(of: patch.deletion) ?? defaults else { return .missing }
        let known = try JSONText(text: text).decoded(as: JSONValue.self)
        let merged = known.merging(patch.members)
        if let name, case .object(let members) = merged, members[name.member] != .text(name.text) {
            return .rejected(
                Rejection(
                    code: .invalidField, field: name.member,
                    message: "expected the same as in the path, or nothing"))
        }
        do {
            let whole = Data(try JSONText(merged).text.utf8)
            return .put(put(try JSONDecoder().decode(Value.self, from: whole)))
        } catch let error as StoreError {
            throw error
        } catch let error as DecodingError {
            return .rejected(Rejection(error))
        } catch {
            return .rejected(
                Rejection(code: .invalidField, field: "", message: "expected another value"))
        }
    }
}
