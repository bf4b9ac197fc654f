# Needs Go, for `race` a C compiler and for `dashboard` Node.js with npm. `make check` is everything that must pass;
# .ci/run runs it on a bare machine.

# What the binary says about itself. It comes from the commit alone, so that the same commit gives the same binary;
# without git it is the same every time.
VERSION  := $(shell cat VERSION)
REVISION := unknown
BRANCH   := unknown
DATE     := unknown
ifneq ($(wildcard .git),)
REVISION := $(or $(shell git describe --always --abbrev=40 --exclude='*' --dirty=-modified 2>/dev/null),$(REVISION))
BRANCH   := $(or $(shell git rev-parse --abbrev-ref HEAD 2>/dev/null),$(BRANCH))
DATE     := $(or $(shell TZ=UTC0 git log -1 --format=%cd --date=format-local:%Y%m%d-%H:%M:%S 2>/dev/null),$(DATE))
endif

PKG   := github.com/prometheus/common/version
STAMP := -X $(PKG).Revision=$(REVISION) -X $(PKG).Branch=$(BRANCH) \
	-X $(PKG).BuildUser=make -X $(PKG).BuildDate=$(DATE)
# Through the environment: no name of a branch can then mean anything to the shell.
export STAMP

BUILD    := CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "$$STAMP"
TOOL     := go -C tools build -buildvcs=false -o ../.tools/bin/
FUZZTIME := 5s
IMAGE    := greenapi_exporter

.PHONY: help build test race vet fmt lint fuzz promtool rules dashboard e2e deploy cross check bench bench-once bench-compare bench-peers fleet bench-fleet image clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-13s %s\n", $$1, $$2 }' Makefile

build: ## Build ./greenapi_exporter
	$(BUILD) -o greenapi_exporter .

test: ## Run the tests
	go test ./...

race: ## Run the tests under the race detector
	TEST_THOROUGH=1 CGO_ENABLED=1 go test -race ./...
	CGO_ENABLED=1 go -C tools test -race ./...

vet: ## Run go vet
	go vet ./...
	go -C e2e vet ./...
	go -C tools vet ./...

fmt: ## Fail when a file is not formatted as gofmt does
	@files=$$("$$(go env GOROOT)/bin/gofmt" -l .) || exit 1; \
	[ -z "$$files" ] || { echo "not formatted, run gofmt -w on:"; echo "$$files"; exit 1; } >&2

lint: ## Run staticcheck
	$(TOOL) honnef.co/go/tools/cmd/staticcheck
	.tools/bin/staticcheck ./...
	cd e2e && ../.tools/bin/staticcheck ./...
	cd tools && ../.tools/bin/staticcheck ./...

# Before Go 1.27 a run that finds nothing sometimes ends in "context deadline exceeded" (golang/go#75804): that one is
# run again, once. An input that was found to fail is in testdata/fuzz by then and fails again. Without a bound on
# minimizing, most of a short run would go into making the first interesting inputs smaller.
fuzz: ## Fuzz every fuzz target for a while: FUZZTIME=5s
	@found=; for pkg in $$(go list ./...); do \
		targets=$$(go test -list '^Fuzz' "$$pkg") || { echo "$$targets"; exit 1; }; \
		for target in $$(echo "$$targets" | grep '^Fuzz'); do \
			found=yes; again=yes; echo "fuzz $$pkg $$target"; \
			until out=$$(go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x "$$pkg" 2>&1); do \
				case $$again$$out in yes*"context deadline exceeded"*) again= ;; *) echo "$$out"; exit 1 ;; esac; \
			done; echo "$$out" | tail -n 3; \
		done; \
	done; [ "$$found" ] || { echo "no fuzz target found" >&2; exit 1; }

# Without service discovery promtool takes a third of the time to build.
promtool: ## Read the golden expositions with promtool and Prometheus's OpenMetrics parser
	$(TOOL) -tags remove_all_sd github.com/prometheus/prometheus/cmd/promtool
	@set -- collector/testdata/*.prom; [ -e "$$1" ] || { echo "no golden exposition: $$1" >&2; exit 1; }; \
	for file; do echo "promtool check metrics < $$file"; .tools/bin/promtool check metrics < "$$file" || exit 1; done
	$(TOOL) ./openmetrics
	.tools/bin/openmetrics < collector/testdata/live.openmetrics

rules: ## Check Prometheus's rules and run their tests
	$(TOOL) -tags remove_all_sd github.com/prometheus/prometheus/cmd/promtool
	.tools/bin/promtool check rules --lint=all --lint-fatal deploy/prometheus/greenapi.rules.yml
	printf '%s\n' deploy/prometheus/*.test.yml | xargs -P 2 -n 1 .tools/bin/promtool test rules

# The compiler's complaints have the lines of grafana-dashboard.json, since the file follows on the first line.
dashboard: tools/dashboard/node_modules/.package-lock.json ## Check grafana-dashboard.json by Grafana's types
	@{ printf 'import type { Dashboard } from "./form"; export const dashboard: Dashboard = '; cat grafana-dashboard.json; } > tools/dashboard/dashboard.gen.ts
	tools/dashboard/node_modules/.bin/tsc -p tools/dashboard

tools/dashboard/node_modules/.package-lock.json: tools/dashboard/package-lock.json
	npm --prefix tools/dashboard ci --ignore-scripts --no-audit --no-fund

# The exporter is built with the race detector; the log of a test that fails has what it found.
e2e: ## Test the exporter among Prometheus, Alertmanager and Chromium
	$(TOOL) -tags remove_all_sd github.com/prometheus/prometheus/cmd/prometheus github.com/prometheus/prometheus/cmd/promtool ./faster
	go -C tools/alertmanager build -buildvcs=false -o ../../.tools/bin/ github.com/prometheus/alertmanager/cmd/alertmanager github.com/prometheus/alertmanager/cmd/amtool
	CGO_ENABLED=1 go build -race -buildvcs=false -o .tools/bin/greenapi_exporter .
	CGO_ENABLED=1 go -C e2e test -race -count=1 -timeout 10m ./...

# Each program checks the files that it reads. The tests in internal/app check that the files fit each other. promtool
# needs the rules beside prometheus.yml, as in the container. .env belongs to the user, so it is ignored.
#
# systemd-analyze looks up the unit's binaries and the units that it names below --root; kill only has to exist there. Any
# warning about the unit is an error. --threshold is ten times the exposure level that it reports.
COMPOSE := .tools/bin/docker-compose --env-file /dev/null -f deploy/compose/compose.yaml

deploy: ## Check the files in deploy/ with the programs that read them
	$(TOOL) -tags remove_all_sd github.com/prometheus/prometheus/cmd/promtool
	go -C tools/alertmanager build -buildvcs=false -o ../../.tools/bin/ github.com/prometheus/alertmanager/cmd/amtool
	go -C tools/kustomize build -buildvcs=false -o ../../.tools/bin/ sigs.k8s.io/kustomize/kustomize/v5
	go -C tools/compose build -buildvcs=false -o ../../.tools/bin/docker-compose github.com/docker/compose/v5/cmd
	rm -rf .tools/root .tools/compose
	mkdir -p .tools/compose .tools/root/bin .tools/root/etc/systemd/system .tools/root/usr/lib/systemd
	$(COMPOSE) config --quiet
	GREENAPI_ID_INSTANCE=1101000001 $(COMPOSE) -f deploy/compose/compose.real.yaml config --quiet
	cp deploy/compose/prometheus.yml deploy/prometheus/greenapi.rules.yml .tools/compose/
	.tools/bin/promtool check config --lint=all --lint-fatal .tools/compose/prometheus.yml
	.tools/bin/amtool check-config deploy/compose/alertmanager.yml
	.tools/bin/kustomize build deploy/kubernetes > /dev/null
	.tools/bin/promtool check config --lint=all --lint-fatal deploy/kubernetes/scrape.yml
	$(BUILD) -o .tools/root/usr/local/bin/greenapi_exporter .
	cp .tools/root/usr/local/bin/greenapi_exporter .tools/root/bin/kill
	cp -R /usr/lib/systemd/system .tools/root/usr/lib/systemd/
	cp deploy/systemd/greenapi_exporter.service .tools/root/etc/systemd/system/
	systemd-analyze verify --man=no --recursive-errors=no --root="$(CURDIR)/.tools/root" greenapi_exporter.service
	systemd-analyze security --no-pager --offline=true --threshold=11 deploy/systemd/greenapi_exporter.service

cross: ## Build for every platform there is a binary for
	@for os in linux darwin windows; do for arch in amd64 arm64; do \
		echo "build $$os/$$arch"; GOOS=$$os GOARCH=$$arch $(BUILD) -o /dev/null . || exit 1; \
	done; done

check: vet fmt lint race fuzz promtool rules dashboard e2e deploy cross bench-once ## Run everything that must pass

bench: ## Run the benchmarks
	go test -run '^$$' -bench . -benchmem ./...

bench-once: ## Run every benchmark once, to see that it works
	go test -short -run '^$$' -bench . -benchtime 1x ./...

BENCH := .
COUNT := 6
# All but internal/integration, whose benchmarks are of whole processes.
PKGS := $$(go list ./... | grep -v /integration$$)

# The two take turns, so that what else the machine does hits both. A package that only one of them has is not compared.
bench-compare: ## Compare the benchmarks of a commit with those here: BASE=main BENCH=Journal PKGS=./internal/greenapi COUNT=6
	@[ -n "$(BASE)" ] || { echo "say which commit to compare with, such as: make bench-compare BASE=HEAD~1" >&2; exit 1; }
	$(TOOL) golang.org/x/perf/cmd/benchstat
	@dir=$$(mktemp -d) || exit 1; \
	trap 'git worktree remove --force "$$dir/base" 2>/dev/null; rm -rf "$$dir"; git worktree prune' EXIT; trap 'exit 1' INT TERM; \
	git worktree add --quiet --detach "$$dir/base" "$(BASE)" || exit 1; \
	measure() { \
		echo "$$1: $$n of $(COUNT)" >&2; \
		(cd "$$2" && pkgs=$$(go list -e -f '{{if not .Error}}{{.ImportPath}}{{end}}' $(PKGS)) && \
			{ [ -z "$$pkgs" ] || go test -run '^$$' -bench '$(BENCH)' -benchmem $$pkgs; }) > "$$dir/out" || { cat "$$dir/out"; exit 1; } >&2; \
		cat "$$dir/out" >> "$$dir/$$1.txt"; \
	}; \
	for n in $$(seq $(COUNT)); do measure base "$$dir/base"; measure here .; done; \
	for side in here base; do \
		grep -q '^Benchmark' "$$dir/$$side.txt" 2>/dev/null || { echo "$$side has no benchmark for BENCH=$(BENCH) PKGS=$(PKGS); a package is ./internal/greenapi, say, and the names are in the functions Benchmark…" >&2; exit 1; }; \
	done; \
	.tools/bin/benchstat "$(BASE)=$$dir/base.txt" "here=$$dir/here.txt"

PEERS := go test -run '^$$' -bench '^BenchmarkPeers$$' -benchtime 1x -timeout 60m ./internal/integration

bench-peers: ## Measure the program beside others that read the same journal, on a machine without other work
	PEERS_ROWS=1000 PEERS_ROUNDS=30 $(PEERS)
	PEERS_ROWS=100000 PEERS_ROUNDS=15 $(PEERS)

FLEET := go test -run '^$$' -bench '^BenchmarkFleet$$' -benchtime 1x -timeout 60m ./internal/integration
# instances:messages:kind
FLEETS := 1000:1000:mixed 1000:1000:text 10000:1000:text

fleet: ## Measure a small fleet, to see that it works
	$(FLEET)

bench-fleet: ## Measure large fleets for ten minutes, on a machine without other work: FLEETS="1000:1000:text"
	@for fleet in $(FLEETS); do \
		echo "$$fleet"; set -- $$(echo "$$fleet" | tr : ' '); \
		FLEET_INSTANCES=$$1 FLEET_MESSAGES=$$2 FLEET_KIND=$$3 FLEET_SECONDS=60 FLEET_ROUNDS=2 FLEET_DEAD=$$(($$1 / 10)) FLEET_MAX_CALLS=256 FLEET_AWAY_MS=0 $(FLEET) || exit 1; \
	done

image: ## Build the container image
	docker build --build-arg REVISION="$(REVISION)" --label org.opencontainers.image.version="$(VERSION)" -t $(IMAGE) .

clean: ## Remove what was built
	rm -rf greenapi_exporter .tools tools/dashboard/node_modules tools/dashboard/dashboard.gen.ts
