"""Hosted editions, seen from outside: mini-books through the command line, and their notebooks as hosts get them."""

from __future__ import annotations

import base64
import os
import re
import shlex
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from publish_books import SQUARE, command, read, write

from octavo.build import Workshop
from octavo.config import load
from octavo.diagnostics import Code, Diagnostic, Severity
from octavo.progress import PlainProgress

OLD = """\
[project]
name = atlas
title = An Atlas
release = 1.2.3
[build]
tabs = pytorch, mxnet
resources = img/ kit/ setup.py data.csv
[library-pytorch]
lib_file = kit/torch.py
lib_name = torch
[library-mxnet]
lib_file = kit/mxnet.py
lib_name = np
[colab]
github_repo = mxnet, who/atlas-mxnet
              pytorch, who/atlas
libs = mxnet, mxnet, -U mxnet-cu112==1.9.1
       mxnet, kit, kit==RELEASE
       pytorch, kit, kit==RELEASE
libs_header = Installed on Colab.
replace_svg_url = img, https://atlas.example.org/_images
[sagemaker]
github_repo = mxnet, who/atlas-sage
kernel = mxnet, conda_mxnet_p36
         pytorch, conda_pytorch_p36
libs = mxnet, kit, ..  # installing kit
       pytorch, kit, .. # installing kit
libs_header =
"""
OLD_PAGES = {
    "index": "# Atlas\n\n```toc\npart/kit\npart/plain\ntop\n```\n",
    "part/kit": """\
        ```{.python .input}
        %load_ext d2lbook.tab
        tab.interact_select(['pytorch', 'mxnet'])
        #required_libs("gym==0.21.0", 'syne-tune[gpsearchers]==0.3.2')
        ```

        # Kit
        :label:`sec_kit`

        ![A square](../img/square.svg) ![A dot](../img/dot.png)

        ```{.python .input}
        #@tab mxnet
        from mxnet.gluon import nn
        from kit import mxnet as kit
        kit.try_gpu(), open("../data.csv")
        ```

        ```{.python .input}
        #@tab pytorch
        import torch
        from kit import torch as kit

        def one():  #@save
            return 1
        ```
        """,
    "part/plain": "# Plain\n\nSee :numref:`sec_kit`, or [it](kit.md).\n\n```{.python .input}\n#@tab all\n1\n```\n",
    "top": "# Top\n\n```{.python .input}\n#@tab pytorch\nfrom kit import torch as kit\n```\n",
}
NEW = """\
[project]
name = mini
release = 0.3.0
[build]
tabs = jax, mxnet
untagged = all
[library-jax]
lib_file = kit/jax.py
lib_name = jnp
[hosted]
versions = compatible
           mxnet, exact
"""
NEW_PAGES = {
    "index": "# Mini\n\n```toc\npart/a\npart/b\n```\n",
    "part/a": """\
        ---
        execute: {gpus: 1}
        ---
        # A

        ![A square](../img/square.svg)

        ```{.python .input}
        #@tab jax
        import os
        import numpy as np  #@save
        import jax, IPython, PIL.Image
        from kit import jax as kit
        ```

        ```{.python .input}
        #@tab mxnet
        import numpy as np
        import unknown_thing
        ```
        """,
    "part/b": "# B\n\n```{.python .input}\n# no gpu here\n1\n```\n",
}
LOCKS = {
    "jax": "# python: 3.11\nipykernel==7.4.0\nipython==9.18.1\njax==0.10.2\nnumpy==2.4.6\npillow==13.0.0\n",
    "mxnet": "# python: 3.11\nipykernel==7.4.0\nnumpy==1.23.5\n",
}
DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def make(root: Path, *hosts: str) -> None:
    """Bring these products up to date."""
    code, told = command("-C", root, "build", *hosts, "--no-execute")
    assert code == 0, told


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book of the old format: its hosted editions."""
    root = write(tmp_path_factory.mktemp("old"), OLD_PAGES, OLD)
    (root / "img" / "dot.png").write_bytes(DOT)
    (root / "setup.py").write_text("from setuptools import setup\nsetup(name='kit', packages=['kit'])\n")
    (root / "data.csv").write_text("1\n")
    (root / "kit").mkdir()
    (root / "kit" / "__init__.py").write_text("__version__ = '1.2.3'\n")
    make(root, "colab", "sagemaker", "binder")
    return root / "_build"


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book of its own that is published nowhere: the hosted editions."""
    root = write(tmp_path_factory.mktemp("new"), NEW_PAGES, NEW)
    (root / "environments").mkdir()
    for tab, text in LOCKS.items():
        (root / "environments" / f"{tab}.txt").write_text(text)
    make(root, "colab", "sagemaker", "kaggle", "binder")
    return root / "_build"


def installed(notebook: Any) -> list[list[str]]:
    """What a notebook hands to pip, in words, a list for each call."""
    return [shlex.split(line)[2:] for cell in notebook.cells for line in cell.source.split("\n") if line[:5] == "%pip "]


# -- a book of the old format: what its settings say, tab for tab


def test_what_libs_say_is_installed_where_it_is_imported(old: Path) -> None:
    more = [["-q", "gym==0.21.0"], ["-q", "syne-tune[gpsearchers]==0.3.2"]]
    mxnet = [["-q", "-U", "mxnet-cu112==1.9.1"], ["-q", "kit==1.2.3"], *more]
    assert installed(read(old / "colab/mxnet/part/kit.ipynb")) == mxnet
    assert installed(read(old / "colab/pytorch/part/kit.ipynb")) == [["-q", "kit==1.2.3"], *more]
    assert installed(read(old / "colab/pytorch/part/plain.ipynb")) == []


def test_two_dots_are_the_folder_of_all_notebooks_which_pip_can_install(old: Path) -> None:
    assert installed(read(old / "sagemaker/pytorch/part/kit.ipynb"))[0] == ["-q", ".."]
    assert installed(read(old / "sagemaker/pytorch/top.ipynb")) == [["-q", "."]]
    tree = old / "sagemaker" / "pytorch"
    assert {"setup.py", "kit/__init__.py"} <= {p.relative_to(tree).as_posix() for p in tree.rglob("*.py")}


def test_headers_stand_above_it(old: Path) -> None:
    colab = read(old / "colab/mxnet/part/kit.ipynb")
    assert [cell.cell_type for cell in colab.cells[:3]] == ["markdown", "code", "markdown"]
    assert colab.cells[0].source == "Installed on Colab."
    assert read(old / "sagemaker/mxnet/part/kit.ipynb").cells[0].cell_type == "code"


def test_kernels_are_called_as_the_settings_call_them(old: Path) -> None:
    names = {
        path.relative_to(old).as_posix(): read(path).metadata.kernelspec.name for path in sorted(old.rglob("*.ipynb"))
    }
    wanted = {"sagemaker/mxnet": "conda_mxnet_p36", "sagemaker/pytorch": "conda_pytorch_p36"}
    assert len(names) == 21
    assert all(name == wanted.get("/".join(path.split("/")[:2]), "python3") for path, name in names.items())


def test_a_card_is_asked_for_where_code_has_the_pattern(old: Path) -> None:
    asks = {
        path.relative_to(old / "colab").as_posix()
        for path in (old / "colab").rglob("*.ipynb")
        if read(path).metadata.get("accelerator") == "GPU"
    }
    assert asks == {"mxnet/part/kit.ipynb"}


def test_drawings_have_the_address_of_replace_svg_url_and_other_pictures_are_inside(old: Path) -> None:
    (text,) = [c.source for c in read(old / "colab/pytorch/part/kit.ipynb").cells if "![A square]" in c.source]
    assert "![A square](https://atlas.example.org/_images/square.svg)" in text
    (data,) = re.findall(r"!\[A dot\]\(data:image/png;base64,([^)]+)\)", text)
    assert base64.b64decode(data) == DOT
    (text,) = [c.source for c in read(old / "sagemaker/pytorch/part/kit.ipynb").cells if "![A square]" in c.source]
    assert "![A square](../img/square.svg) ![A dot](../img/dot.png)" in text
    assert (old / "sagemaker/pytorch/img/square.svg").read_text(encoding="utf-8") == SQUARE


def test_notebooks_lead_to_each_other_where_the_host_opens_them(old: Path) -> None:
    begin = "https://colab.research.google.com/github/who/atlas/blob/master/"
    contents = read(old / "colab/pytorch/index.ipynb").cells[-1].source
    assert re.findall(r"\]\(([^)]+)\)", contents) == [f"{begin}{p}.ipynb" for p in ("part/kit", "part/plain", "top")]
    plain = read(old / "colab/pytorch/part/plain.ipynb").cells[0].source
    assert re.findall(r"\]\(([^)]+)\)", plain) == [f"{begin}part/kit.ipynb"] * 2
    plain = read(old / "sagemaker/pytorch/part/plain.ipynb").cells[0].source
    assert re.findall(r"\]\(([^)]+)\)", plain) == ["kit.ipynb"] * 2


def test_files_that_code_reads_are_fetched_from_the_repository(old: Path) -> None:
    install = read(old / "colab/mxnet/part/kit.ipynb").cells[1].source
    assert "'../data.csv': 'https://github.com/who/atlas-mxnet/raw/master/data.csv'" in install
    compile(re.sub(r"^%pip.*$", "", install, flags=re.MULTILINE), "install", "exec")
    assert (old / "colab/mxnet/data.csv").is_file()
    assert "data.csv" not in read(old / "sagemaker/mxnet/part/kit.ipynb").cells[0].source


def test_without_a_lock_binder_installs_what_pages_import(old: Path) -> None:
    lines = (old / "binder/pytorch/binder/requirements.txt").read_text().split("\n")
    assert lines == ["torch", "./lib/kit-1.2.3-py3-none-any.whl", ""]
    assert installed(read(old / "binder/pytorch/part/kit.ipynb"))[0] == ["-q", "gym==0.21.0"]


# -- a new book: what its locks say


def test_what_the_lock_pins_of_what_a_page_imports_is_installed(new: Path) -> None:
    (call,) = installed(read(new / "kaggle/jax/part/a.ipynb"))
    assert call[:-1] == ["-q", "jax>=0.10,<0.11", "numpy>=2,<3", "pillow>=13,<14"]
    assert installed(read(new / "kaggle/mxnet/part/a.ipynb")) == [["-q", "numpy==1.23.5"]]
    assert installed(read(new / "kaggle/jax/part/b.ipynb")) == []


def test_a_book_that_is_published_nowhere_has_its_library_in_its_notebooks(new: Path) -> None:
    install = read(new / "colab/jax/part/a.ipynb").cells[1].source
    (held,) = re.findall(r'b64decode\("""(.+?)"""\)', install, re.DOTALL)
    wheel = zipfile.ZipFile(BytesIO(base64.b64decode(held)))
    assert b"import numpy as np" in wheel.read("kit/jax.py")
    assert read(new / "colab/jax/part/a.ipynb").cells[1].metadata == {"cellView": "form"}


def test_hosts_that_take_whole_repositories_install_the_wheel_beside_the_notebooks(new: Path) -> None:
    (call,) = installed(read(new / "sagemaker/jax/part/a.ipynb"))
    assert call[-1] == "../lib/kit-0.3.0-py3-none-any.whl"
    assert (new / "sagemaker/jax/part" / call[-1]).is_file()
    assert read(new / "sagemaker/jax/part/a.ipynb").metadata.kernelspec.name == "conda_python3"


def test_binder_makes_the_environment_of_the_lock(new: Path) -> None:
    tree = new / "binder" / "jax"
    lines = (tree / "binder/requirements.txt").read_text().split()
    assert lines[-1] == "./lib/kit-0.3.0-py3-none-any.whl"
    assert (tree / lines[-1]).is_file()
    assert set(lines[:-1]) == set(LOCKS["jax"].split("\n", 1)[1].split())
    assert (tree / "binder/runtime.txt").read_text() == "python-3.11\n"
    assert installed(read(tree / "part/a.ipynb")) == []
    assert "../img/square.svg" in read(tree / "part/a.ipynb").cells[0].source


def test_a_card_is_asked_for_where_a_page_declares_one_or_its_code_says_so(new: Path) -> None:
    colab = {page: read(new / f"colab/jax/{page}.ipynb").metadata for page in ("index", "part/a", "part/b")}
    assert {page: metadata.get("accelerator") for page, metadata in colab.items()} == {
        "index": None, "part/a": "GPU", "part/b": "GPU",
    }  # fmt: skip
    kaggle = read(new / "kaggle/jax/part/a.ipynb").metadata.kaggle
    assert (kaggle["isGpuEnabled"], kaggle["isInternetEnabled"]) == (True, True)


def test_pictures_without_an_address_are_inside(new: Path) -> None:
    (cell,) = [c for c in read(new / "kaggle/jax/part/a.ipynb").cells if "![A square]" in c.source]
    assert "![A square](attachment:img-square.svg)" in cell.source
    held = cell.attachments["img-square.svg"]["image/svg+xml"]
    assert base64.b64decode(held).decode() == SQUARE
    colab = "".join(c.source for c in read(new / "colab/jax/part/a.ipynb").cells)
    assert re.search(r"!\[A square\]\(data:image/(png|svg\+xml);base64,", colab)


def test_a_second_build_writes_nothing_and_what_is_gone_goes(tmp_path: Path) -> None:
    root = write(tmp_path, {**NEW_PAGES, "part/c": "# C\n"}, NEW)
    bring_up_to_date(root)
    assert "jax: 3 notebooks, 0 of all files written" in bring_up_to_date(root)
    (root / "part/b.md").write_text("# B\n")
    bring_up_to_date(root)
    assert not (root / "_build/colab/jax/part/b.ipynb").exists()


def bring_up_to_date(root: Path) -> str:
    """The same as :func:`make` for Colab, without a process of its own; what was told."""
    said = StringIO()
    assert Workshop(root).hosted.build("colab", PlainProgress(said), ["jax"]) is not None
    return said.getvalue()


def test_what_the_library_imports_is_as_the_author_says_too(tmp_path: Path) -> None:
    pages = {**NEW_PAGES, "part/b": "# B\n\n```{.python .input}\n#@tab jax\nfrom kit import jax as kit\n```\n"}
    root = write(tmp_path, pages, f"{NEW}[colab]\nlibs = jax, numpy, -U numpy==2.0\n")
    bring_up_to_date(root)
    assert installed(read(root / "_build/colab/jax/part/b.ipynb"))[0] == ["-q", "-U", "numpy==2.0"]
    config = f"{NEW}[colab]\nlibs = jax, numpy, -U numpy==2.0\n       jax, kit, kit==RELEASE\n"
    (root / "config.ini").write_text(config, encoding="utf-8")
    bring_up_to_date(root)
    assert installed(read(root / "_build/colab/jax/part/b.ipynb")) == [["-q", "kit==0.3.0"]]


def test_links_lead_to_the_website_where_there_is_no_notebook(tmp_path: Path) -> None:
    pages = {
        "index": "# Mini\n\n```toc\npart/a\nwords\n```\n",
        "words": "# Words\n:label:`sec_words`\n",
        "part/a": "# A\n\n[Read](../words.md) :numref:`sec_words`\n\n"
        "```{.python .input #octavo-install}\nimport numpy\n```\n",
    }
    wanted = {
        "[html]\nbase_url = https://a.example.org/b\n": "[Read](https://a.example.org/b/words.html) "
        "[Chapter 2](https://a.example.org/b/words.html)",
        "": "Read Chapter 2",
    }
    for config, text in wanted.items():
        root = write(tmp_path, pages, f"{NEW}{config}[colab]\nlibs = jax, numpy, numpy\n")
        (root / "index.md").write_text(pages["index"].replace("```toc\n", "```toc\n:numbered:\n"))
        bring_up_to_date(root)
        notebook = read(root / "_build/colab/jax/part/a.ipynb")
        assert text in "\n".join(cell.source for cell in notebook.cells)
        # a cell that is called as octavo calls its own
        assert len({cell.id for cell in notebook.cells}) == len(notebook.cells) == 4


def test_the_authors_files_in_a_folder_that_is_pushed_stay(tmp_path: Path) -> None:
    root = write(tmp_path, NEW_PAGES, NEW)
    bring_up_to_date(root)
    folder = root / "_build/colab/jax"
    (folder / ".git").mkdir()
    own = [folder / ".git/HEAD", folder / "part/own.txt", folder / "README.md"]
    for file in own:
        file.write_text("own")
    (root / "index.md").write_text("# Mini\n")
    (root / "part/a.md").unlink()
    (root / "part/b.md").unlink()
    bring_up_to_date(root)
    assert sorted(file for file in folder.rglob("*") if file.is_file()) == sorted(own)


# -- where the library comes from


@pytest.mark.parametrize(
    ("setting", "more", "wanted"),
    [
        ("auto", "[html]\nbase_url = https://mini.example.org/book", "https://mini.example.org/book/lib/{wheel}"),
        ("auto", "[colab]\ngithub_repo = who/x", "https://github.com/who/x/raw/master/lib/{wheel}"),
        ("repository", "[html]\nbase_url = https://a.example.org/\n[colab]\ngithub_repo = jax, who/x",
         "https://github.com/who/x/raw/master/lib/{wheel}"),
        ("git+https://git.example.org/who/mini@v{release}", "", "git+https://git.example.org/who/mini@v0.3.0"),
        ("https://a.example.org/{tab}/{wheel}", "", "https://a.example.org/jax/{wheel}"),
    ],
)  # fmt: skip
def test_the_library_comes_from_where_the_settings_say(tmp_path: Path, setting: str, more: str, wanted: str) -> None:
    root = write(tmp_path, NEW_PAGES, f"{NEW}library = {setting}\n{more}\n")
    bring_up_to_date(root)
    (call,) = installed(read(root / "_build/colab/jax/part/a.ipynb"))
    assert call[-1] == wanted.format(wheel="kit-0.3.0-py3-none-any.whl")


@pytest.mark.parametrize("release", ["1.0{__import__('os')}", "1.0; touch x", "$HOME"])
def test_a_release_that_means_more_is_the_wheels_version(tmp_path: Path, release: str) -> None:
    config = NEW.replace("0.3.0", release)
    for more in ("library = git+https://h.example.org/x@v{release}\n", "[colab]\nlibs = jax, kit, kit==RELEASE\n"):
        root = write(tmp_path, NEW_PAGES, f"{config}{more}")
        bring_up_to_date(root)
        source = read(root / "_build/colab/jax/part/a.ipynb").cells[1].source
        assert re.search(r"(@v|kit==)0\+[\w.]+( |'|\n|$)", source)
        assert not re.search(r"[{$;]", source)


@pytest.mark.parametrize("setting", ["nowhere", "two words/x", "https://bad host/", "$(touch x)/y", "{home}/x"])
def test_a_place_that_is_none_is_an_error(tmp_path: Path, setting: str) -> None:
    (message,) = told(tmp_path, f"[hosted]\nlibrary = {setting}\n")
    assert (message.severity, message.span and message.span.line) == (Severity.ERROR, 2)
    assert "no place to install the library from" in message.message


@pytest.mark.parametrize(
    ("section", "line"),
    [
        ("colab", "libs = jax, numpy, numpy; rm -rf $HOME"),
        ("colab", "libs = jax, numpy, `id`"),
        ("colab", "libs = jax"),
        ("colab", "replace_svg_url = img"),
        ("sagemaker", "kernel = a, b, c"),
        ("sagemaker", "kernel = no name"),
    ],
)
def test_what_does_not_fit_is_told_and_left_out(tmp_path: Path, section: str, line: str) -> None:
    (message,) = told(tmp_path, f"[build]\ntabs = jax\n[{section}]\n{line}\n")
    found = message.code, message.severity, message.span and message.span.line
    assert found == (Code.CONFIG_VALUE, Severity.WARNING, 4)


def test_what_a_page_cannot_mean_is_told_and_left_out(tmp_path: Path) -> None:
    cell = "```{.python .input}\n# Two lines\n# required_libs('$(id)', 'x==1')\n1\n```\n"
    workshop = Workshop(write(tmp_path, {"index": f"# T\n\n{cell}"}, "[build]\ntabs = jax\n"))
    workshop.hosted.build("kaggle", PlainProgress(StringIO()))
    (message,) = workshop.diagnostics
    assert (message.code, message.span and message.span.line) == (Code.DECLARATION, 5)
    assert installed(read(tmp_path / "_build/kaggle/jax/index.ipynb")) == [["-q", "x==1"]]


def told(root: Path, config: str) -> tuple[Diagnostic, ...]:
    (root / "config.ini").write_text(config, encoding="utf-8")
    return load(root)[1]


# -- as a stranger has it


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder that is published, and its address."""
    folder = tmp_path / "published"
    folder.mkdir()
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()


@pytest.mark.slow
@pytest.mark.parametrize("published", [True, False], ids=["wheel on the website", "wheel in the notebook"])
def test_a_colab_edition_runs_in_a_clean_environment(
    book: Path, tmp_path: Path, site: tuple[Path, str], octavo: Callable[..., Any], published: bool
) -> None:
    """One notebook, an empty folder, a fresh environment with a kernel and pip: it installs the rest and runs."""
    folder, address = site
    config = (book / "config.ini").read_text(encoding="utf-8")
    if published:
        (book / "config.ini").write_text(
            config.replace("[html]\n", f"[html]\nbase_url = {address}\n"), encoding="utf-8"
        )
    answer = octavo("-C", book, "build", "lib", "colab", "--no-execute", "--tab", "jax", "--output", folder)
    assert answer.returncode == 0, answer.stderr
    page = "linear-regression-scratch.ipynb"
    own = folder / "colab" / "jax" / "chapter_linear-networks" / page
    assert (f"{address}lib/d2l-" in own.read_text(encoding="utf-8")) == published
    empty, environment = tmp_path / "empty", tmp_path / "environment"
    empty.mkdir()
    (empty / page).write_bytes(own.read_bytes())
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", "--python", "3.11", environment], check=True)
    wanted = ["pip", "ipykernel", "nbclient"]
    subprocess.run([*uv, "pip", "install", "--quiet", "--python", environment / "bin/python", *wanted], check=True)
    done = subprocess.run(
        [environment / "bin/jupyter-execute", "--inplace", page],
        cwd=empty,
        capture_output=True,
        text=True,
        env={
            "PATH": f"{environment / 'bin'}:/usr/bin:/bin",
            "HOME": str(empty),
            **{
                name: value
                for name, value in os.environ.items()
                if name.startswith(("PIP_", "SSL_")) or "proxy" in name
            },
        },
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    executed = read(empty / page)
    assert [
        output for cell in executed.cells for output in cell.get("outputs", []) if output.output_type == "error"
    ] == []
    where = [environment / "bin/python", "-c", "import d2l.jax; print(d2l.jax.__file__)"]
    shown = subprocess.run(where, cwd=empty, capture_output=True, text=True, check=True).stdout.strip()
    assert Path(shown).is_relative_to(environment)
    assert Path(shown).read_bytes() == (book / "d2l" / "jax.py").read_bytes()
    text = "".join(str(output) for cell in executed.cells for output in cell.get("outputs", []))
    assert "image/svg+xml" in text
