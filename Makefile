# `make demo` and `make test` do all the set-up that a fresh Debian with a Swift 6.3 toolchain needs.
SWIFT ?= swift
SEED ?= 1
FOLDERS = Package.swift Sources Tests Benchmarks Examples/Package.swift Examples/Sources
# It means our own targets: SwiftPM suppresses the warnings of packages that we depend on.
CHECKED = -Xswiftc -warnings-as-errors
# Tests that keep every core busy for long, tests of clients that give up after a while, and tests that
# wait for time-outs of servers and nodes: each apart, and so many at once, that nobody waits in vain.
# More tests at once than cores only helps those that wait for something else.
TESTED = --skip-build $(CHECKED) --experimental-maximum-parallelization-width
LONG = '^(SimulationTests|MeterstoneImportTests)'
CLIENTS = '^MeterstoneServerTests.ConnectionTests'
SERVED = '^MeterstoneServerTests'
FAULTS = '^(MeterstonePostgresTests|MeterstoneCommandTests.NodesTests)'
MEASURED = --package-path Benchmarks -c release --static-swift-stdlib
# The program needs no library of Swift, and of others only what cannot be taken in.
RELEASED = -c release --product meterstone --static-swift-stdlib --pkg-config-path .build/static

# The package in Web/ is tested with these.
WEB = nodejs node-jsdom node-react node-react-dom node-typescript

.PHONY: help setup demo test check describe pages format lint build release examples dist run simulate bench \
	big-store reference record-snapshots clean

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1 — \2/p' Makefile

setup: ## Install what is missing on this machine
	@SWIFT="$(SWIFT)" Scripts/setup postgresql promtool $(WEB)

demo: release ## A server with real usage in it; DEMO_SECONDS=n stops it by itself
	@Scripts/demo "$$($(SWIFT) build -c release --show-bin-path)/meterstone"

test: lint build ## Everything that has to pass: format, warnings, tests
	Scripts/test-web
	Scripts/run-tests $(SWIFT) test $(TESTED) 8 --skip $(LONG) --skip $(SERVED) --skip $(FAULTS)
	Scripts/run-tests $(SWIFT) test $(TESTED) 3 --filter $(LONG)
	Scripts/run-tests $(SWIFT) test $(TESTED) 8 --filter $(SERVED) --skip $(CLIENTS)
	Scripts/run-tests $(SWIFT) test $(TESTED) 8 --filter $(CLIENTS)
	Scripts/run-tests $(SWIFT) test $(TESTED) 8 --filter $(FAULTS)

pages: build ## Click through every page in a browser; leaves a picture of each in .build/pages
	@SWIFT="$(SWIFT)" Scripts/setup chromium python3-venv
	@Scripts/check-pages "$$($(SWIFT) build --show-bin-path)/meterstone"

check: test describe pages examples dist ## All there is: the tests, the description, the examples, and the package in a fresh Debian
	@Scripts/check-dist

describe: build ## Ask a server what its description allows and forbids; SEED=n asks other things
	@SWIFT="$(SWIFT)" Scripts/setup python3-venv
	@SEED=$(SEED) Scripts/check-description "$$($(SWIFT) build --show-bin-path)/meterstone"

lint: setup ## Complain about the format
	$(SWIFT) format lint --strict --parallel --recursive $(FOLDERS)

format: ## Mend the format
	$(SWIFT) format --in-place --parallel --recursive $(FOLDERS)

build: setup ## Build all for debugging; warnings are errors, and so are undeclared imports
	$(SWIFT) build --build-tests $(CHECKED) --explicit-target-dependency-import-check error

release: ## Build the program for use: one file, .build/release/meterstone
	@SWIFT="$(SWIFT)" Scripts/setup
	@Scripts/static-libraries .build/static
	$(SWIFT) build $(RELEASED)

examples: setup ## Build the programs in Examples, and run the one that needs nothing else
	$(SWIFT) build --package-path Examples
	rm -rf .build/example && Examples/.build/debug/Embedded .build/example

dist: release ## Pack it into dist/: a .tar.gz and a .deb
	@SWIFT="$(SWIFT)" Scripts/setup debootstrap dpkg-dev
	@Scripts/dist "$$($(SWIFT) build -c release --show-bin-path)/meterstone"

run: release ## Serve ./meterstone-data with the video studio's blueprint
	$$($(SWIFT) build -c release --show-bin-path)/meterstone serve --blueprint video-studio

simulate: build ## Random histories against the model; SEED=n repeats one
	SEED=$(SEED) $(SWIFT) test $(TESTED) 8 --filter SimulationTests

bench: ## Measure; prints a table and writes JSON. BENCH="--sections http" chooses parts
	@SWIFT="$(SWIFT)" Scripts/setup wrk postgresql
	$(SWIFT) build $(MEASURED)
	$(SWIFT) build $(MEASURED) --product meterstone
	Benchmarks/.build/release/Bench --meterstone Benchmarks/.build/release/meterstone \
		--json Benchmarks/.build/figures.json $(BENCH)

EVENTS ?= 20000000
SUBJECTS ?= 1000000
big-store: ## Generate a large store in DIR=…, for BENCH="--sections analytics --store DIR"
	@test -n "$(DIR)" || (echo "make big-store DIR=… [EVENTS=n] [SUBJECTS=n] [SEED=n]"; exit 64)
	@SWIFT="$(SWIFT)" Scripts/setup
	$(SWIFT) build $(MEASURED) --product Bench
	Benchmarks/.build/release/Bench --sections generate --store "$(DIR)" --events $(EVENTS) \
		--subjects $(SUBJECTS) --seed $(SEED)

reference: build ## Write the reference page of the settings anew
	"$$($(SWIFT) build --show-bin-path)/meterstone" config reference > docs/reference/settings.md

record-snapshots: build ## Write the texts anew that tests compare with
	METERSTONE_RECORD_SNAPSHOTS=1 $(SWIFT) test $(TESTED)

clean: ## Remove what was built
	rm -rf .build dist Benchmarks/.build Examples/.build
