# `make` lists the targets. The two that matter: `make demo` and `make test`; each does all of its set-up.
PY := .venv/bin/python
UP := .venv/.set-up

SEEDS ?= 2016,7,11
# Where the machine forbids bytecode, every process would compile Airflow, Spark's client and Great Expectations again.
unexport PYTHONDONTWRITEBYTECODE

# What needs nothing but this project's own packages; pyright asks for Node.js as well.
GUARDS := guard-style guard-imports guard-contracts guard-pages

.DEFAULT_GOAL := help
.PHONY: help setup demo airflow test test-slow check guards $(GUARDS) reference hooks evolution fuzz bad-input faults doors sound-files faulty-city story-handover types score score-identity score-themes score-marts sql up down status doctor bench lock report

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(UP): requirements.lock pyproject.toml setup.py infra/jars.lock infra/uv.lock $(wildcard infra/door/*) $(wildcard infra/oracles/*.lock)
	test -x $(PY) || python3 -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r infra/uv.lock
	$(PY) -m uv pip sync --quiet --require-hashes requirements.lock --python $(PY)
	for lock in infra/oracles/*.lock; do $(PY) -m uv pip install --quiet --no-deps --require-hashes --python $(PY) --target .venv/oracles/$$(basename $$lock .lock) -r $$lock || exit 1; done
	$(PY) -m uv pip install --quiet --no-deps --no-build-isolation --python $(PY) --editable .
	$(PY) -m citylake.appliance.jars
	$(PY) -m citylake.appliance.door
	touch $@

setup: $(UP)  ## virtual environment from the hashed lock, JVM jars from theirs

demo: $(UP)  ## a generated city through the real scheduler; KEEP=1 leaves the scheduler and its pages running
	.venv/bin/citylake demo $(if $(KEEP),--keep)

airflow: $(UP)  ## services, the scheduler and its pages; DAGs run by schedule until `make down`
	.venv/bin/citylake up --airflow

test: $(UP) guards  ## the guards, then everything the developers trust, by two workers with services of their own
	$(PY) -m pytest -q -n 2

test-slow: $(UP)  ## what takes many minutes: questions against oracles, the scheduler, a steward, 100,000 histories, runs that are killed
	$(PY) -m pytest -q -m slow

check: $(UP)  ## every guard in under a minute: style, import layers, contracts, suites, made pages, types
	@$(MAKE) --no-print-directory --jobs 2 --output-sync $(GUARDS) types

guards: $(UP)
	@$(MAKE) --no-print-directory --jobs 2 --output-sync $(GUARDS)

guard-style: $(UP)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

guard-imports: $(UP)
	.venv/bin/lint-imports

guard-contracts: $(UP)
	.venv/bin/citylake lint
	.venv/bin/citylake expectations --check

guard-pages: $(UP)
	$(PY) -m citylake.cli.reference --check

types: $(UP)  ## types by pyright (fetches its own engine from npm at first use)
	.venv/bin/pyright

reference: $(UP)  ## write the parts of docs/engineers that are made: settings, commands, the picture of the house
	$(PY) -m citylake.cli.reference

hooks:  ## run `make check` before every commit of this checkout
	git config core.hooksPath infra/hooks

evolution: $(UP)  ## 200 random sequences of contract changes, each as a rebuild from landing would have it
	$(PY) -m pytest -q -s -m "slow or not slow" tests/flow/test_contract_sequences.py

faults: $(UP)  ## faults that people met with other loaders, each file with what came of it
	$(PY) -m pytest -q -s tests/flow/test_faults_elsewhere.py

sound-files: $(UP)  ## 200 files that nobody should refuse, three seeds, in people's spellings and every format: all accepted, with their values
	$(PY) -m pytest -q -s -m "slow or not slow" tests/spark/test_sound_files.py

faulty-city: $(UP)  ## two cities of two months, one with 5 % faulty deliveries: all answered, and only what was refused is missing
	$(PY) -m pytest -q -s -m slow tests/flow/test_faulty_city.py

story-handover: $(UP)  ## a delivery is refused, sent again, judged, amended, replayed and closed, step by step
	$(PY) -m pytest -q -s tests/flow/test_handover_story.py

fuzz: $(UP)  ## fuzz every decoder for SECONDS (60) each
	$(PY) -m tests.fuzz --seconds $(or $(SECONDS),60)

bad-input: $(UP)  ## 72 kinds of malformed files, each in three variants or more, with the verdict per kind
	$(PY) -m pytest -q -s tests/flow/test_bad_input.py

doors: $(UP)  ## attacks on a running lake: statements, requests, ports, roles, contracts; each with what must come and what came
	$(PY) -m pytest -q -s tests/doors tests/flow/test_roles.py tests/unit/test_red_lines.py

score: $(UP)  ## planted defects found, per kind (after `make demo`)
	.venv/bin/citylake score .citylake/city/truth/defects.jsonl

score-identity: $(UP)  ## who is who in four cities of 100,000 organisations: pairs, B-cubed, cost
	$(PY) bench/identity.py

score-themes: $(UP)  ## every analysts' question against its oracle, planted faults per group, AQI and coordinates against theirs, on SEEDS
	CITYLAKE_SEEDS=$(SEEDS) $(PY) -m pytest -q -m 'slow or not slow' tests/oracles tests/spark/test_macro_defects.py tests/flow/test_sensor_scores.py \
	  tests/spark/test_aqi_oracles.py tests/spark/test_coordinates_oracle.py tests/spark/test_weather_by_hand.py

score-marts: $(UP)  ## every released table, all columns, against its oracle on SEEDS
	CITYLAKE_SEEDS=$(SEEDS) $(PY) -m pytest -q -s -m "slow or not slow" tests/oracles/test_tables.py tests/oracles/test_catalogue.py

sql: $(UP)  ## SQL prompt on released views
	.venv/bin/citylake shell

up down status doctor report: $(UP)  ## services and pages
	.venv/bin/citylake $@

bench: $(UP)  ## measure F and the pipeline in one run
	$(PY) bench/floor_and_pipeline.py

lock: $(UP)  ## resolve the requirements anew; write the list of what is installed (CycloneDX)
	$(PY) -m uv pip compile pyproject.toml --group dev --generate-hashes --no-header --no-annotate --python-version 3.11 -o requirements.lock
	$(PY) -m uv pip sync --quiet --require-hashes requirements.lock --python $(PY)
	$(PY) -m uv pip install --quiet --no-deps --no-build-isolation --python $(PY) --editable .
	$(PY) -m uv tool run --from cyclonedx-bom==7.5.0 cyclonedx-py environment --output-reproducible \
	  --pyproject pyproject.toml $(PY) | $(PY) infra/sbom.py
