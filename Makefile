# daytwo's commands; `make` alone lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help

HOST := $(shell rustc -vV | sed -n 's/^host: //p')
STATIC_BINARY := $(or $(CARGO_TARGET_DIR),target)/$(HOST)/release/daytwo

.PHONY: help
help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | column -t -s $$'\t'

.PHONY: demo
demo: ## the operator at work in a real cluster: its own, or the one that KUBECONFIG names
	@deploy/demo

.PHONY: test
test: test-rust test-differential test-e2e ## all tests

.PHONY: test-rust
test-rust: ## unit, language and conformance tests: no cluster needed
	cargo test --workspace --lib --bins --tests
	cargo test --workspace --doc

.PHONY: test-differential
test-differential: ## the chart engine beside the real Helm, on generated charts
	@tests/differential/run

.PHONY: test-e2e
test-e2e: ## end-to-end tests on a real cluster: its own, or the one that KUBECONFIG names
	@tests/e2e/run

.PHONY: bench
bench: ## processor time of rendering, beside the real Helm
	@benches/run

.PHONY: check
check: ## format, lints, documentation, licences
	cargo fmt --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps
	.ci/cargo-deny check licenses bans sources

.PHONY: build
build: $(STATIC_BINARY) ## the static release binary

.PHONY: $(STATIC_BINARY)
$(STATIC_BINARY): # cargo knows whether there is something to do
	RUSTFLAGS="-C target-feature=+crt-static" cargo build --release --target $(HOST)

.PHONY: static-binary
static-binary: # the path of the static binary, for scripts
	@echo $(STATIC_BINARY)

.PHONY: cluster-up
cluster-up: ## start the test cluster and print its kubeconfig
	@tests/cluster/up

.PHONY: cluster-down
cluster-down: ## end the test cluster and all that belongs to it
	@tests/cluster/down
