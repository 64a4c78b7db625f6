import Hummingbird
import MeterstoneAPI
import MeterstoneCore

/// Backups of the store, made while it serves.
struct BackupRoutes: Sendable {
    let backups: (any Backups)?

    func add(to routes: inout Routes) {
        routes.on(.get, "/v1/backups") { _, _ in
            Response(try await folder().all(), Shapes.backups)
        }
        routes.on(.post, "/v1/backups") { _, _ in
            Response(try await folder().make(), Shapes.backup, status: .created)
        }
    }

    private func folder() throws -> any Backups {
        guard let backups else {
            throw Problem(
                status: .forbidden, code: "backups_disabled",
                detail: "set METERSTONE_BACKUPS to the folder that backups go into")
        }
        return backups
    }
}

extension Shapes {
    static let backup = Shape<Backup>(
        "Backup",
        [
            Member("name", .text, \.name, "Of its folder."),
            Member("madeAt", .instant, \.madeAt),
            Member("bytes", .quantity, \.bytes),
        ])

    static let backups = list("BackupList", "backups", of: backup)
}

extension OpenAPIOperation {
    static let backups: [OpenAPIOperation] = [
        get("/v1/backups", "listBackups", "Backups, newest first", [], "BackupList", []),
        OpenAPIOperation(
            method: .post, path: "/v1/backups", id: "makeBackup",
            summary: "Make a backup now, beside what goes on, and verify it",
            answers: [
                OpenAPIAnswer(status: 201, description: "It is made.", schema: "Backup")
            ]),
    ]
}
