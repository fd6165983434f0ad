# Prepares the environment and calls the real tools. Needs Python >= 3.11, git, bash and GNU make >= 3.81; everything else goes into
# .venv and node_modules. ARGS is handed on:  make report ARGS="--config dataset=mnist"   make test ARGS="-k nice"

VENV  := .venv
# An index of wheels of PyTorch for processors alone: 4 GB less of libraries, for machines without a GPU (README.md, Install)
TORCH_INDEX ?=
LOCKS := requirements-uv.txt requirements.txt package.json package-lock.json .npmrc

# The stamp is named after what it stands for, the content of the lock files and the place of this folder (a virtual environment
# cannot be moved): a fresh time stamp on a lock file installs nothing, a changed lock does, and an interrupted set-up has no stamp.
FINGERPRINT := $(shell { pwd -P; echo '$(TORCH_INDEX)'; cat $(LOCKS); } | git hash-object --stdin)
STAMP       := $(VENV)/ready-$(FINGERPRINT)

# macOS has GNU make 3.81. It looks for a command without shell syntax on the path that make itself was called with, not on the one exported
# here; a shell that is not the default one runs all commands, and finds them.
SHELL := bash
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export UV_HTTP_TIMEOUT ?= 600
# as Python does: the certificate authorities of the system count, a company's own among them
export NODE_USE_SYSTEM_CA ?= 1
# neither a site's packages nor a user's habits of pip decide what the environment holds
unexport PYTHONHOME
unexport PYTHONPATH
export PIP_USER := 0
# accounts without a name or a home, as in containers: Snakemake, uv and npm want both
export USER ?= $(shell id -u)
ifneq ($(shell test -w "$${HOME:-/}" && echo yes),yes)
export HOME := $(CURDIR)/.home
endif

.PHONY: help setup report verify archive unpack site test quick prove test-slurm lint audit format schema lock clean
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: $(STAMP) ## create .venv from the locked requirements, and KaTeX beside it

report: $(STAMP) ## build results/<dataset>/report, as `snakemake --cores all` does
	snakemake --cores all $(ARGS)

verify: $(STAMP) ## build once more in a scratch folder and compare (only the files with the manifest: ARGS="--files-only")
	python -m dgm.reproduce.verify $(ARGS)

archive: $(STAMP) ## pack a finished build into results/<dataset>-<commit>.tar.gz
	python -m dgm.reproduce.archive pack $(ARGS)

unpack: $(STAMP) ## put the build of an archive in place, once it is checked: make unpack ARCHIVE=FILE
	@test -n "$(ARCHIVE)" || { echo "unpack: which archive? make unpack ARCHIVE=FILE" >&2; exit 1; }
	python -m dgm.reproduce.archive unpack "$(ARCHIVE)"

site: $(STAMP) ## collect a finished build in site/, for a host of static pages
	python -m dgm.reproduce.site $(ARGS)

test: $(STAMP) ## run the tests, on all cores (one process: ARGS="-n 0")
	pytest --numprocesses auto --maxprocesses 8 --dist loadfile --no-loadscope-reorder $(ARGS)

quick: $(STAMP) ## while editing: lint of the code, and 45 s of the tests that what changed since the last commit touches
	ruff check .
	ruff format --check --quiet .
	mypy
	pytest --numprocesses auto --maxprocesses 8 --dist loadfile -m "not slurm and not pipeline" --touched 45 $(ARGS) || [ $$? = 5 ]

prove: $(STAMP) ## see each claim fail under wrong code, where code changed since it was last seen (all: ARGS=--again)
	pytest --numprocesses auto --maxprocesses 8 --keep-proofs tests/claims/test_every_claim_can_fail.py $(ARGS)

test-slurm: $(STAMP) ## run the whole workflow through a Slurm of one node, started here (root; packages slurm-wlm, munge)
	pytest --numprocesses 0 -m slurm tests/slurm $(ARGS)

lint: $(STAMP) ## check style, types, spelling, security, the workflow and CITATION.cff
	ruff check .
	ruff format --check .
	mypy
	lint-imports --no-logo
	codespell --skip './results,./node_modules,./requirements*.txt,./package-lock.json,./src/*.egg-info'
	bandit --quiet --configfile pyproject.toml --recursive src assignments benchmarks workflow
	snakefmt --check Snakefile workflow
	snakemake --lint
	uv tool run --quiet --from cffconvert==2.0.0 cffconvert --validate

audit: $(STAMP) ## ask for known vulnerabilities of the locked packages; not every mirror of an index can tell
	uv tool run pip-audit --strict --disable-pip --require-hashes --requirement requirements.txt
	npm audit

format: $(STAMP) ## rewrite Python and Snakemake files in the project's style
	ruff check --fix .
	ruff format .
	snakefmt Snakefile workflow

schema: $(STAMP) ## write workflow/schemas/config.schema.yaml from the settings classes of the models
	python -m dgm.workflow.schema

lock: $(STAMP) ## raise the locked versions to the newest that fit pyproject.toml and package.json
	uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  pyproject.toml --group dev -o requirements.txt
	echo uv | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	  --custom-compile-command "make lock" -c requirements.txt - -o requirements-uv.txt
	npm install --package-lock-only

clean: ## remove the environment and caches; results/ is never touched
	rm -rf $(VENV) node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -path ./results -prune -o -name __pycache__ -prune -exec rm -rf {} +

INSTALL = uv pip install --quiet $(if $(TORCH_INDEX),,--compile-bytecode) --python $(VENV)/bin/python

# pip only fetches uv, which is several times quicker with the rest; both check every file against the locks.
$(STAMP):
	@python=; for candidate in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11); do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "set-up: needs Python >= 3.11, found $$("$${PYTHON:-python3}" --version 2>&1 | head -n 1);" \
	    "install one, or name it: make $(or $(MAKECMDGOALS),setup) PYTHON=/path/to/python3" >&2; exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "set-up: $$python has no venv module; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; \
	fi; \
	if [ -x $(VENV)/bin/python ] && grep -qsF '$(CURDIR)/$(VENV)/bin/python' $(VENV)/bin/pip; then \
	  rm -f $(VENV)/ready-*; \
	else \
	  echo "set-up: $$("$$python" --version) in $(VENV)"; "$$python" -m venv --clear $(VENV); \
	fi
	@echo "set-up: Python packages (several GB with PyTorch; minutes the first time)"
	@python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements-uv.txt
	@if [ -z "$(TORCH_INDEX)" ]; then \
	  $(INSTALL) --require-hashes -r requirements.txt; \
	else \
	  awk '/^[a-z]/ {kept = !/^(torch|torchvision|triton|nvidia-|cuda-)/} kept' requirements.txt > $(VENV)/requirements.txt; \
	  $(INSTALL) --require-hashes -r $(VENV)/requirements.txt; \
	  echo "set-up: PyTorch for processors from $(TORCH_INDEX), which has no checksum here"; \
	  newest=$$(sed -n 's/^torch==\([0-9.]*\).*/torch<=\1/p' requirements.txt); \
	  UV_DEFAULT_INDEX="$(TORCH_INDEX)" $(INSTALL) "$$newest" torchvision 2>/dev/null || \
	    { UV_DEFAULT_INDEX="$(TORCH_INDEX)" $(INSTALL) --no-deps "$$newest" && \
	      echo "set-up: no torchvision there; it is needed to download images alone (README.md, Data)"; }; \
	fi
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@echo "set-up: KaTeX"
	@npm ci --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@
	@echo "set-up: done"
