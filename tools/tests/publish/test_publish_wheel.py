"""The library as others install it: judged by installers' rules, read with the standard library alone."""

from __future__ import annotations

import ast
import base64
import csv
import email.parser
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.message import Message
from pathlib import Path
from textwrap import dedent

import pytest
from publish_books import command

from octavo.publish.wheel import extra_name, requirements, version_of

CONFIG = """\
[project]
name = mini
title = A Mini Book
author = Ann
    Requires-Dist: evil
release = 1.0.3
[build]
tabs = pytorch, jax
untagged = all
[html]
base_url = https://mini.test/book
[library]
version_file = d2l/__init__.py
[library-pytorch]
lib_file = d2l/torch.py
lib_name = torch
[library-jax]
lib_file = d2l/jax.py
lib_name = jnp
"""

PAGE = '''\
# One

```{.python .input}
#@tab pytorch
import colorsys  #@save
import numpy as np

def shade(x):  #@save
    """Say how dark it is.

    More of it.
    """
    return colorsys.rgb_to_hls(x, x, x)[1]
```

```{.python .input}
#@tab jax
import calendar  #@save
import helpers

def shade(x):  #@save
    """Say how dark it is."""
    return calendar.isleap(x)

def only_here():  #@save
    """Be there."""
```
'''

LOCK = """\
# python: 3.11.4
# import: json
ipykernel==7.1.0
Numpy==2.3.4
tensorflow-cpu==2.20.0
"""


def book(root: Path, config: str = CONFIG, page: str = PAGE) -> Path:
    files = {
        "config.ini": config,
        "index.md": "# A Mini Book\n\n```toc\none\n```\n",
        "one.md": page,
        "helpers.py": "import more.deep\nanswer = more.deep.answer\n",
        "more/deep.py": "answer = 42\n",
        "unused.py": "no = 1\n",
        "LICENSE": "Do as you like.\n",
        "environments/pytorch.txt": LOCK,
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def built(root: Path) -> Path:
    code, told = command("-C", root, "build", "lib")
    assert code == 0, told
    return root / "_build/lib"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the mini-book's wheel."""
    root = book(tmp_path_factory.mktemp("wheel"))
    command = [sys.executable, "-m", "octavo", "-C", root, "build", "lib"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert "d2l-1.0.3-py3-none-any.whl" in answer.stderr
    return root / "_build/lib"


def members(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def metadata(files: dict[str, bytes]) -> Message:
    (text,) = [content for name, content in files.items() if name.endswith(".dist-info/METADATA")]
    return email.parser.Parser().parsestr(text.decode())


def test_every_file_is_recorded_with_its_digest_and_size(made: Path) -> None:
    files = members(made / "d2l-1.0.3-py3-none-any.whl")
    rows = list(csv.reader(io.StringIO(files["d2l-1.0.3.dist-info/RECORD"].decode())))
    assert {row[0] for row in rows} == set(files)
    for path, digest, size in rows:
        if path != "d2l-1.0.3.dist-info/RECORD":
            sha = base64.urlsafe_b64encode(hashlib.sha256(files[path]).digest()).decode().rstrip("=")
            assert (digest, size) == (f"sha256={sha}", str(len(files[path])))


def test_it_has_the_library_its_types_and_the_book_s_modules_that_pages_import(made: Path) -> None:
    files = members(made / "d2l-1.0.3-py3-none-any.whl")
    assert {name for name in files if ".dist-info" not in name} == {
        "d2l/__init__.py", "d2l/jax.py", "d2l/jax.pyi", "d2l/py.typed", "d2l/torch.py", "d2l/torch.pyi",
        "helpers.py", "more/deep.py",
    }  # fmt: skip
    for module in ("d2l/__init__.py", "d2l/torch.py", "d2l/jax.py"):
        assert files[module] == (made.parents[1] / module).read_bytes()
    assert files["d2l-1.0.3.dist-info/licenses/LICENSE"] == b"Do as you like.\n"


def test_its_metadata_say_what_it_needs_and_no_setting_adds_to_them(made: Path) -> None:
    told = metadata(members(made / "d2l-1.0.3-py3-none-any.whl"))
    assert (told["Name"], told["Version"], told["Requires-Python"]) == ("d2l", "1.0.3", ">=3.11")
    assert told["Author"] == "Ann Requires-Dist: evil"
    assert told["Project-URL"] == "Book, https://mini.test/book/"
    assert told.get_all("Provides-Extra") == ["pytorch", "jax"]
    assert told.get_all("Requires-Dist") == ['numpy~=2.3.4 ; extra == "pytorch"']
    assert "Private :: Do Not Upload" in told.get_all("Classifier", [])
    assert told.get_all("License-File") == ["LICENSE"]


def test_its_readme_is_made_from_the_book(made: Path) -> None:
    readme = metadata(members(made / "d2l-1.0.3-py3-none-any.whl")).get_payload()
    assert "## [One](https://mini.test/book/one.html)" in readme
    assert "- `shade`: Say how dark it is.\n" in readme
    assert "- `only_here` (jax): Be there." in readme
    assert "More of it" not in readme


def test_installed_alone_it_imports_what_its_framework_needs_and_no_more(made: Path, tmp_path: Path) -> None:
    target, wheel = tmp_path / "target", made / "d2l-1.0.3-py3-none-any.whl"
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert uv is not None
    install = [uv, "pip", "install", "--offline", "--no-deps", "--target", target, "--python", sys.executable, wheel]
    answer = subprocess.run(install, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert answer.returncode == 0, answer.stderr
    code = """
        import sys
        from d2l import {} as d2l
        print({}, "calendar" in sys.modules, "colorsys" in sys.modules, d2l.__file__.startswith({!r}))
    """
    for module, call, said in (
        ("torch", "d2l.shade(1)", "1 False True True"),
        ("jax", "d2l.shade(2000), __import__('helpers').answer", "True 42 True False True"),
    ):
        program = dedent(code).format(module, call, str(target))
        variables = {"PYTHONPATH": str(target), "PATH": "/usr/bin:/bin"}
        ran = subprocess.run(
            [sys.executable, "-S", "-c", program],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=variables,
            check=False,
        )
        assert ran.stdout.strip().replace("1.0 ", "1 ") == said, ran.stderr


def test_the_source_distribution_has_the_same_files_and_nothing_of_the_machine(made: Path) -> None:
    wheel = members(made / "d2l-1.0.3-py3-none-any.whl")
    with tarfile.open(made / "d2l-1.0.3.tar.gz") as tar:
        entries = tar.getmembers()
        files = {entry.name: tar.extractfile(entry).read() for entry in entries}  # type: ignore[union-attr]
    assert {(entry.mtime, entry.uid, entry.gid, entry.uname, entry.mode) for entry in entries} == {(0, 0, 0, "", 0o644)}
    for name, content in wheel.items():
        if ".dist-info" not in name:
            assert files[f"d2l-1.0.3/{name}"] == content
    assert files["d2l-1.0.3/PKG-INFO"] == wheel["d2l-1.0.3.dist-info/METADATA"]
    project = tomllib.loads(files["d2l-1.0.3/pyproject.toml"].decode())
    assert project["project"]["optional-dependencies"] == {"pytorch": ["numpy~=2.3.4"], "jax": []}


def test_the_same_book_elsewhere_and_later_gives_the_same_bytes(made: Path, tmp_path: Path) -> None:
    again = built(book(tmp_path / "another place"))
    for name in ("d2l-1.0.3-py3-none-any.whl", "d2l-1.0.3.tar.gz"):
        assert (again / name).read_bytes() == (made / name).read_bytes()
    assert command("-C", tmp_path / "another place", "build", "lib") == (0, "")


def test_a_name_of_its_own_may_be_published_and_another_release_replaces_the_wheel(tmp_path: Path) -> None:
    folder = built(book(tmp_path))
    config = CONFIG.replace("[library]\n", "[library]\ndistribution = Mini.Book\n").replace("1.0.3", "1.0.4rc1")
    (tmp_path / "config.ini").write_text(config)
    built(tmp_path)
    assert {path.name for path in folder.iterdir()} == {
        "mini_book-1.0.4rc1-py3-none-any.whl",
        "mini_book-1.0.4rc1.tar.gz",
    }
    told = metadata(members(folder / "mini_book-1.0.4rc1-py3-none-any.whl"))
    assert told["Name"] == "Mini.Book"
    assert "Private :: Do Not Upload" not in told.get_all("Classifier", [])


def test_a_release_that_is_no_version_is_a_warning_and_a_bad_name_an_error(tmp_path: Path) -> None:
    config = CONFIG.replace("1.0.3", "Spring 2026").replace("[library]\n", "[library]\ndistribution = ../up\n")
    code, told = command("-C", book(tmp_path, config), "build", "lib")
    assert code == 1 and "'../up' is no name of a Python package" in told
    (tmp_path / "config.ini").write_text(config.replace("distribution = ../up\n", ""))
    code, told = command("-C", tmp_path, "build", "lib")
    assert code == 0
    assert "config.ini:6: warning[config-value]: release = 'Spring 2026' is no version" in told
    assert (tmp_path / "_build/lib/d2l-0+spring.2026-py3-none-any.whl").is_file()


def test_comparing_makes_no_wheel_and_a_book_that_saves_nothing_has_none(tmp_path: Path) -> None:
    command("-C", book(tmp_path / "a"), "build", "lib", "--check")
    assert not (tmp_path / "a/_build/lib").exists()
    (tmp_path / "b").mkdir()
    (tmp_path / "b/config.ini").write_text("[project]\nname = b\n")
    (tmp_path / "b/index.md").write_text("# B\n\n```{.python .input}\nprint(1)\n```\n")
    assert command("-C", tmp_path / "b", "build", "lib") == (0, "")
    assert not (tmp_path / "b/_build/lib").exists()


def test_modules_of_the_old_format_are_taken_as_they_are_and_get_types(tmp_path: Path) -> None:
    root = book(tmp_path, CONFIG.replace("[library]\n", "[library]\nharvest = compatible\n"))
    files = members(built(root) / "d2l-1.0.3-py3-none-any.whl")
    assert files["d2l/torch.py"] == (root / "d2l/torch.py").read_bytes()
    assert b"Defined in" in files["d2l/torch.py"] or b"WARNING" in files["d2l/torch.py"]
    stub = ast.parse(files["d2l/torch.pyi"].decode())
    assert "shade" in {node.name for node in stub.body if isinstance(node, ast.FunctionDef)}
    assert not (root / "d2l/torch.pyi").exists()


@pytest.mark.parametrize(
    ("modules", "pins", "expected"),
    [
        (["torch"], "torch==2.13.0\n", ("torch~=2.13.0",)),
        (["torch"], "torch==2.13.0+cpu\n", ("torch~=2.13.0",)),
        (["torch"], "", ("torch",)),
        (["sklearn", "PIL"], "scikit-learn==1.9.1\nPillow==13.0\n", ("pillow==13.0", "scikit-learn~=1.9.1")),
        (["tensorflow"], "tensorflow-cpu==2.20.0\ntensorflow-io==1.0.0\n", ("tensorflow~=2.20.0",)),
        (["a"], 'a[x]==1.2.3 ; python_version < "4"\n', ('a[x]~=1.2.3 ; python_version < "4"',)),
        (["a"], "# a comment\na==2.0rc1\nnot a pin!\n", ("a==2.0rc1",)),
    ],
)
def test_requirements_are_the_lock_s_versions_and_their_patches(
    modules: list[str], pins: str, expected: tuple[str, ...]
) -> None:
    assert requirements(modules, pins) == expected


@pytest.mark.parametrize(
    ("release", "version"),
    [("1.0.3", ("1.0.3", True)), ("v2-rc.1", ("2rc1", True)), ("RELEASE", ("0+release", False)), ("–", ("0", False))],
)
def test_a_release_becomes_a_version(release: str, version: tuple[str, bool]) -> None:
    assert version_of(release) == version


def test_a_framework_s_name_becomes_an_extra_s() -> None:
    assert [extra_name(tab) for tab in ("pytorch", "My Frame_work", "日本")] == ["pytorch", "my-frame-work", "default"]


def test_the_website_has_the_wheel_and_not_that_of_an_earlier_release(tmp_path: Path) -> None:
    site = book(tmp_path) / "_build/html/lib"
    (tmp_path / "environments/pytorch.txt").unlink()
    for release in ("1.0.3", "1.0.4"):
        (tmp_path / "config.ini").write_text(CONFIG.replace("1.0.3", release))
        code, told = command("-C", tmp_path, "build", "html", "--no-execute")
        assert code == 0, told
        name = f"d2l-{release}-py3-none-any.whl"
        assert [path.name for path in site.iterdir()] == [name]
        assert (site / name).read_bytes() == (tmp_path / "_build/lib" / name).read_bytes()


@pytest.mark.slow
def test_a_build_backend_makes_the_same_wheel_of_the_source_distribution(made: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", tmp_path, made / "d2l-1.0.3.tar.gz"]
    answer = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert answer.returncode == 0, answer.stderr
    ours, theirs = members(made / "d2l-1.0.3-py3-none-any.whl"), members(tmp_path / "d2l-1.0.3-py3-none-any.whl")
    assert {n: c for n, c in ours.items() if ".dist-info" not in n} == {
        n: c for n, c in theirs.items() if ".dist-info" not in n
    }
    assert sorted(metadata(ours).get_all("Provides-Extra", [])) == sorted(
        metadata(theirs).get_all("Provides-Extra", [])
    )
