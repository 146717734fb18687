# Two commands: `make demo` shows the whole path on made data, `make test` proves that it works here.
PYTHON ?= python3
VENV   ?= .venv
OUT    ?= bedside-demo

.PHONY: demo test lint clean

demo: $(VENV)/installed
	$(VENV)/bin/bedside demo --out $(OUT)

test: $(VENV)/installed-test
	scripts/debian-packages
	$(MAKE) --no-print-directory lint
	$(VENV)/bin/python -m pytest -n 2 --dist loadgroup

lint: $(VENV)/installed-test
	$(VENV)/bin/ruff check src tests benchmarks scripts
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[risk,serve]'
	touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	touch $@

clean:
	rm -rf $(VENV) $(OUT) $(OUT).keyring $(OUT).keyring.map .pytest_cache .mypy_cache .ruff_cache .hypothesis
