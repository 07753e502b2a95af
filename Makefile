# Run `make` for the list of what can be done.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

# A new user's PATH often lacks the Go that is installed.
ifeq ($(shell command -v go),)
export PATH := $(PATH):/usr/local/go/bin
endif

# The programs under test, for the tests that run whole programs.
export CINNAMON_BIN := $(CURDIR)/bin/cinnamon
export CINNAMON_DEV_BIN := $(CURDIR)/bin/cinnamon-dev

# Flags for go test, for example: make test TESTFLAGS='-run Cancel -v'
TESTFLAGS ?=

# Tests of browsers mostly wait: more of them at once than there are cores.
PATIENT := -parallel 4

TOOL := go tool -modfile=$(CURDIR)/tools/go.mod
LINT := $(TOOL) golangci-lint
COMPOSE := $(shell command -v docker-compose || echo docker compose)

##@ Use

.PHONY: demo
demo: setup ## Install what is missing, build, and watch the bundled suite run
	bin/cinnamon-dev demo

.PHONY: up
up: setup ## Run the whole system on this machine until interrupted
	bin/cinnamon-dev up

.PHONY: setup
setup: ## Install what the demo needs, and build
	scripts/setup.sh demo
	$(MAKE) --no-print-directory build
	bin/cinnamon browser install

.PHONY: build
build: ## Build bin/cinnamon and bin/cinnamon-dev
	go build -o bin/ ./cmd/cinnamon
	go -C devstack build -o ../bin/ ./cmd/cinnamon-dev

##@ Test

# Browsers are tested with nothing beside them: on a small machine they would get no turn.
.PHONY: test
test: setup/test ## Run all tests of all modules
	@packages=$$(go list ./... | grep -v -e '/e2e$$' -e '/pwgo$$'); failed=; \
	go test $(TESTFLAGS) $$packages || failed=1; \
	go test $(PATIENT) $(TESTFLAGS) ./browser/pwgo || failed=1; \
	go -C devstack test -count=1 $(TESTFLAGS) ./... || failed=1; \
	go test -count=1 -timeout 25m $(TESTFLAGS) ./e2e/... || failed=1; \
	[ -z "$$failed" ]

.PHONY: test/race
test/race: setup/test ## Run the tests of the product with the race detector
	go test -race $(TESTFLAGS) ./...

.PHONY: test/e2e
test/e2e: setup/test ## Run only the tests of the whole chain
	go test -count=1 -timeout 25m $(TESTFLAGS) ./e2e/...

# How many runs there are: 300 or more.
RUNS ?= 500

.PHONY: test/soak
test/soak: setup/test ## One worker with the race detector, 500 runs of all kinds: it races nowhere and holds no more than before
	go build -race -o bin/race/ ./cmd/cinnamon
	CINNAMON_RACE_BIN=$(CURDIR)/bin/race/cinnamon CINNAMON_SOAK_RUNS=$(RUNS) go test -count=1 -timeout 60m -tags soak -run '^TestSoak$$' -v ./e2e

.PHONY: bench/bridge
bench/bridge: setup/test ## Compare the Redis bridge with BullMQ in Node: jobs a second, delay of progress
	go run ./redisbridge/bench

.PHONY: bench/execution
bench/execution: setup/test bench/execution/node_modules ## Measure how tests are carried out: beside Playwright Test, fairness, endings, intake
	go run ./bench/execution

bench/execution/node_modules: bench/execution/package-lock.json
	npm ci --no-progress --prefix bench/execution
	touch $@

# Where the recorded changes of public sites are; healing/bench says in which form.
DATA ?= ../shared/healing

.PHONY: bench/healing
bench/healing: ## Measure how rightly elements are found again, on recorded changes of public sites: DATA=folder, FLAGS=--verbose
	@go run ./healing/bench --data $(DATA) $(FLAGS)

.PHONY: bench/upgrades
bench/upgrades: setup/test ## Run steps recorded on early versions of real applications against late ones: how many are healed rightly
	@table=$$(mktemp); go test -count=1 -run '^TestUpgrades$$' ./activities -upgrades "$$table" >"$$table.log" 2>&1 || { cat "$$table.log"; exit 1; }; cat "$$table"; rm "$$table" "$$table.log"

# How many random sequences to do.
SEQUENCES ?= 5

.PHONY: test/property
test/property: setup/test ## Random sequences of what clients do, with bridges and workers that die
	for _ in $$(seq $(SEQUENCES)); do \
		CINNAMON_PROPERTY_SEED=$$RANDOM go test -count=1 -v -run TestWhateverHappensTheStoresAgree ./e2e; done
	CINNAMON_PROPERTY_SEQUENCES=2000 go test -count=1 -run TestProjectionAgreesWhateverHappens ./redisbridge/bullmq

.PHONY: setup/test
setup/test:
	@scripts/setup.sh test
	@$(MAKE) --no-print-directory build
	@bin/cinnamon browser install --with-video

##@ Check and change

.PHONY: lint
lint: lint/go lint/workflows lint/shell ## Run all linters

.PHONY: lint/go
lint/go: ## Run golangci-lint in all modules
	$(LINT) run ./...
	cd devstack && $(LINT) run --config ../.golangci.yml ./...
	cd tools && $(LINT) run --config ../.golangci.yml ./...

.PHONY: lint/workflows
lint/workflows: ## Check that workflow code is deterministic
	$(TOOL) workflowcheck ./workflows/...

.PHONY: lint/shell
lint/shell:
	shellcheck scripts/*.sh .ci/run

.PHONY: fmt
fmt: ## Format all Go code
	$(LINT) fmt ./...
	cd devstack && $(LINT) fmt --config ../.golangci.yml ./...
	cd tools && $(LINT) fmt --config ../.golangci.yml ./...

.PHONY: verify
verify: ## Check that module files, generated code, docker-compose.yml and the Helm chart are in order
	go mod tidy -diff
	go -C devstack mod tidy -diff
	go -C tools mod tidy -diff
	$(LINT) config verify
	POSTGRES_PASSWORD=x REDIS_PASSWORD=x CINNAMON_API_KEY=x $(COMPOSE) --profile s3 --profile board config --quiet
	go -C tools test $(TESTFLAGS) ./chart
	@before=$$(git status --porcelain; git diff); go generate ./...; \
	if [ "$$before" != "$$(git status --porcelain; git diff)" ]; then \
		git status --short; echo 'verify: go generate changes the files above: commit them' >&2; exit 1; fi

.PHONY: histories
histories: setup/test ## Record the workflow histories that today's code must replay
	go test -count=1 -run 'TestHistoriesOfRealRunsReplay|TestWorkerThatDies|Suite|TestDeadLetters|TestSchedule|TestCleanup|TestLearning|TestQuarantine|TestWhatTemporal' ./e2e -update

.PHONY: ci
ci: ## Run what CI runs
	.ci/run

.PHONY: clean
clean: ## Remove what was built and installed into this folder
	rm -rf bin bench/execution/node_modules e2e/bullmq/node_modules artifact/s3/testdata/s3rver/node_modules activities/testdata/upgrades/node_modules

.PHONY: help
help:
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z0-9\/]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
