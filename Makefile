# `make help` lists the targets.
SHELL := /bin/bash
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GOLANGCI_LINT_VERSION := v2.15.0
DEMO_FOR ?=
SOAK_FOR ?= 1m
SEED ?=
FUZZ_FOR ?= 30s
MUTANT ?=
BENCH ?=

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

.PHONY: build
build: ## build bin/contactsync and the programs of the laboratory: bin/bench and bin/hubspotsim
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/ ./cmd/...

.PHONY: setup-demo setup-test
setup-demo setup-test: # installs what a bare machine lacks, after saying so; SETUP=no forbids it
	@.ci/setup $(@:setup-%=%)

.PHONY: demo
demo: setup-demo build ## watch contacts arrive, without any account (DEMO_FOR=20s ends by itself)
	@bin/contactsync demo $(if $(DEMO_FOR),--for $(DEMO_FOR))

# go-test runs go test, and names at the end what was skipped because the machine lacks a program.
define go-test
@skipped=$$(mktemp) && trap 'rm -f $$skipped' EXIT && export CONTACTSYNC_SKIPPED=$$skipped; go test $(1); code=$$?; \
	if [ -s $$skipped ]; then echo; echo "NOT TESTED, because this machine lacks something:"; sort -u $$skipped; fi; exit $$code
endef

.PHONY: test
test: setup-test ## run all tests, on Docker's Postgres, the machine's own or a downloaded one
	$(call go-test,-timeout 30m -shuffle=on ./...)

.PHONY: test-race
test-race: setup-test ## the same under the race detector
	$(call go-test,-race -timeout 30m -shuffle=on ./...)

.PHONY: lint
lint: ## golangci-lint at the pinned version (installed into bin/ at the first call)
	@test -x bin/golangci-lint && bin/golangci-lint version | grep -q "$(GOLANGCI_LINT_VERSION:v%=%)" || \
		GOBIN=$(CURDIR)/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	bin/golangci-lint run ./...

.PHONY: check
check: lint ## what CI runs beside the tests: format, vet, lint, tidy, fix
	go vet ./...
	go mod tidy -diff
	cd internal/lab/bench/peers && go vet ./... && go mod tidy -diff
	@test -z "$$(go fix -diff ./... 2>/dev/null)" || { go fix -diff ./...; exit 1; }

.PHONY: measure
measure: ## measure commit -> request (500 single updates) and fail-over (20 kills)
	CONTACTSYNC_MEASURE=1 go test -count=1 -run '^(TestLatency|TestFailover)$$' -v ./cmd/contactsync | grep -E 'latency_test.go|PostgreSQL|^(---|ok|FAIL)'

.PHONY: peers
peers: ## build bin/peers: other queues, to measure beside this one (a module of its own)
	cd internal/lab/bench/peers && CGO_ENABLED=0 go build -trimpath -o $(CURDIR)/bin/ .

.PHONY: bench
bench: build peers ## measure everything, beside other queues, into docs/ (an hour and a quarter; BENCH='latency drain' for some)
	bin/bench $(BENCH) --peers bin/peers --json docs/bench/results.json --markdown docs/bench.md --plots docs/bench

.PHONY: bench-quick
bench-quick: build peers ## see in minutes that every measurement works; writes nothing
	bin/bench $(BENCH) --quick --peers bin/peers

.PHONY: faults
faults: ## every fault of docs/faults.md, with its figures (many rounds, full sizes: a quarter of an hour)
	CONTACTSYNC_MEASURE=1 go test -count=1 -timeout 60m -parallel 8 -v ./internal/lab/faults | grep -E '_test.go|^ *(---|ok|FAIL)'

.PHONY: screenshots
screenshots: ## take the pictures of the dashboard in docs/img, with chromium
	CONTACTSYNC_SCREENSHOTS=$(CURDIR)/docs/img go test -count=1 -parallel 1 -run '^Test(Screenshots|Rehearsals)$$' ./internal/web/dashboard

.PHONY: soak
soak: ## apps, replicas and a world of faults; in the end every version is accounted for (SOAK_FOR=10m SEED=42)
	CONTACTSYNC_SOAK=$(SOAK_FOR) CONTACTSYNC_SOAK_SEED=$(SEED) go test -count=1 -timeout 0 -run '^TestSoak$$' -v ./internal/lab/soak

.PHONY: model
model: ## check the protocols' models with spin, and that broken variants are refuted (a minute)
	internal/lab/model/check quick

.PHONY: model-full
model-full: ## the same with all sizes (ten minutes, 5 GB)
	internal/lab/model/check full

.PHONY: mutants
mutants: ## break the code in one place after the other: a test must fail for each (MUTANT=name for one)
	go run ./internal/lab/mutants $(if $(MUTANT),"$(MUTANT)")

.PHONY: orms
orms: ## apps on six ORMs: their migrations before and after ours, and all their ways to queue
	@.ci/setup orms
	cd internal/lab/orms/goorms && go vet ./... && go mod tidy -diff
	CONTACTSYNC_ORMS=1 go test -count=1 -timeout 30m ./internal/lab/orms

.PHONY: alerts
alerts: ## check the alert rules and run their tests (promtool: Debian's package prometheus)
	promtool check rules deploy/prometheus/alerts.yml
	promtool test rules deploy/prometheus/alerts_test.yml

.PHONY: fuzz
fuzz: ## fuzz everything that parses foreign bytes (FUZZ_FOR=30s each)
	@set -eo pipefail; for file in $$(grep -l '^func Fuzz' --include=*_test.go -r internal cmd); do \
		for target in $$(grep -oE '^func Fuzz[A-Za-z0-9]+' $$file | cut -c6-); do \
			echo "$$target in $$(dirname $$file)"; \
			go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZ_FOR) ./$$(dirname $$file) | tail -n 2; \
		done; \
	done

.PHONY: manifests
manifests: ## check deploy/ against the types of Kubernetes and Grafana and with systemd's own tools
	.ci/manifests

.PHONY: vulncheck
vulncheck: ## known vulnerabilities in what the programs call
	.ci/vulncheck

DOCKERFILE ?= Dockerfile

.PHONY: image
image: ## build the container images; DOCKERFILE=… where .ci/unpinned made one
	docker build -f $(DOCKERFILE) --build-arg VERSION=$(VERSION) --target contactsync -t contactsync .
	docker build -f $(DOCKERFILE) --target hubspotsim -t hubspotsim .
