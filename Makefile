# Requires Go. The target race also requires a C compiler, dashboard requires Node.js with npm, and
# pictures requires Node.js 20.11 or newer, npm and Chromium.
# The target check runs everything that must pass. .ci/run runs it on a bare machine.

# The build information in the binary comes from the commit only, so that the same commit always
# produces the same binary.
VERSION  := $(shell cat VERSION)
REVISION := unknown
DATE     := unknown
ifneq ($(wildcard .git),)
REVISION := $(or $(shell git describe --always --abbrev=40 --exclude='*' \
	--dirty=-modified 2>/dev/null),$(REVISION))
DATE     := $(or $(shell TZ=UTC0 git log -1 --format=%cd \
	--date=format-local:%Y%m%d-%H:%M:%S 2>/dev/null),$(DATE))
endif

PKG   := github.com/prometheus/common/version
STAMP := -X $(PKG).Revision=$(REVISION) -X $(PKG).Branch=unknown \
	-X $(PKG).BuildUser=make -X $(PKG).BuildDate=$(DATE)
export STAMP

BUILD    := CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "$$STAMP"
TOOL     := go -C tools build -buildvcs=false -o ../.tools/bin/
FUZZTIME := 5s
IMAGE    := greenapi_exporter

.PHONY: help build test race vet fmt lint actions vulnerabilities fuzz promtool rules dashboard
.PHONY: pictures e2e chart kubernetes-api deploy cross check
.PHONY: release packages image-context check-image check-release
.PHONY: bench bench-once bench-compare bench-peers fleet bench-fleet image clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-15s %s\n", $$1, $$2 }' Makefile

build: ## Build ./greenapi_exporter
	$(BUILD) -o greenapi_exporter .

test: ## Run the tests
	go test ./...

race: ## Run the tests with the race detector, including the slow ones
	TEST_THOROUGH=1 CGO_ENABLED=1 go test -race -timeout 30m ./...
	TEST_THOROUGH=1 go test -run '^Test(TruncatedFile|FlippedBit)' ./internal/ledger
	CGO_ENABLED=1 go -C tools test -race ./...

vet: ## Run go vet
	go vet ./...
	go -C e2e vet ./...
	go -C tools vet ./...

fmt: ## Check that all files are formatted by gofmt
	@files=$$("$$(go env GOROOT)/bin/gofmt" -l .) || exit 1; \
	[ -z "$$files" ] || { echo "not formatted; run gofmt -w on:"; echo "$$files"; exit 1; } >&2

lint: ## Run staticcheck
	$(TOOL) honnef.co/go/tools/cmd/staticcheck
	.tools/bin/staticcheck ./...
	cd e2e && ../.tools/bin/staticcheck ./...
	cd tools && ../.tools/bin/staticcheck ./...

actions: ## Check the GitHub Actions workflows
	go -C tools/github build -buildvcs=false -o ../../.tools/bin/ \
		github.com/rhysd/actionlint/cmd/actionlint
	.tools/bin/actionlint -shellcheck= -pyflakes= .github/workflows/*.yml

vulnerabilities: ## Check for known vulnerabilities; requires access to vuln.go.dev
	go -C tools/github build -buildvcs=false -o ../../.tools/bin/ \
		golang.org/x/vuln/cmd/govulncheck
	.tools/bin/govulncheck ./...

# Before Go 1.27, a run without findings sometimes ends with "context deadline exceeded"
# (golang/go#75804). Such a run is repeated once. If it was a real failure, its input is in
# testdata/fuzz and fails again. Without -fuzzminimizetime, a short run would spend most of its time
# on minimizing the first interesting inputs.
fuzz: ## Run each fuzz target for FUZZTIME=5s
	@found=; for pkg in $$(go list ./...); do \
		targets=$$(go test -list '^Fuzz' "$$pkg") || { echo "$$targets"; exit 1; }; \
		for target in $$(echo "$$targets" | grep '^Fuzz'); do \
			found=yes; again=yes; echo "fuzz $$pkg $$target"; \
			until out=$$(go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) \
				-fuzzminimizetime 100x "$$pkg" 2>&1); do \
				case $$again$$out in \
					yes*"context deadline exceeded"*) again= ;; \
					*) echo "$$out"; exit 1 ;; \
				esac; \
			done; echo "$$out" | tail -n 3; \
		done; \
	done; [ "$$found" ] || { echo "no fuzz target found" >&2; exit 1; }

# Without service discovery, promtool builds in a third of the time.
promtool: ## Check the golden expositions with promtool and Prometheus's OpenMetrics parser
	$(TOOL) -tags remove_all_sd github.com/prometheus/prometheus/cmd/promtool
	@set -- collector/testdata/*.prom; \
	[ -e "$$1" ] || { echo "no golden exposition: $$1" >&2; exit 1; }; \
	for file; do \
		echo "promtool check metrics < $$file"; \
		.tools/bin/promtool check metrics < "$$file" || exit 1; \
	done
	$(TOOL) ./openmetrics
	.tools/bin/openmetrics < collector/testdata/live.openmetrics

rules: ## Check the rules for Prometheus and run their tests
	$(TOOL) -tags remove_all_sd github.com/prometheus/prometheus/cmd/promtool
	.tools/bin/promtool check rules --lint=all --lint-fatal deploy/prometheus/greenapi.rules.yml
	go -C tools/oldest build -buildvcs=false -o ../../.tools/bin/ .
	.tools/bin/oldest < deploy/prometheus/greenapi.rules.yml
	find deploy/prometheus -name '*.test.yml' | xargs -P 2 -n 1 .tools/bin/promtool test rules

# The JSON begins on the first line of the generated file, so the line numbers in the compiler's
# errors are those of grafana-dashboard.json.
NODE_MODULES := tools/dashboard/node_modules
dashboard: $(NODE_MODULES)/.package-lock.json ## Check grafana-dashboard.json with Grafana's types
	@{ printf 'import type { Dashboard } from "./types"; export const dashboard: Dashboard = '; \
		cat grafana-dashboard.json; } > tools/dashboard/dashboard.gen.ts
	$(NODE_MODULES)/.bin/tsc -p tools/dashboard

$(NODE_MODULES)/.package-lock.json: tools/dashboard/package-lock.json
	npm --prefix tools/dashboard ci --ignore-scripts --no-audit --no-fund

# The last incident of the demo ends in minute 19. With PROMETHEUS=http://localhost:9090, this draws
# the whole dashboard for the last hour of that Prometheus instead.
PICTURES := tools/dashboard/pictures
MINUTES  := 25
pictures: $(PICTURES)/node_modules/.package-lock.json ## Take the pictures of the documentation
	$(TOOL) -tags remove_all_sd github.com/prometheus/prometheus/cmd/prometheus
	$(BUILD) -o .tools/bin/greenapi_exporter .
	npm --prefix $(PICTURES) run build
	node $(PICTURES)/dist/pictures.mjs --chromium="$$(command -v chromium)" --minutes=$(MINUTES) \
		$(if $(PROMETHEUS),--prometheus=$(PROMETHEUS) --out=.tools/pictures)

$(PICTURES)/node_modules/.package-lock.json: $(PICTURES)/package-lock.json
	npm --prefix $(PICTURES) ci --ignore-scripts --no-audit --no-fund --loglevel=error

# Alertmanager embeds the files of its web interface, and does not build without them. Its releases
# contain them, but its module does not. A copy of the module with an empty file builds.
ALERTMANAGER := github.com/prometheus/alertmanager
.tools/bin/amtool: tools/alertmanager/go.mod
	go -C tools/alertmanager mod download $(ALERTMANAGER)
	mkdir -p .tools/bin && rm -rf .tools/alertmanager
	cp -R "$$(go -C tools/alertmanager list -m -f '{{.Dir}}' $(ALERTMANAGER))" .tools/alertmanager
	chmod -R u+w .tools/alertmanager
	mkdir -p .tools/alertmanager/ui/app/dist && touch .tools/alertmanager/ui/app/dist/empty
	go -C .tools/alertmanager build -buildvcs=false -o ../bin/ ./cmd/alertmanager ./cmd/amtool
	rm -rf .tools/alertmanager

# Without the race detector, whose exporters are too slow to be scraped every second on a busy
# machine. The tests in internal/integration run exporters with it.
e2e: .tools/bin/amtool ## Test the exporter together with Prometheus, Alertmanager and Chromium
	$(TOOL) -tags remove_all_sd github.com/prometheus/prometheus/cmd/prometheus \
		github.com/prometheus/prometheus/cmd/promtool ./faster
	$(HELM)
	$(BUILD) -o .tools/bin/greenapi_exporter .
	go -C e2e test -count=1 -timeout 15m ./...

HELM := go -C tools/helm build -buildvcs=false -o ../../.tools/bin/ helm.sh/helm/v4/cmd/helm

chart: ## Check the Helm chart with each set of values in deploy/helm/ci
	$(HELM)
	$(TOOL) -tags remove_all_sd github.com/prometheus/prometheus/cmd/promtool
	$(BUILD) -o .tools/bin/greenapi_exporter .
	go -C tools/helm vet ./...
	$(TOOL) honnef.co/go/tools/cmd/staticcheck
	cd tools/helm && ../../.tools/bin/staticcheck ./...
	go -C tools/helm test -count=1 ./...

# This compiles Kubernetes, so check does not include it. -vet=off, because go vet would analyze all
# of Kubernetes too.
OPERATOR := github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring
kubernetes-api: ## Send the chart's objects to an API server, which takes minutes to build
	$(HELM)
	rm -rf .tools/crds
	go -C tools/kubernetes tool controller-gen crd:maxDescLen=0 \
		paths="$(OPERATOR)/v1;$(OPERATOR)/v1alpha1" output:dir=../../.tools/crds
	go -C tools/kubernetes test -vet=off -count=1 -timeout 10m .

# Each program checks the files that it reads. The tests in internal/app check that the files match
# each other. promtool needs the rules next to prometheus.yml, as in the container. Compose ignores
# .env, because the file contains the user's settings.
#
# systemd-analyze looks for the binaries of the unit, and for the units that it names, below --root.
# A file named kill must exist there. Any warning about the unit is an error. --threshold is ten
# times the exposure level in the report.
COMPOSE := .tools/bin/docker-compose --env-file /dev/null -f deploy/compose/compose.yaml

deploy: .tools/bin/amtool ## Check the files in deploy/ with the programs that read them
	$(TOOL) -tags remove_all_sd github.com/prometheus/prometheus/cmd/promtool
	go -C tools/compose build -buildvcs=false -o ../../.tools/bin/docker-compose \
		github.com/docker/compose/v5/cmd
	rm -rf .tools/root .tools/compose
	mkdir -p .tools/compose .tools/root/bin
	mkdir -p .tools/root/etc/systemd/system .tools/root/usr/lib/systemd
	$(COMPOSE) config --quiet
	GREENAPI_ID_INSTANCE=1101000001 $(COMPOSE) -f deploy/compose/compose.real.yaml config --quiet
	cp deploy/compose/prometheus.yml deploy/prometheus/greenapi.rules.yml .tools/compose/
	.tools/bin/promtool check config --lint=all --lint-fatal .tools/compose/prometheus.yml
	.tools/bin/amtool check-config deploy/compose/alertmanager.yml
	$(BUILD) -o .tools/root/usr/bin/greenapi_exporter .
	cp .tools/root/usr/bin/greenapi_exporter .tools/root/bin/kill
	cp -R /usr/lib/systemd/system .tools/root/usr/lib/systemd/
	cp deploy/systemd/greenapi_exporter.service .tools/root/etc/systemd/system/
	systemd-analyze verify --man=no --recursive-errors=no --root="$(CURDIR)/.tools/root" \
		greenapi_exporter.service
	systemd-analyze security --no-pager --offline=true --threshold=11 \
		deploy/systemd/greenapi_exporter.service

cross: ## Build the binaries of all supported platforms
	@for os in linux darwin windows; do for arch in amd64 arm64; do \
		echo "build $$os/$$arch"; GOOS=$$os GOARCH=$$arch $(BUILD) -o /dev/null . || exit 1; \
	done; done
	GOOS=linux GOARCH=arm GOARM=7 $(BUILD) -o /dev/null .

check: vet fmt lint actions race fuzz promtool rules dashboard chart e2e deploy cross bench-once ## Run all

# Without --snapshot, goreleaser requires a tag that equals VERSION, and uploads a draft.
RELEASE := --snapshot

# The time of the commit. goreleaser cannot determine it in a clone without a remote.
release: export SOURCE_DATE_EPOCH = $(shell git log -1 --format=%ct)
release: export COMMIT_DATE = $(shell TZ=UTC0 git log -1 --format=%cd \
	--date=format-local:%Y-%m-%dT%H:%M:%SZ)
release: ## Build the archives and packages of this commit in dist/
	go -C tools/release build -buildvcs=false -o ../../.tools/bin/ tool
	.tools/bin/goreleaser release --clean $(RELEASE)

packages: release ## Check the archives and packages
	.tools/bin/goreleaser check
	bash tools/release/check.sh

image-context: release ## Create dist/image, the build context of the published image
	sh tools/release/image-context.sh

check-image: image-context ## Build the published image with buildah and check it
	bash tools/release/check-image.sh

# These checks take minutes, and the files that they depend on rarely change. .ci/run decides
# whether to run them.
check-release: packages check-image ## Check the archives, packages and image of a release

bench: ## Run the benchmarks
	go test -run '^$$' -bench . -benchmem ./...

bench-once: ## Run every benchmark once, to check that it works
	go test -short -run '^$$' -bench . -benchtime 1x ./...

BENCH := .
COUNT := 6
# All packages except internal/integration, whose benchmarks measure whole processes.
PKGS := $$(go list ./... | grep -v /integration$$)

# The commits are measured in turn, so that other load on the machine affects both. Packages that
# exist in only one of them are not compared.
bench-compare: ## Compare with a commit: BASE=main BENCH=Journal PKGS=./internal/greenapi COUNT=6
	@[ -n "$(BASE)" ] || { echo "set BASE: make bench-compare BASE=HEAD~1" >&2; exit 1; }
	$(TOOL) golang.org/x/perf/cmd/benchstat
	@dir=$$(mktemp -d) || exit 1; \
	trap 'git worktree remove --force "$$dir/base" 2>/dev/null; rm -rf "$$dir"; \
		git worktree prune' EXIT; \
	trap 'exit 1' INT TERM; \
	git worktree add --quiet --detach "$$dir/base" "$(BASE)" || exit 1; \
	measure() { \
		echo "$$1: $$n of $(COUNT)" >&2; \
		(cd "$$2" && pkgs=$$(go list -e -f '{{if not .Error}}{{.ImportPath}}{{end}}' $(PKGS)) && \
			{ [ -z "$$pkgs" ] || go test -run '^$$' -bench '$(BENCH)' -benchmem $$pkgs; }) \
			> "$$dir/out" || { cat "$$dir/out"; exit 1; } >&2; \
		cat "$$dir/out" >> "$$dir/$$1.txt"; \
	}; \
	for n in $$(seq $(COUNT)); do measure base "$$dir/base"; measure here .; done; \
	for side in here base; do \
		grep -q '^Benchmark' "$$dir/$$side.txt" 2>/dev/null || { \
			echo "$$side: no benchmark matches BENCH=$(BENCH) PKGS=$(PKGS)" >&2; exit 1; }; \
	done; \
	.tools/bin/benchstat "$(BASE)=$$dir/base.txt" "here=$$dir/here.txt"

INTEGRATION := go test -run '^$$' -benchtime 1x -timeout 60m ./internal/integration -bench
PEERS := $(INTEGRATION) '^BenchmarkPeers$$'

bench-peers: ## Compare the program with others that read the same journal, on an idle machine
	PEERS_ROWS=1000 PEERS_ROUNDS=30 $(PEERS)
	PEERS_ROWS=100000 PEERS_ROUNDS=15 $(PEERS)
	PEERS_ROWS=100000 PEERS_ROUNDS=144 $(INTEGRATION) '^BenchmarkTiers$$'

FLEET := $(INTEGRATION) '^BenchmarkFleet$$'
# Each fleet is instances:messages:kind.
FLEETS := 1000:1000:mixed 1000:1000:text 10000:1000:text

fleet: ## Measure a small fleet, to check that the benchmark works
	$(FLEET)

bench-fleet: ## Measure large fleets for ten minutes, on an idle machine: FLEETS="1000:1000:text"
	@for fleet in $(FLEETS); do \
		echo "$$fleet"; set -- $$(echo "$$fleet" | tr : ' '); \
		FLEET_INSTANCES=$$1 FLEET_MESSAGES=$$2 FLEET_KIND=$$3 FLEET_DEAD=$$(($$1 / 10)) \
			FLEET_SECONDS=60 FLEET_ROUNDS=2 FLEET_MAX_CALLS=256 FLEET_AWAY_MS=0 \
			$(FLEET) || exit 1; \
	done

image: ## Build the container image
	docker build --build-arg REVISION="$(REVISION)" \
		--label org.opencontainers.image.version="$(VERSION)" -t $(IMAGE) .

clean: ## Remove all build products
	rm -rf greenapi_exporter dist .tools $(NODE_MODULES) tools/dashboard/dashboard.gen.ts \
		$(PICTURES)/node_modules $(PICTURES)/dist
