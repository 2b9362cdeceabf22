# daytwo's commands; `make` alone lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help

HOST := $(shell rustc -vV | sed -n 's/^host: //p')
# Static and, as Go's programs, at a fixed address: half of the time of a short command was the work of moving it elsewhere.
STATIC := RUSTFLAGS="-C target-feature=+crt-static -C relocation-model=static" CARGO_BUILD_TARGET=$(HOST)
STATIC_TARGET := $(or $(CARGO_TARGET_DIR),target)/$(HOST)
STATIC_BINARY := $(STATIC_TARGET)/release/daytwo

.PHONY: help
help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | column -t -s $$'\t'

.PHONY: demo
demo: ## the operator at work in a real cluster: its own, or the one that KUBECONFIG names
	@deploy/demo

.PHONY: test
test: test-rust test-yaml test-differential test-templating test-targets test-bucket test-e2e test-walk ## all tests that CI runs

# Beside the reference programs; they have not all passed on one state yet, so CI does not run them.
.PHONY: test-reference
test-reference: test-modules test-repository test-release test-kubernetes-core ## the suites of the reference programs

.PHONY: test-rust
test-rust: ## unit, language and conformance tests: no cluster needed
	cargo test --workspace --lib --bins --tests
	cargo test --workspace --doc

.PHONY: test-yaml
test-yaml: ## YAML in and out beside the real go-yaml; YAML_CASES and YAML_SEED say how many and which
	cd tests/fixtures/yaml/oracle && go build -o $(abspath $(or $(CARGO_TARGET_DIR),target))/yaml-oracle .
	DAYTWO_YAML_ORACLE=$(abspath $(or $(CARGO_TARGET_DIR),target))/yaml-oracle \
	DAYTWO_YAML_CASES=$(or $(YAML_CASES),20000) DAYTWO_YAML_SEED=$(or $(YAML_SEED),1) \
	cargo test --test yaml_differential -- --nocapture

.PHONY: test-differential
test-differential: ## the chart engine beside the real Helm, on generated charts
	@tests/differential/run

.PHONY: test-modules
test-modules: ## the builtin modules beside the real ansible-core
	cargo build --bin daytwo
	ansible=$$(tests/ansible/ansible-core) && "$$ansible/python" tests/ansible/compare_modules.py "$$ansible/ansible-playbook" \
		$(or $(CARGO_TARGET_DIR),target)/debug/daytwo tests/ansible/modules.yml

.PHONY: test-repository
test-repository: ## charts from places beside the real Helm, and with a real registry
	@tests/repository/run

.PHONY: test-templating
test-templating: ## Ansible's templating and plays beside the real ansible-core; TEMPLATES, PLAYS and TEMPLATES_SEED say how many and which
	@tests/ansible/differential/run --cases $(or $(TEMPLATES),20000) --plays $(or $(PLAYS),40) --seed $(or $(TEMPLATES_SEED),1)

.PHONY: test-targets
test-targets: ## ansible-core's own integration targets, with daytwo as ansible-playbook
	@tests/ansible/targets

.PHONY: test-bucket
test-bucket: ## files in a bucket of a real S3-compatible store
	@tests/bucket/run

.PHONY: test-e2e
test-e2e: ## end-to-end tests on a real cluster: its own, or the one that KUBECONFIG names
	@tests/e2e/run

.PHONY: test-walk
test-walk: ## from a chart to an operator in the cluster, under its memory limit
	$(STATIC) cargo build --profile release-quick --bin daytwo
	@DAYTWO_BINARY=$(abspath $(STATIC_TARGET)/release-quick/daytwo) tests/e2e/run walk

.PHONY: test-mysql
test-mysql: ## MySQL's day two in full: MySQL beside MariaDB, upgrades of 1 million rows, ten minutes of backups
	@DAYTWO_E2E_MYSQL=1 DAYTWO_E2E_ROWS=$(or $(ROWS),1000000) DAYTWO_E2E_BACKUP_MINUTES=$(or $(MINUTES),10) tests/e2e/run mysql --skip mysql_runtime::
	@DAYTWO_E2E_ROWS=$(or $(ROWS),1000000) tests/e2e/run mysql_runtime::

.PHONY: test-faults
test-faults: ## resources converge under faults between operator and API server, in full: 1,000 changes; SEED says which
	@DAYTWO_E2E_CHANGES=1000 DAYTWO_E2E_SEED=$(or $(SEED),1) tests/e2e/run converge

.PHONY: fuzz
fuzz: ## fuzz the parsers; FUZZ_SECONDS and FUZZ_TARGET say how long and which
	@fuzz/run

.PHONY: test-release
test-release: ## releases on a real cluster beside the real helm 3 and helm 4
	@tests/release/run

.PHONY: test-release-all
test-release-all: ## the same in full: every request of the chaos, all charts of tests/release/corpus.txt
	@tests/release/run commands
	@tests/release/run chaos
	@tests/release/run corpus

.PHONY: test-kubernetes-core
test-kubernetes-core: ## kubernetes.core's own integration targets, on a real cluster
	@tests/kubernetes_core/run

.PHONY: bench-kubernetes
bench-kubernetes: ## a role of Kubernetes operations with nothing to change, beside ansible-playbook
	@benches/kubernetes

.PHONY: scale
scale: ## an operator with 1,000 resources of a chart, and of a role: time, processor, memory, requests
	@tests/scale/run

.PHONY: soak
soak: ## the same for 30 minutes with resources that come, change and go: memory over time; MINUTES says how long
	@tests/scale/run soak $(or $(MINUTES),30)

.PHONY: bench
bench: ## processor time of rendering, beside the real Helm
	@$(STATIC) benches/run

.PHONY: docs
docs: ## write docs/modules anew from the modules' own data
	DAYTWO_WRITE_DOCS=1 cargo test --test module_docs

.PHONY: check
check: ## format, lints, documentation, licences
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps
	.ci/cargo-deny check licenses bans sources

.PHONY: build
build: $(STATIC_BINARY) ## the static release binary

.PHONY: $(STATIC_BINARY)
$(STATIC_BINARY): # cargo knows whether there is something to do
	$(STATIC) cargo build --release

.PHONY: build-profiled
build-profiled: ## the same by a profile of how it runs, in half an hour: faster, and smaller in memory
	@$(STATIC) benches/build-profiled

.PHONY: static-binary
static-binary: # the path of the static binary, for scripts
	@echo $(STATIC_BINARY)

.PHONY: cluster-up
cluster-up: ## start the demo's cluster and print its kubeconfig; DAYTWO_CLUSTER names another one
	@tests/cluster/up

.PHONY: cluster-down
cluster-down: ## end the demo's cluster, and that of the end-to-end tests, and all that belongs to them
	@tests/cluster/down
	@DAYTWO_CLUSTER=daytwo-e2e tests/cluster/down
	@DAYTWO_CLUSTER=daytwo-release tests/cluster/down
	@DAYTWO_CLUSTER=daytwo-kubernetes-core tests/cluster/down
	@DAYTWO_CLUSTER=daytwo-scale tests/cluster/down
