# Everything here sets itself up: `make demo` and `make test` run on a bare machine with Python >= 3.11.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: smoke demo test lint bench clean

# a grid through every stage in miniature, into runs-smoke/
smoke: $(INSTALLED)
	$(BIN)/python launch.py grids/shapes.yaml --smoke --cluster local --yes
	$(BIN)/python collect.py grids/shapes.yaml --smoke

demo: $(INSTALLED)
	$(BIN)/python launch.py grids/demo.yaml --cluster local --yes
	$(BIN)/python collect.py grids/demo.yaml --curves --panels 6

# four workers on two cores: the SLURM tests begin first, in three clusters at once, and mostly wait
test: $(INSTALLED)
	$(BIN)/python -m pytest -n 4 --dist loadgroup

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# benchmarks/README.md; transformers is the peer where it is installed
bench: $(INSTALLED)
	$(BIN)/python benchmarks/results.py

$(INSTALLED): setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[demo,test]'
	touch $@

clean:
	rm -rf .venv build *.egg-info
