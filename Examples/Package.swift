// swift-tools-version: 6.2

import PackageDescription

let package = Package(
    name: "examples",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "meterstone", path: ".."),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    ],
    targets: [
        .executableTarget(
            name: "Embedded",
            dependencies: [.product(name: "Meterstone", package: "meterstone")]),
        .executableTarget(
            name: "Asking",
            dependencies: [
                .product(name: "Meterstone", package: "meterstone"),
                .product(name: "MeterstoneClient", package: "meterstone"),
            ]),
        .executableTarget(
            name: "Gated",
            dependencies: [
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Meterstone", package: "meterstone"),
                .product(name: "MeterstoneHummingbird", package: "meterstone"),
            ]),
    ]
)
