# Vigie. `make` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PY := .venv/bin/python
DEMO_SECONDS ?=
DEMO_DATA ?= demo-data
SECONDS ?= 600
APART := browser or system or chaos or fuzz or infra

.PHONY: help setup demo test test-browser test-system test-night test-ultralytics test-video test-kafka test-debezium test-upgrade test-places test-infra site release extras check test-quick lint format bench memory fuzz fuzz-api attack chaos week docs lock sbom clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

setup: ## virtual environment, locked packages, Debian packages when root
	@bash infra/setup.sh

demo: setup ## everything at once on embedded services; DEMO_SECONDS=60 ends by itself; BROKER=kafka
	@$(PY) -m infra.demo --data $(DEMO_DATA) $(if $(DEMO_SECONDS),--seconds $(DEMO_SECONDS))

test: setup ## the test suite on real services; test-browser and test-system have the rest
	@$(PY) -m pytest tests -n 4 --dist loadfile -m "not ($(APART))" $(PYTEST_ARGS)

test-browser: setup ## the page in headless Chromium
	@$(PY) -m pytest tests -n 4 --dist loadfile -m browser $(PYTEST_ARGS)

test-system: setup ## a whole demo, chaos in short, cameras with every fault
	@$(PY) -m pytest tests -n 4 --dist loadfile -m system $(PYTEST_ARGS)

check: setup ## lint, and every quick test that needs no service: two minutes on two cores
	@$(MAKE) --no-print-directory -j 2 -O lint test-quick

test-ultralytics: ## models of ultralytics in an environment of their own; says why where that cannot be made
	@bash infra/test_ultralytics.sh $(PYTEST_ARGS)

test-video: setup ## the model of COCO on a video of a street; says why where one of them cannot be had
	@bash infra/test_video.sh $(PYTEST_ARGS)

test-night: setup ## the nights of the clock change, live: a flow on a host clock of its own; needs a C compiler
	@VIGIE_NIGHT=1 .venv/bin/python -m pytest tests/flows/runtime/test_run_nights.py $(PYTEST_ARGS)

test-kafka: setup ## on Apache Kafka from Maven Central, one broker and three; says why where it cannot run
	@bash infra/test_kafka.sh $(PYTEST_ARGS)

test-debezium: setup ## Debezium beside our reader of the binary log; says why where it cannot run
	@bash infra/test_debezium.sh $(PYTEST_ARGS)

test-upgrade: setup ## the release before and this one in turn on one data folder: taken over, and refused after a rollback
	@VIGIE_UPGRADE=1 $(PY) -m pytest tests/upgrade $(PYTEST_ARGS)

test-places: setup ## axe, targets, overflow on every place of the page: widths, schemes, languages; half an hour
	@$(PY) -m tests.api.static.everywhere

test-infra: setup ## dashboards, rules of Prometheus, image and chart, on their own engines and tools
	@bash infra/test_infra.sh $(PYTEST_ARGS)

site: setup ## all documents as one site with search, in build/site/html
	@bash infra/site.sh

release: setup ## wheel and source archive of the last commit, the same twice, tried in an empty environment
	@bash infra/release.sh

extras: release ## the wheel with each extra alone in an empty environment, and what a Raspberry Pi would get
	@bash infra/extras.sh

test-quick: setup ## every quick test that needs no service
	@$(PY) -m pytest tests -n 2 --dist loadfile -m "not (service or slow or $(APART))" $(PYTEST_ARGS)

lint: setup ## style, types, import directions
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-cache

format: setup ## rewrite the code in the project's style
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

bench: setup ## measure against the peers; prints the table, writes build/bench.json; BROKER=kafka
	@$(PY) -m tests.bench

memory: setup ## ten million events through each path: does memory grow? some twenty minutes
	@$(PY) -m tests.bench memory

fuzz: setup ## fuzz every reader of foreign bytes, SECONDS (600) each; writes build/fuzz.json
	@$(PY) -m tests.fuzz --seconds $(SECONDS) $(TARGETS)

fuzz-api: setup ## random requests and random WebSocket messages, SECONDS (600) each; writes build/fuzz-api.json
	@VIGIE_FUZZ_SECONDS=$(SECONDS) $(PY) -m pytest tests/api/web/test_fuzz_http.py tests/api/web/test_fuzz_websocket.py -m fuzz -s -n 0

attack: setup ## one hostile client beside 200 others, each kind in turn; prints the table
	@$(PY) -m tests.bench attack

chaos: setup ## kill -9 and outages of everything; prints the table, writes build/chaos.json; BROKER=kafka
	@$(PY) -m tests.chaos
	@$(PY) -m tests.chaos.sinks --seconds 20
	@$(PY) -m tests.chaos.street 200
	@$(PY) -m pytest tests/api -m chaos

week: setup ## an operator's week with a running site, in some minutes: nothing lost, doubled or false?
	@$(PY) -m tests.week

docs: setup ## write docs/components.md, the definitions' JSON Schema and the dashboards from the code
	@.venv/bin/vigie docs > docs/components.md
	@.venv/bin/vigie schema > docs/flow.schema.json
	@$(PY) -m infra.grafana

lock: ## resolve requirements.lock anew (needs uv)
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --extra dev pyproject.toml \
	  -o requirements.lock --no-header --no-emit-package vigie

sbom: setup ## write build/sbom.json (CycloneDX): every locked package with its hashes
	@$(PY) -m infra.sbom build/sbom.json

clean: ## remove what was built; keeps nothing but the sources
	@rm -rf .venv build demo-data .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
