# The two commands that a newcomer needs: make demo, make test. `cargo xtask --help` lists the parts of the others.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo tutorial unit test lint advisories prove fuzz bench image archives generate docs clean xtask

XTASK := cargo xtask

help: ## Show all targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: xtask ## Show a key's whole life on a real API server (KEEP=1 stays up to play with)
	@$(XTASK) demo $(if $(KEEP),--keep)

tutorial: xtask ## Start what docs/tutorial.md uses: a cluster, the operator, and a simulator of SAP; Ctrl-C ends it
	@$(XTASK) tutorial

unit: xtask ## Run the unit tests, which need nothing but seconds (T=NAME: those with NAME in their names)
	@$(XTASK) unit $(if $(T),'$(T)')

test: xtask ## Run every test: unit tests, and scenarios on a real API server (T=NAME: those with NAME in their names)
	@$(XTASK) test $(if $(T),'$(T)')

lint: xtask ## Check format, clippy, licences and sources of dependencies, generated files
	@$(XTASK) lint

advisories: xtask ## Compare the dependencies with known advisories, which are downloaded
	@$(XTASK) advisories

prove: xtask ## Prove what is too long for make test: crashes, faults, rights, leaked secrets, and that mutants are noticed
	@$(XTASK) prove

fuzz: xtask ## Play 100,000 random histories, find planted bugs, fuzz all that reads input (FUZZ_SECONDS for each target)
	@$(XTASK) histories
	@$(XTASK) mutants --only simulation
	@$(XTASK) fuzz

bench: xtask ## Measure the release build, and write docs/benchmarks.md (ONE=NAME: one benchmark)
	@$(XTASK) bench $(if $(ONE),--one '$(ONE)')

image: xtask ## Build the container image for amd64 and arm64, without a container engine (VERIFY=1: twice, and compare)
	@$(XTASK) image $(if $(VERIFY),--verify)

archives: xtask ## Build archives of almkey for people, and checksums (BASE_URL=URL also writes a krew manifest)
	@$(XTASK) archives $(if $(BASE_URL),--base-url '$(BASE_URL)')

generate: xtask ## Write the generated files: CRDs, contract, files of the chart and of Argo CD, pages of docs/
	@$(XTASK) generate

docs: xtask ## Build docs/ as a book with search, in target/book
	@$(XTASK) docs

clean: ## Remove what was built here; the cached control plane stays
	@cargo clean

# Before it is compiled, xtask cannot say how long it takes: here cargo shows its own progress.
xtask:
	@[ -x "$${CARGO_TARGET_DIR:-target}/debug/xtask" ] || echo "Compiling: some minutes in a fresh checkout, later seconds."
	@cargo build --package xtask
