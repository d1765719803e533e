# sandtable: targets. `make` explains them.
GO      ?= go
BIN     := bin/sandtable
CLI     := .deps/node_modules/.package-lock.json
PKGS    ?= ./...
FUZZFOR ?= 20s
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
GOTESTSUM   := gotest.tools/gotestsum@v1.13.0
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

.DEFAULT_GOAL := help
.PHONY: help build deps run test bench lint fuzz clean need-go need-npm

help:
	@echo "sandtable: many agent processes in one shared workspace, turn by turn."
	@echo
	@echo "  make build   build $(BIN)"
	@echo "  make run     play scenarios/library/shared-notes with four real Claude Code processes;"
	@echo "               the model is scripted: no key, no network, no cost"
	@echo "  make test    the whole test suite, with the race detector"
	@echo "  make bench   measure, each figure beside its peer's and the bare floor's"
	@echo "  make lint    gofmt, go vet, staticcheck"
	@echo "  make fuzz    every fuzz target for FUZZFOR=$(FUZZFOR)"
	@echo "  make deps    install the pinned Claude Code CLI into .deps/ (done by run, test and bench)"
	@echo "  make clean   remove what the targets above have made, runs/ excepted"

need-go:
	@command -v $(GO) >/dev/null || { echo "sandtable: Go is missing. Install Go 1.26 or newer and put it on PATH." >&2; exit 1; }

need-npm:
	@command -v npm >/dev/null || { echo "sandtable: npm is missing. Install Node.js 18 or newer (it brings npm) and put it on PATH; it is used once, to install the pinned Claude Code CLI into .deps/." >&2; exit 1; }

build: need-go
	@$(GO) build -ldflags "-X main.version=$(VERSION)" -o $(BIN) ./cmd/sandtable

deps: $(CLI)

# npm ci installs exactly what the lock file names; nothing outside .deps/ is touched.
$(CLI): .deps/package.json .deps/package-lock.json | need-npm
	@echo "installing the pinned Claude Code CLI into .deps/ (once) ..."
	@cd .deps && npm ci --ignore-scripts --no-fund --no-audit --no-update-notifier --loglevel=error --cache .npm-cache >/dev/null
	@rm -rf .deps/.npm-cache
	@touch $(CLI)

run: build deps
	@$(BIN) run scenarios/library/shared-notes

# gotestsum says at the end what was skipped and why; go test alone would keep that to itself.
test: need-go deps
	@$(GO) run $(GOTESTSUM) --format pkgname -- -race -timeout 15m $(PKGS)

bench: build deps
	@$(GO) run ./cmd/bench

lint: need-go
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	@$(GO) vet ./...
	@$(GO) run $(STATICCHECK) ./...

fuzz: need-go
	@set -e; for f in $$(grep -rhoE --include='*_test.go' '^func Fuzz[A-Za-z0-9]+' . | awk '{print $$2}' | sort -u); do \
	  for p in $$(grep -rlE --include='*_test.go' "^func $$f\(" . | xargs -n1 dirname | sort -u); do \
	    echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZFOR) $$p; done; done

clean:
	@rm -rf bin .deps/node_modules .deps/.npm-cache
	@$(GO) clean -testcache
