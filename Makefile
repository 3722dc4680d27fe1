# The two commands that a newcomer needs: make demo, make test.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test lint prove fuzz bench generate image clean

help: ## Show all targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Show a key's whole life on a real API server (KEEP=1 stays up to play with)
	@hack/demo $(if $(KEEP),keep)

test: ## Run every test: units, the simulator's, and the scenarios on a real API server
	@hack/test

lint: ## Check format, clippy, licences and sources of dependencies, generated files
	@hack/lint

prove: ## Prove what is too long for make test: crashes, faults, rights, the hunt for keys, and that known breaks are noticed
	@hack/prove

fuzz: ## Play 100,000 random histories, find planted bugs, fuzz all that reads input from outside (FUZZ_SECONDS each)
	@hack/histories
	@hack/plants
	@hack/fuzz

bench: ## Measure against the budgets
	@echo "make bench: nothing is measured yet; it comes with the budgets of memory and latency."

generate: ## Write the generated files: the CRDs, the contract and the list of proofs
	@cargo run -q --bin almkey -- crds --directory crds
	@cargo run -q --bin almkey-simulator -- contract --file deploy/landscape-management-contract.yaml
	@cargo run -q --example proofs

image: ## Build the container image
	@echo "make image: there is no image yet; it comes with the chart."

clean: ## Remove what was built here; the cached control plane stays
	@cargo clean
