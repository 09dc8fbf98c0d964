# Paystream. `make` or `make help` lists the targets.

VENV ?= .venv
ARGS ?=
BROKER := embedded
# together: relay, projector and workers in one process; separate: one each, as in production
PROCESSES := together
# 1: Prometheus runs beside it, where the machine has one
PROMETHEUS :=
# 1: a lively day is played on it, with DEMO_PACE things happening in a minute
DEMO :=
BIN := $(VENV)/bin
RUN_READY := $(VENV)/.ready-to-run
DEV_READY := $(VENV)/.ready-to-develop
# Locust's own: it brings a web framework and an event loop.
LOAD_VENV := .venv-load
LOAD_READY := $(LOAD_VENV)/.ready
# pip-audit's own: it looks up what others have installed, and brings a dozen packages.
AUDIT_VENV := .venv-audit
AUDIT_READY := $(AUDIT_VENV)/.ready
SOURCES := domain schemas event_store command_api consumers projections query_api back_office infra tests

# Without the compiled modules each of a dozen processes would compile all of them anew, at every start.
unexport PYTHONDONTWRITEBYTECODE

# An environment knows its own path: one that came along when the folder was moved or copied is made anew.
MADE_IN := $(shell cat $(VENV)/.made-in 2>/dev/null)
ifneq ($(MADE_IN),$(CURDIR))
MOVED := moved
endif

.DEFAULT_GOAL := help
.PHONY: moved help run demo doctor install install-dev migrate migrate-create schemas lock format lint clean \
	run-command-api run-query-api run-back-office run-relay run-projector run-sandbox kafka \
	differential test test-fast test-unit test-integration test-race test-acceptance test-chaos test-kafka test-pgbouncer test-load bench \
	coverage coverage-all audit-dependencies model-check mutate configuration events pictures dashboards upgrade-fixture

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / {printf "  make %-22s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

# --- Run ---------------------------------------------------------------------------------------------------------

run: $(RUN_READY) ## Run everything on this machine, without Docker; Ctrl-C ends it (DEMO=1: with a lively day; BROKER=apache: on real Kafka)
	@exec $(BIN)/paystream up --broker $(BROKER) --processes $(PROCESSES) $(if $(PROMETHEUS),--prometheus) $(if $(DEMO),--demo)

demo: $(RUN_READY) ## Play payments, a decline and refunds on a system of its own, and check the results
	@exec $(BIN)/paystream demo

doctor: $(RUN_READY) ## Check a whole configuration and name remedies: that of .env, or of the running `make run`
	@exec $(BIN)/paystream doctor $(ARGS)

run-command-api: $(RUN_READY) ## Run one process: the API that takes payments (settings: see .env.example)
	@exec $(BIN)/paystream command-api

run-query-api: $(RUN_READY) ## Run one process: the API that shows payments
	@exec $(BIN)/paystream query-api

run-back-office: $(RUN_READY) ## Run one process: the back office, pages in the browser
	@exec $(BIN)/paystream back-office

run-relay: $(RUN_READY) ## Run one process: the relay from the event store to Kafka
	@exec $(BIN)/paystream relay

run-projector: $(RUN_READY) ## Run one process: the projector of the read model
	@exec $(BIN)/paystream projector

run-worker-%: $(RUN_READY) ## Run one process: a consumer, for example run-worker-stripe-gateway
	@exec $(BIN)/paystream worker $*

run-sandbox: $(RUN_READY) ## Run one process: the Stripe sandbox
	@exec $(BIN)/paystream sandbox

kafka: $(RUN_READY) ## Run real Kafka alone, for processes that run one by one (needs Java 17, and Maven once)
	@exec $(BIN)/paystream kafka start $(ARGS)

migrate: $(RUN_READY) ## Bring the database of MIGRATION_DATABASE_URL to the newest schema
	@exec $(BIN)/paystream migrate

migrate-create: $(RUN_READY) ## Write a new migration: make migrate-create message="add disputes"
	@test -n "$(message)" || { echo 'Say what it does: make migrate-create message="add disputes"' >&2; exit 1; }
	@exec $(BIN)/paystream migrate-create "$(message)"

# --- Develop -----------------------------------------------------------------------------------------------------

# The version in pyproject.toml, as it is read without Python.
VERSION := $(shell sed -n 's/^version = "\(.*\)"$$/\1/p' pyproject.toml)

# As many workers as tests/support/workers.py says.
PARALLEL := -n auto

test: $(DEV_READY) ## Run every test but those of load, generated clients and real Kafka; options for pytest in ARGS
	@exec $(BIN)/pytest $(PARALLEL) -m "not load and not clients" $(ARGS)

# What moves money, on real servers: commands, appends, tasks of the gateway, what webhooks say, the read model.
FAST := tests/unit $(addprefix tests/integration/command_api/,commands payments) \
	$(addprefix tests/integration/consumers/,gateway/test_gateway.py gateway/test_tasks.py webhooks) \
	$(addprefix tests/integration/event_store/,test_append.py test_group_commit.py) \
	$(addprefix tests/integration/projections/,payments test_projecting.py)

test-fast: $(DEV_READY) ## Run the unit tests and the quick integration tests of what moves money, with few examples: at every step
	@exec $(BIN)/pytest $(PARALLEL) --quick --hypothesis-profile=quick $(FAST) $(ARGS)

test-unit: $(DEV_READY) ## Run the unit tests
	@exec $(BIN)/pytest $(PARALLEL) tests/unit $(ARGS)

test-integration: $(DEV_READY) ## Run the tests on real PostgreSQL, Valkey and a broker
	@exec $(BIN)/pytest $(PARALLEL) tests/integration $(ARGS)

test-race: $(DEV_READY) ## Run the tests of concurrent requests
	@exec $(BIN)/pytest $(PARALLEL) -m race $(ARGS)

test-acceptance: $(DEV_READY) ## Run the tests of the whole system over HTTP
	@exec $(BIN)/pytest $(PARALLEL) -m acceptance $(ARGS)

test-chaos: $(DEV_READY) ## Run the tests that kill and wipe parts while payments run
	@exec $(BIN)/pytest $(PARALLEL) -m chaos $(ARGS)

test-kafka: $(DEV_READY) ## Run the tests that depend on a broker on real Kafka (needs Java 17, and Maven once)
	@exec $(BIN)/pytest $(PARALLEL) --broker=apache --ignore=tests/unit -m "not load and not clients" $(ARGS)

# What pools do there: commands, tasks of the gateway, projections and reads, on PostgreSQL behind a pooler.
POOLED := tests/integration/command_api tests/integration/query_api tests/integration/projections \
	$(addprefix tests/integration/consumers/,gateway webhooks saga sweeper balance) \
	$(addprefix tests/integration/event_store/,test_append.py test_group_commit.py)

test-pgbouncer: $(DEV_READY) ## Run the tests of what pools do behind a real PgBouncer (Debian's package pgbouncer)
	@exec $(BIN)/pytest $(PARALLEL) --pgbouncer $(POOLED) $(ARGS)

test-clients: $(DEV_READY) ## Generate clients from the OpenAPI documents, compile and use them, and lint the documents
	@exec $(BIN)/pytest -m clients tests/clients $(ARGS)

test-load: $(DEV_READY) $(LOAD_READY) ## Measure throughput and latency (on real Kafka: ARGS="--broker=apache tests/load/test_relay.py")
	@exec $(BIN)/pytest -m load -s $(ARGS)

bench: $(DEV_READY) ## Measure how fast the system is, beside its limits, on a quiet machine; names of rows and options in ARGS
	@exec $(BIN)/python -m tests.load.bench $(ARGS)

MEASURE := $(BIN)/coverage run -m pytest $(PARALLEL)
SHOW_COVERAGE := $(BIN)/coverage combine --quiet && $(BIN)/python -m tests.support.coverage_table

coverage: $(DEV_READY) ## Run the unit tests with branch coverage, shown by folder; fails below the floor of pyproject.toml
	@$(BIN)/coverage erase
	@$(MEASURE) tests/unit $(ARGS)
	@$(SHOW_COVERAGE)

coverage-all: $(DEV_READY) ## The same with every test of make test, and the processes that tests start
	@$(BIN)/coverage erase
	@$(MEASURE) -m "not load and not clients" $(ARGS)
	@$(SHOW_COVERAGE)

mutate: $(DEV_READY) ## Change the money code in 300 places and show which changes no unit test notices: ARGS="--seed 1 --sample 300 --minutes 10"
	@exec $(BIN)/python -m tests.support.mutation_check $(ARGS)

model-check: $(DEV_READY) ## Exhaust the model of log, relay, consumers and recovery (needs spin and gcc); a minute and a half
	@exec $(BIN)/python -m tests.model.check

audit-dependencies: $(DEV_READY) $(AUDIT_READY) ## Look up known faults of the pinned dependencies (asks PyPI); says so when it cannot
	@exec $(BIN)/python -m tests.support.dependency_audit $(AUDIT_VENV)/bin/pip-audit $(ARGS)

format: $(DEV_READY) ## Format the code, and fix what the linter can fix
	@$(BIN)/ruff check --fix --exit-zero --quiet .
	@$(BIN)/ruff format .

lint: $(DEV_READY) ## Check style, types, import arrows, words and the exported schemas
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(SOURCES)
	$(BIN)/lint-imports
	$(BIN)/python -m tests.support.vocabulary
	$(BIN)/paystream schemas check

schemas: $(DEV_READY) ## Export the JSON Schemas, OpenAPI and AsyncAPI documents
	@exec $(BIN)/paystream schemas export

dashboards: $(DEV_READY) ## Write Grafana's dashboards from their code, infra/deploy/grafana
	@exec $(BIN)/python -m infra.deploy.grafana.boards

pictures: $(DEV_READY) ## Make the pictures of docs/back-office.md, of a system of its own (needs chromium; every view in each look: ARGS=--views)
	@exec $(BIN)/python -m tests.support.back_office_pictures $(ARGS)

events: $(DEV_READY) ## Write the event catalogue, docs/events.md
	@exec $(BIN)/python -m schemas.export.catalogue

configuration: $(DEV_READY) ## Write the table of settings, docs/configuration.md
	@exec $(BIN)/python -m tests.support.configuration_page

upgrade-fixture: $(DEV_READY) ## Keep what this release leaves behind, for the upgrade tests of later ones
	@exec $(BIN)/python -m tests.integration.upgrade.generate_fixture $(VERSION)

differential: $(DEV_READY) ## Compare the sandbox with another Stripe: ARGS="--api-base ... --key sk_test_... --file ..."
	@exec $(BIN)/python -m infra.stripe_sandbox.differential $(ARGS)

# --- Set up ------------------------------------------------------------------------------------------------------

install: $(RUN_READY) ## Make .venv with what running needs

install-dev: $(DEV_READY) ## Make .venv with what developing needs

clean: ## Remove .venv, caches and build output; the data in .paystream stays
	rm -rf $(VENV) $(LOAD_VENV) $(AUDIT_VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* mutants
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The lock files agree: the widest is resolved first. Every platform, every Python from 3.11, hashes, no addresses.
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(ARGS)

lock: ## Resolve the dependencies anew (needs uv; ARGS=--upgrade takes the newest versions)
	@command -v uv >/dev/null || { echo 'uv is needed to resolve dependencies: pip install uv' >&2; exit 1; }
	$(LOCK) pyproject.toml requirements/build.in --extra embedded --extra tracing --extra dev --output-file requirements/dev.txt
	$(LOCK) pyproject.toml requirements/build.in --extra embedded --extra tracing --constraint requirements/dev.txt --output-file requirements/run.txt
	$(LOCK) pyproject.toml --extra tracing --constraint requirements/dev.txt --output-file requirements/base.txt
	$(LOCK) requirements/build.in --constraint requirements/dev.txt --output-file requirements/build.txt
	$(LOCK) requirements/load.in --output-file requirements/load.txt
	$(LOCK) requirements/audit.in --output-file requirements/audit.txt

$(RUN_READY): requirements/run.txt pyproject.toml infra/bootstrap.sh $(MOVED)
	@sh infra/bootstrap.sh $(VENV) requirements/run.txt
	@touch $@

$(LOAD_READY): requirements/load.txt $(DEV_READY)
	@$(BIN)/python -m venv --clear $(LOAD_VENV)
	@$(LOAD_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/load.txt
	@touch $@

$(AUDIT_READY): requirements/audit.txt $(DEV_READY)
	@$(BIN)/python -m venv --clear $(AUDIT_VENV)
	@$(AUDIT_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/audit.txt
	@touch $@

$(DEV_READY): requirements/dev.txt pyproject.toml infra/bootstrap.sh $(MOVED)
	@sh infra/bootstrap.sh $(VENV) requirements/dev.txt
	@touch $(RUN_READY) $@
