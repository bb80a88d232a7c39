# SimpleIM: `make help` lists what can be done. Everything installs what it needs first.
.DEFAULT_GOAL := help
JOBS ?= $(shell nproc)
RUN_FLAGS ?=

.PHONY: help setup build run package cluster-tools deps up down logs cluster cluster-stop web-dev test test-deep e2e bench bench-report conformance asan tsan fuzz format lint clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what a build needs from Debian's packages (as root or through sudo)
	@scripts/install-deps.sh build

build: setup ## the release binary: build/release/simpleim
	@scripts/build.sh release simpleim

run: build ## start SimpleIM on http://127.0.0.1:8080 with ./data (RUN_FLAGS="--listen …")
	@exec build/release/simpleim serve $(RUN_FLAGS)

package: setup ## simpleim_<version>_amd64.deb and a tar archive, in build/release
	@scripts/install-deps.sh package
	@scripts/build.sh release package_files
	@cd build/release && cpack --config CPackConfig.cmake >cpack.log || { cat cpack.log; exit 1; }
	@ls build/release/*.deb build/release/*.tar.gz

cluster-tools:
	@scripts/install-deps.sh cluster
	@scripts/install-go-tool.sh minio
	@scripts/install-python.sh

deps: cluster-tools ## MySQL, Redis, MinIO and MongoDB alone, on 127.0.0.1, to develop against (stop: make cluster-stop)
	@scripts/cluster.sh backends

cluster: build cluster-tools ## three nodes behind nginx on http://127.0.0.1:8080, with MariaDB, MongoDB, Redis and S3, without containers
	@scripts/cluster.sh start

cluster-stop: ## end it; what it kept stays in ./cluster-data
	@scripts/cluster.sh stop

up: ## the same in containers: three nodes behind nginx on http://127.0.0.1:8080 (needs Docker)
	@scripts/compose.sh up

down: ## end it; what it kept stays in volumes
	@scripts/compose.sh down

logs: ## what the containers say; without them, what the local cluster says
	@if [ -d cluster-data/run ]; then scripts/cluster.sh logs; else scripts/compose.sh logs; fi

web-dev: ## the web client with hot reload on http://localhost:5173, against a server that runs (SIMPLEIM_SERVER=http://…)
	@scripts/install-npm.sh
	@scripts/with-node.sh npm --prefix web run dev

test: ## install, build and run the tests (about half an hour on two cores, the first time)
	@scripts/test.sh

test-deep: ## what takes longer: every store, hundreds of kills, minutes of fuzzing, bare machines
	@scripts/test.sh deep

e2e: ## the browser tests alone; screens go to web/e2e/out
	@scripts/test.sh e2e

bench: build ## measure against a fresh server, beside the targets
	@scripts/bench.sh

bench-report: build ## write all of bench/RESULTS.md from one run, beside Centrifugo
	@scripts/bench-report.sh

conformance: ## the Autobahn cases against the WebSocket connection
	@scripts/test.sh conformance

asan: ## unit tests under AddressSanitizer and UBSan
	@scripts/test.sh asan

tsan: ## concurrency tests under ThreadSanitizer
	@scripts/test.sh tsan

fuzz: ## a short run of every fuzz target (FUZZ_SECONDS=20 each)
	@scripts/test.sh fuzz

format: ## format the C++ code
	@scripts/install-deps.sh lint
	@git ls-files '*.h' '*.cpp' | xargs clang-format-16 -i

lint: ## check format, clang-tidy and eslint
	@scripts/install-deps.sh build lint
	@git ls-files '*.h' '*.cpp' | xargs clang-format-16 --dry-run -Werror
	@cmake --preset release -B build/lint -DCMAKE_UNITY_BUILD=OFF -DSIMPLEIM_WEB=OFF >/dev/null
	@scripts/install-npm.sh && scripts/with-node.sh npm --prefix web run lint
	@git ls-files 'server/*.cpp' | xargs clang-tidy-16 -quiet -p build/lint

clean: ## remove what was built
	rm -rf build .venv web/node_modules web/*/dist web/e2e/out
