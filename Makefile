# Everything a person or CI does here is one of these targets; all of them run in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SOURCES := matching ui tests scripts

# The demo keeps its ledger apart from the user's own.
DEMO_FOLDER := $(CURDIR)/.demo
DEMO := DUIJIE_DATABASE_URL=sqlite:///$(DEMO_FOLDER)/ledger.sqlite

.PHONY: help demo test check format lock train fields-report ranking-report intake-benchmark statistics-benchmark index-benchmark review-benchmark bench bench-short cluster-benchmark find-benchmark screenshots clean

help:
	@echo "make demo         load the samples, match them, serve http://127.0.0.1:8501"
	@echo "make test         run the tests"
	@echo "make check        formatter, linter, type checker, data files"
	@echo "make format       rewrite the sources as the formatter wants them"
	@echo "make lock         resolve requirements.lock anew"
	@echo "make train        learn the field and the level model anew (needs the judged products and pairs)"
	@echo "make fields-report  measure the fields and write docs/fields.md"
	@echo "make ranking-report  measure the ranking and write docs/ranking.md"
	@echo "make intake-benchmark  load a made catalogue of 100,000 rows and print what each step took"
	@echo "make statistics-benchmark  write a ledger with a million entries and print what each table took"
	@echo "make index-benchmark  rank a made catalogue of 100,000, then what 1,000 more touch, and print what each step took"
	@echo "make review-benchmark  open the review on 100,000 achievements and print what each step took (needs Chromium)"
	@echo "make bench        measure top-k beside other programs, stages and whole jobs, write docs/performance.md (an hour)"
	@echo "make bench-short  measure top-k beside sparse_dot_topn at 100,000 achievements; fails when it is not LEAST times as fast"
	@echo "make cluster-benchmark  rank with one worker process and with two, write docs/cluster.md (DEMANDS=2000 ACHIEVEMENTS=50000)"
	@echo "make find-benchmark  find typed demands among 100,000 made achievements and print how long each took"
	@echo "make screenshots  take the README's screenshots (needs Chromium)"
	@echo "make clean        remove the environment, the demo and the caches"

# pip sees the package through an editable install, so that a change in the tree is a change in the command.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV) || { echo "On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

demo: $(READY)
	@mkdir -p $(DEMO_FOLDER)
	$(DEMO) $(BIN)/duijie load datasets/samples/demands.xlsx --as demands
	$(DEMO) $(BIN)/duijie load datasets/samples/achievements.csv --as achievements
	$(DEMO) $(BIN)/duijie match
	$(DEMO) $(BIN)/duijie serve

test: $(READY)
	$(BIN)/python -m pytest

check: $(READY)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/python scripts/check_data.py

format: $(READY)
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

lock: $(READY)
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet --output-file requirements.lock

train: $(READY)
	$(BIN)/python scripts/train_fields.py
	$(BIN)/python scripts/train_levels.py

fields-report: $(READY)
	$(BIN)/python scripts/measure_fields.py

ranking-report: $(READY)
	$(BIN)/python scripts/measure_ranking.py

intake-benchmark: $(READY)
	$(BIN)/python scripts/measure_intake.py

statistics-benchmark: $(READY)
	$(BIN)/python scripts/measure_statistics.py

index-benchmark: $(READY)
	$(BIN)/python scripts/measure_index.py

review-benchmark: $(READY)
	$(BIN)/python scripts/measure_review.py

# make bench PARTS="peers stages document" SIZES="10000 100000" JOBS="10000x100000" measures these alone.
bench: $(READY)
	PYTHONPATH=scripts $(BIN)/python -m bench $(if $(PARTS),--parts $(PARTS)) $(if $(SIZES),--sizes $(SIZES)) \
		$(if $(JOBS),--jobs $(JOBS)) $(BENCH_OPTIONS)

LEAST ?= 3.5
bench-short: $(READY)
	PYTHONPATH=scripts $(BIN)/python -m bench.short --least $(LEAST)

cluster-benchmark: $(READY)
	PYTHONPATH=scripts $(BIN)/python -m bench.cluster $(if $(DEMANDS),--demands $(DEMANDS)) $(if $(ACHIEVEMENTS),--achievements $(ACHIEVEMENTS))

find-benchmark: $(READY)
	$(BIN)/python scripts/measure_find.py

screenshots: $(READY)
	$(BIN)/python scripts/screenshots.py

clean:
	rm -rf $(VENV) $(DEMO_FOLDER) .bench .mypy_cache .pytest_cache .ruff_cache
