# llorch: `make` builds, `make test` runs the tests, `make ci` is what CI runs.
GO ?= go

.PHONY: build test race lint generate vet ci fuzz seed-run

build:
	$(GO) build -o llorch ./cmd/llorch

test:
	$(GO) test ./...

race:
	$(GO) test -race ./runtime/...

# staticcheck is a tool of go.mod: nothing is installed.
lint:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

generate:
	$(GO) generate ./...

# Other systems: no Mac or Windows is at hand, so they are built and vetted.
vet:
	GOOS=darwin GOARCH=arm64 $(GO) vet ./...
	GOOS=darwin GOARCH=amd64 $(GO) build ./...
	GOOS=windows GOARCH=amd64 $(GO) vet ./...

fuzz:
	for p in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$p | grep ^Fuzz); do $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime 20s $$p || exit 1; done; done

# The seed's own run on a TinyLlama-1.1B of random F32 weights (4.4 GB): see cmd/llorch/seed_test.go.
seed-run:
	LLORCH_SEED_RUN=1 $(GO) test -timeout 60m -run TestSeedRun -v ./cmd/llorch

ci:
	bash .ci/run
