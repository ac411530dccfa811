# One line a target: each is one octavo command (or one test command). `make help` lists them.

OCTAVO := .venv/bin/octavo
PAGES ?=
TABS := $(foreach tab,$(TAB),--tab $(tab))

.DEFAULT_GOAL := help
.PHONY: help html pdf pdfs epub lib bundle hosted slides run serve status check test test-all lint bench bench-pdf bench-run bench-serve bench-weight whole-book clean

help: ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

html: .venv/.octavo ## build the website, executing first what is stale; TAB=… only in that framework
	@$(OCTAVO) build html $(TABS)

pdf: .venv/.octavo ## the book on paper; TAB=… of one framework
	@$(OCTAVO) build pdf $(TABS)

pdfs: .venv/.octavo ## the book on paper, of every framework
	@$(OCTAVO) build pdf

epub: .venv/.octavo ## the book for e-readers; TAB=… of one framework
	@$(OCTAVO) build epub $(TABS)

lib: .venv/.octavo ## harvest the saved cells into d2l/; its wheel and sdist go to _build/lib/
	@$(OCTAVO) build lib

hosted: .venv/.octavo ## notebooks for Colab, SageMaker, Kaggle and Binder, in folders ready to push; TAB=… of one framework
	@$(OCTAVO) build colab sagemaker kaggle binder $(TABS)

bundle: .venv/.octavo ## notebooks to take home, with all that they need, in _build/bundle/; TAB=… of one framework
	@$(OCTAVO) build bundle $(TABS)

slides: .venv/.octavo ## a deck of slides for each page with marks for them; TAB=… of one framework
	@$(OCTAVO) build slides $(TABS)

run: .venv/.octavo ## execute pages again for real: all of them, or PAGES=… TAB=…
	@$(OCTAVO) run --rerun $(TABS) $(PAGES)

status: .venv/.octavo ## what is fresh, stale (and why), missing or failed
	@$(OCTAVO) status $(TABS) $(PAGES)

serve: .venv/.octavo ## the website while you write, at http://127.0.0.1:8000/; PORT=… TAB=…
	@$(OCTAVO) serve --open $(if $(PORT),--port $(PORT)) $(TABS)

check: .venv/.octavo ## every message about the book's source, building nothing
	@$(OCTAVO) check

test: .venv/.test ## the quick tests
	@.venv/bin/python -m pytest -c tools/pyproject.toml --rootdir tools -n 3 -m 'not slow' tools/tests

test-all: .venv/.test ## every test, the slow ones too
	@.venv/bin/python -m pytest -c tools/pyproject.toml --rootdir tools -n 3 tools/tests

whole-book: ## the book from nothing: every page executed, every product built and judged; FOLDER=… keeps it
	@bash tools/ci/whole_book.sh $(FOLDER)

lint: .venv/.test ## ruff and mypy over the toolchain
	@.venv/bin/ruff check tools && .venv/bin/ruff format --check tools && cd tools && ../.venv/bin/mypy

bench: .venv/.test ## how long the parts take, beside d2lbook; BOOK=… another book, D2LBOOK=… its program, to run it too
	@.venv/bin/python tools/bench/bench.py $(BOOK) $(if $(D2LBOOK),--d2lbook $(D2LBOOK))

bench-pdf: .venv/.test ## how long the book on paper takes: the first time, after one word, all frameworks; BOOK=… another book
	@.venv/bin/python tools/bench/bench_pdf.py $(BOOK)

bench-run: .venv/.test ## what executing the book costs beyond its cells, and a page of a trivial one; BOOK=… another book
	@.venv/bin/python tools/bench/bench_run.py $(BOOK) --trivial 20

bench-weight: .venv/.test ## what a reader loads for the heaviest page of the built website, and how soon it shows; SITE=… PAGE=… others
	@.venv/bin/python tools/bench/weight.py $(or $(SITE),_build/html) $(if $(PAGE),--page $(PAGE))

bench-serve: .venv/.test ## how long a saved word takes until a browser shows it; BOOK=… another book
	@.venv/bin/python tools/bench/bench_serve.py $(BOOK)

clean: .venv/.octavo ## remove what was built; results and environments stay
	@$(OCTAVO) clean

# An environment's scripts hold its path: where the checkout was moved or copied, it is made again.
ifneq ($(shell cat .venv/.place 2>/dev/null),$(CURDIR))
.PHONY: .venv/.octavo .venv/.test
endif

.venv/.octavo: tools/pyproject.toml tools/bootstrap.sh
	@sh tools/bootstrap.sh .venv tools && touch $@

.venv/.test: tools/pyproject.toml tools/bootstrap.sh
	@sh tools/bootstrap.sh .venv 'tools[test,lint]' && touch $@ .venv/.octavo
