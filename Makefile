# Every entry point of SigmaVault. `make` prints this menu.
# MIRROR=http://… names a package archive, CACHE=/path moves the cache, VARIANT=desktop|server chooses.

SHELL := /bin/sh
RUN := python3 -B -m scripts
export MIRROR SECURITY_MIRROR IMAGE_MIRROR IMAGE_SECURITY_MIRROR CACHE VARIANT PYTEST_ARGS

.DEFAULT_GOAL := help
.PHONY: help iso disk debs render check test test-fast test-desktop lint vm demo shell bench-build bench-ryzan bench-host bench-models bench-governor compare clean clean-cache

help: ## print this menu
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-12s %s\n", $$1, $$2}'

iso: ## build the bootable live ISO (GNOME; VARIANT=server for a headless one)
	@$(RUN) iso

disk: ## build the disk image for virtual machines (headless; VARIANT=desktop for GNOME)
	@$(RUN) disk

debs: ## build our own Debian packages into build/out/debs
	@$(RUN) debs

render: ## write the live-build tree and mkosi.conf that image.yaml describes
	@$(RUN) render

check: ## check image.yaml and everything it names, build nothing
	@$(RUN) check

test: ## build the images, boot them and run every test
	@$(RUN) test $(PYTEST_ARGS)

test-fast: ## run the tests that need no image
	@$(RUN) test-fast $(PYTEST_ARGS)

test-desktop: ## run the tests of the desktop in a headless GNOME
	@$(RUN) test-desktop $(PYTEST_ARGS)

lint: ## run the linters alone
	@$(RUN) lint

vm: ## open the built image in a virtual machine (ARGS='--disk' for the disk image)
	@$(RUN) vm -- $(ARGS)

demo: ## a shell in which the `sigmavault` command works on a simulated machine (ARGS=degraded for another)
	@$(RUN) demo -- $(ARGS)

bench-build: ## measure cold and warm builds, boot times and sizes (ARGS=--help)
	@python3 -B -m scripts.bench.host $(ARGS)

bench-ryzan: ## measure the model service beside llama-server (ARGS=--help)
	@$(RUN) bench-ryzan -- $(ARGS)

bench-host: ## measure the host daemon on a large simulated machine (ARGS=--help)
	@$(RUN) bench-host -- $(ARGS)

bench-models: ## measure the model downloads beside curl (ARGS=--help)
	@$(RUN) bench-models -- $(ARGS)

bench-governor: ## measure file serving while the model computes, in a virtual machine (ARGS=--help)
	@$(RUN) bench-governor -- $(ARGS)

compare: ## how two images differ (A=build/out/one.iso B=build/out/other.iso)
	@$(RUN) compare -- $(A) $(B)

shell: ## a shell inside the tools tree
	@$(RUN) shell

clean: ## remove what this checkout has built
	rm -rf build

clean-cache: ## empty the cache: the next build takes everything from the archive again
	@$(RUN) clean-cache
