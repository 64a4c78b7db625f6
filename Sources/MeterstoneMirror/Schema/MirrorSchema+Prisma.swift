extension MirrorSchema {
    /// A schema for Prisma. Views are behind its preview feature `views`.
    func prisma(_ dialect: MirrorDialect) -> String {
        let provider = dialect == .sqlite ? "sqlite" : "postgresql"
        let head = """
            // Written by `meterstone sql --schema \(dialect == .sqlite ? "prisma-sqlite" : "prisma")`.
            generator client {
              provider        = "prisma-client-js"
              previewFeatures = ["views"]
            }

            datasource db {
              provider = "\(provider)"
              url      = env("METERSTONE_MIRROR_URL")
            }


            """
        return head
            + relations.map { relation in
                let columns = relation.columns.map { column in
                    field(column, isKey: relation.key == [column.name], in: relation, dialect)
                }.joined()
                let names = relation.key.map(\.inCamelCase).joined(separator: ", ")
                let key = relation.isView ? "unique" : "id"
                let name = name(of: relation)
                let whole = relation.key.count > 1 ? "\n  @@\(key)([\(names)])" : ""
                return """
                    \(relation.isView ? "view" : "model") \(name.prefix(1).uppercased() + name.dropFirst()) {
                    \(columns)\(whole)
                      @@map("\(relation.name)")
                    }

                    """
            }.joined(separator: "\n")
    }

    private func field(
        _ column: Column, isKey: Bool, in relation: Relation, _ dialect: MirrorDialect
    ) -> String {
        let name = column.name.inCamelCase
        let map = name == column.name ? "" : " @map(\"\(column.name)\")"
        let key = isKey ? (relation.isView ? " @unique" : " @id") : ""
        return "  \(name) \(dialect.prisma(column.type))\(column.mayBeNull ? "?" : "")\(key)"
            + "\(dialect.prismaDetail(column.type))\(map)\n"
    }
}

extension MirrorDialect {
    fileprivate func prisma(_ type: MirrorSchema.ColumnType) -> String {
        switch (self, type) {
        case (_, .text): "String"
        case (_, .bigint): "BigInt"
        case (_, .integer): "Int"
        case (_, .boolean): "Boolean"
        case (.postgres, .date), (.postgres, .instant): "DateTime"
        // As the mirror writes them: 2026-04-02, and 2026-04-02 12:00:00.000.
        case (.sqlite, .date), (.sqlite, .instant), (.sqlite, .json): "String"
        case (.postgres, .json): "Json"
        case (_, .numeric): "Decimal"
        }
    }

    fileprivate func prismaDetail(_ type: MirrorSchema.ColumnType) -> String {
        switch (self, type) {
        case (.postgres, .date): " @db.Date"
        case (.postgres, .instant): " @db.Timestamptz(6)"
        case (.postgres, .json): " @db.Json"
        default: ""
        }
    }
}
