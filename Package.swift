// swift-tools-version: 6.2

import PackageDescription

/// One list for every target: what the compiler checks does not depend on where code stands.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .enableUpcomingFeature("ImmutableWeakCaptures"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .strictMemorySafety(),
]

/// What only the program needs. An embedder of `Meterstone` says `traits: []` and fetches none of it.
let server = TargetDependencyCondition.when(traits: ["Server"])
let client = TargetDependencyCondition.when(traits: ["Client"])
/// Without this trait nothing needs libpq.
let postgres = TargetDependencyCondition.when(traits: ["Postgres"])

/// Templates, the style sheet and the scripts of the pages.
let pageResources = [
    "cards.mustache", "empty.mustache", "facts.mustache", "figure.mustache", "filters.mustache",
    "forms.mustache", "meters.mustache", "notice.mustache", "page.mustache", "sign-in.mustache",
    "steps.mustache", "table.mustache", "icon.svg", "meterstone.css", "meterstone.js",
    "client.js", "usage.js",
]

let package = Package(
    name: "meterstone",
    platforms: [.macOS(.v15)],
    products: [
        .library(
            name: "Meterstone",
            targets: ["Meterstone", "MeterstoneCore", "MeterstoneSQLite", "MeterstoneStore"]),
        .library(name: "MeterstonePostgres", targets: ["MeterstonePostgres"]),
        .library(name: "MeterstoneClient", targets: ["MeterstoneClient"]),
        .library(name: "MeterstoneHummingbird", targets: ["MeterstoneHummingbird"]),
        .library(name: "MeterstoneTesting", targets: ["MeterstoneTesting"]),
        .executable(name: "meterstone", targets: ["MeterstoneCommand"]),
    ],
    traits: [
        .trait(
            name: "Server", description: "The HTTP server and the program `meterstone`.",
            enabledTraits: ["Client"]),
        .trait(name: "Client", description: "The client of a server."),
        .trait(name: "Postgres", description: "The store of many nodes; needs libpq."),
        .default(enabledTraits: ["Server", "Postgres"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.14.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(
            url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.34.1"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        .package(url: "https://github.com/apple/swift-system", from: "1.5.0"),
        .package(
            url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
    ],
    targets: [
        .target(name: "MeterstoneCore", swiftSettings: strict),
        .target(
            name: "MeterstoneStore",
            dependencies: [
                "MeterstoneCore", .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "MeterstoneSQLite",
            dependencies: [
                "MeterstoneCore", "MeterstoneStore",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ],
            resources: [
                .embedInCode("Migrations/0001-initial.sql"),
                .embedInCode("Migrations/0002-ledger.sql"),
                .embedInCode("Migrations/0003-columns.sql"),
                .embedInCode("Migrations/0004-corrections.sql"),
                .embedInCode("Migrations/0005-cuts.sql"),
                .embedInCode("Migrations/0006-sealed-ids.sql"),
                .embedInCode("Migrations/0007-sealed-events.sql"),
                .embedInCode("Migrations/0008-block-times.sql"),
                .embedInCode("Migrations/0009-times.sql"),
                .embedInCode("Migrations/0010-followers.sql"),
                .embedInCode("Migrations/0011-former-zones.sql"),
                .embedInCode("Migrations/0012-shipping.sql"),
                .embedInCode("Migrations/0013-aliases.sql"),
            ],
            swiftSettings: strict
        ),
        .systemLibrary(
            name: "CLibPQ", pkgConfig: "libpq",
            providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),
        .target(
            name: "MeterstonePostgres",
            dependencies: [
                "CLibPQ", "MeterstoneCore", "MeterstoneStore",
            ],
            resources: [
                .embedInCode("Migrations/0001-initial.sql"),
                .embedInCode("Migrations/0002-ledger.sql"),
                .embedInCode("Migrations/0003-columns.sql"),
                .embedInCode("Migrations/0004-corrections.sql"),
                .embedInCode("Migrations/0005-cuts.sql"),
                .embedInCode("Migrations/0006-numbers.sql"),
                .embedInCode("Migrations/0007-times.sql"),
                .embedInCode("Migrations/0008-followers.sql"),
                .embedInCode("Migrations/0009-former-zones.sql"),
                .embedInCode("Migrations/0010-aliases.sql"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "Meterstone",
            dependencies: [
                "MeterstoneCore", "MeterstoneStore",
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "MeterstoneTesting",
            dependencies: ["CFaultyDisk", "Meterstone", "MeterstoneStore", "MeterstoneCore"],
            swiftSettings: strict
        ),
        .target(name: "CFaultyDisk", linkerSettings: [.linkedLibrary("sqlite3")]),
        .target(
            name: "MeterstoneAPI", dependencies: ["CZlib", "MeterstoneCore"], swiftSettings: strict),
        .target(
            name: "MeterstoneBlueprint",
            dependencies: [
                "MeterstoneCore",
                .product(name: "Yams", package: "Yams", condition: server),
            ],
            resources: [
                .embedInCode("Blueprints/chat-builder.yaml"),
                .embedInCode("Blueprints/language-tutor.yaml"),
                .embedInCode("Blueprints/shop-audience.yaml"),
                .embedInCode("Blueprints/token-allowance.yaml"),
                .embedInCode("Blueprints/video-studio.yaml"),
            ],
            swiftSettings: strict
        ),
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        .target(
            name: "MeterstoneMirror",
            dependencies: [
                "Meterstone", "MeterstoneAPI", "MeterstoneCore", "MeterstoneSQLite",
                "MeterstoneStore",
                .target(name: "MeterstonePostgres", condition: postgres),
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "MeterstoneShipping",
            dependencies: [
                "Meterstone", "MeterstoneCore", "MeterstoneStore",
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "MeterstoneArchive",
            dependencies: [
                "Meterstone", "MeterstoneAPI", "MeterstoneCore", "MeterstoneStore",
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "MeterstoneImport",
            dependencies: [
                "Meterstone", "MeterstoneAPI", "MeterstoneCore", "MeterstoneStore",
            ],
            swiftSettings: strict
        ),
        .target(
            name: "MeterstoneClient",
            dependencies: [
                "Meterstone", "MeterstoneAPI", "MeterstoneCore", "MeterstoneStore",
                .product(
                    name: "AsyncHTTPClient", package: "async-http-client", condition: client),
                .product(name: "NIOCore", package: "swift-nio", condition: client),
                .product(name: "NIOHTTP1", package: "swift-nio", condition: client),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "MeterstonePages",
            dependencies: [
                "CZlib", "MeterstoneCore",
                .product(name: "Mustache", package: "swift-mustache", condition: server),
            ],
            resources: pageResources.map { .embedInCode("Resources/\($0)") },
            swiftSettings: strict
        ),
        .target(
            name: "MeterstoneServer",
            dependencies: [
                "Meterstone", "MeterstoneAPI", "MeterstoneCore", "MeterstonePages",
                "MeterstoneStore",
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "JWTKit", package: "jwt-kit", condition: server),
                .product(name: "HTTPTypes", package: "swift-http-types", condition: server),
                .product(name: "Hummingbird", package: "hummingbird", condition: server),
                .product(name: "HummingbirdCore", package: "hummingbird", condition: server),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio", condition: server),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras", condition: server),
                .product(name: "NIOSSL", package: "swift-nio-ssl", condition: server),
                .product(
                    name: "ServiceLifecycle", package: "swift-service-lifecycle", condition: server),
            ],
            resources: [.embedInCode("Resources/errors.md")],
            swiftSettings: strict
        ),
        .target(
            name: "MeterstoneHummingbird",
            dependencies: [
                "Meterstone", "MeterstoneCore", "MeterstoneServer",
                .product(name: "Hummingbird", package: "hummingbird", condition: server),
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "MeterstoneCommand",
            dependencies: [
                "Meterstone", "MeterstoneAPI", "MeterstoneArchive", "MeterstoneBlueprint",
                "MeterstoneClient",
                "MeterstoneCore", "MeterstoneImport", "MeterstoneMirror", "MeterstoneServer",
                "MeterstoneShipping", "MeterstoneSQLite", "MeterstoneStore",
                .target(name: "MeterstonePostgres", condition: postgres),
                .product(name: "AsyncHTTPClient", package: "async-http-client", condition: server),
                .product(name: "NIOCore", package: "swift-nio", condition: server),
                .product(name: "NIOHTTP1", package: "swift-nio", condition: server),
                .product(name: "NIOPosix", package: "swift-nio", condition: server),
                .product(
                    name: "ArgumentParser", package: "swift-argument-parser", condition: server),
                .product(name: "Hummingbird", package: "hummingbird", condition: server),
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Logging", package: "swift-log"),
                .product(
                    name: "ServiceLifecycle", package: "swift-service-lifecycle", condition: server),
                .product(name: "Subprocess", package: "swift-subprocess", condition: server),
                .product(name: "SystemPackage", package: "swift-system", condition: server),
                .product(
                    name: "UnixSignals", package: "swift-service-lifecycle", condition: server),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "MeterstoneCoreTests", dependencies: ["MeterstoneCore"], swiftSettings: strict),
        .testTarget(
            name: "MeterstoneTests",
            dependencies: [
                "Meterstone", "MeterstoneCore", "MeterstoneSQLite", "MeterstoneStore",
                "MeterstoneTesting",
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "StoreConformanceTests",
            dependencies: [
                "Meterstone", "MeterstoneAPI", "MeterstoneArchive", "MeterstoneCore",
                "MeterstonePostgres", "MeterstoneSQLite", "MeterstoneStore", "MeterstoneTesting",
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "CrashWriter",
            dependencies: ["Meterstone", "MeterstoneCore", "MeterstoneSQLite", "MeterstoneStore"],
            path: "Tests/CrashWriter",
            swiftSettings: strict
        ),
        .testTarget(
            name: "MeterstoneSQLiteTests",
            dependencies: [
                "CrashWriter", "Meterstone", "MeterstoneCore", "MeterstoneSQLite",
                "MeterstoneStore", "MeterstoneTesting",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Subprocess", package: "swift-subprocess", condition: server),
                .product(name: "SystemPackage", package: "swift-system", condition: server),
            ],
            exclude: ["Fixtures"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "MeterstonePostgresTests",
            dependencies: [
                "CLibPQ", "Meterstone", "MeterstoneCore", "MeterstonePostgres", "MeterstoneStore",
                "MeterstoneTesting",
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "MeterstoneStoreTests", dependencies: ["MeterstoneCore", "MeterstoneStore"],
            swiftSettings: strict),
        .testTarget(
            name: "SimulationTests",
            dependencies: [
                "Meterstone", "MeterstoneCore", "MeterstoneMirror", "MeterstonePostgres",
                "MeterstoneShipping", "MeterstoneSQLite",
                "MeterstoneStore", "MeterstoneTesting",
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "MeterstoneAPITests", dependencies: ["MeterstoneAPI", "MeterstoneCore"],
            swiftSettings: strict),
        .testTarget(
            name: "MeterstoneBlueprintTests",
            dependencies: ["MeterstoneBlueprint", "MeterstoneCore"], swiftSettings: strict),
        .testTarget(
            name: "MeterstoneMirrorTests",
            dependencies: [
                "Meterstone", "MeterstoneBlueprint", "MeterstoneCore", "MeterstoneMirror",
                "MeterstonePostgres", "MeterstoneSQLite", "MeterstoneStore", "MeterstoneTesting",
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "MeterstoneImportTests",
            dependencies: [
                "Meterstone", "MeterstoneArchive", "MeterstoneCore", "MeterstoneImport",
                "MeterstonePostgres",
                "MeterstoneSQLite", "MeterstoneStore", "MeterstoneTesting",
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "MeterstoneCommandTests",
            dependencies: [
                "Meterstone", "MeterstoneAPI", "MeterstoneArchive", "MeterstoneBlueprint",
                "MeterstoneCommand",
                "MeterstoneCore", "MeterstoneImport", "MeterstoneMirror", "MeterstoneServer",
                "MeterstoneShipping", "MeterstoneSQLite", "MeterstoneStore", "MeterstoneTesting",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(
                    name: "ArgumentParser", package: "swift-argument-parser", condition: server),
                .product(name: "Subprocess", package: "swift-subprocess", condition: server),
                .product(name: "SystemPackage", package: "swift-system", condition: server),
            ],
            exclude: ["Snapshots"],
            swiftSettings: strict
        ),
        .testTarget(name: "TidyTests", swiftSettings: strict),
        .testTarget(
            name: "MeterstonePagesTests", dependencies: ["MeterstoneCore", "MeterstonePages"],
            exclude: ["Snapshots"], swiftSettings: strict),
        .testTarget(
            name: "MeterstoneServerTests",
            dependencies: [
                "Meterstone", "MeterstoneAPI", "MeterstoneBlueprint", "MeterstoneClient",
                "MeterstoneCore", "MeterstoneHummingbird", "MeterstoneMirror", "MeterstoneServer",
                "MeterstoneStore", "MeterstoneTesting",
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "HTTPTypes", package: "swift-http-types", condition: server),
                .product(name: "Hummingbird", package: "hummingbird", condition: server),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio", condition: server),
                .product(name: "NIOPosix", package: "swift-nio", condition: server),
                .product(name: "NIOSSL", package: "swift-nio-ssl", condition: server),
                .product(name: "HummingbirdTesting", package: "hummingbird", condition: server),
                .product(name: "Subprocess", package: "swift-subprocess", condition: server),
            ],
            swiftSettings: strict
        ),
    ],
    swiftLanguageModes: [.v6]
)
