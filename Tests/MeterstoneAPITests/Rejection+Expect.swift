import MeterstoneCore

/// The rejection that the closure throws; `nil` when it throws nothing, or something else.
func rejection<Value>(_ work: () throws -> Value) -> Rejection? {
    do {
        _ = try work()
        return nil
    } catch {
        return error as? Rejection
    }
}
