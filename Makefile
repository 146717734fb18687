# Two commands: `make demo` shows the whole path on made data, `make test` proves that it works here.
PYTHON ?= python3
VENV   ?= .venv
OUT    ?= bedside-demo
# Of the demo; those of the other pillars: imaging, text, molecules, gnn, federate, or all.
EXTRAS ?= risk,serve
CORE_TESTS = tests/core_only tests/core tests/codes tests/formats tests/ledger tests/readers tests/cohort

.PHONY: demo test test-core lint clean

demo: $(VENV)/installed
	$(VENV)/bin/bedside demo --out $(OUT)

test: $(VENV)/installed-test
	scripts/debian-packages
	$(MAKE) --no-print-directory lint
	$(VENV)/bin/python -m pytest -n 2 --dist loadgroup
	$(MAKE) --no-print-directory test-core

test-core: $(VENV)-core/installed  # the core, in an environment with none of the extras
	$(VENV)-core/bin/python -m pytest -n 2 --dist loadgroup $(CORE_TESTS)

lint: $(VENV)/installed-test
	$(VENV)/bin/ruff check src tests benchmarks scripts
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'
	touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	touch $@

$(VENV)-core/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)-core
	$(VENV)-core/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e . pytest pytest-xdist hypothesis
	touch $@

clean:
	rm -rf $(VENV) $(VENV)-core $(OUT) $(OUT).keyring $(OUT).keyring.map .pytest_cache .mypy_cache .ruff_cache .hypothesis
