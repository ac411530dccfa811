# ruff: noqa: E501 - a case of a table stands on one line
from __future__ import annotations

import json
import os
import stat
import threading
from pathlib import Path

import pytest

from octavo.diagnostics import Code
from octavo.execute.environments import environment
from octavo.execute.environments.environment import (
    Environment,
    EnvironmentFailure,
    Lock,
    existing,
    folder_of,
    make,
    read_lock,
)
from octavo.execute.environments.pip_settings import pip_settings, uv_variables
from octavo.execute.home import cache_home
from octavo.execute.kernels.variables import kernel_variables
from octavo.execute.processes import Stop, StoppedError

TABS = ("pytorch", "tensorflow", "jax", "mxnet")


def lock(tmp_path: Path, text: str, name: str = "x.txt") -> tuple[Lock | None, tuple]:
    path = tmp_path / name
    path.write_text(text)
    return read_lock(path, f"environments/{name}")


@pytest.mark.parametrize("tab", TABS)
def test_the_books_locks_are_complete_and_public(repository: Path, tab: str) -> None:
    path = repository / "environments" / f"{tab}.txt"
    read, messages = read_lock(path)
    assert read is not None and not messages
    assert {"ipykernel", "matplotlib", "numpy", "pandas", "scikit-learn", "scipy"} <= read.packages.keys()
    assert read.python == "3.11" and read.imports
    pins = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    assert not [line for line in pins if any(mark in line for mark in "+/@:")], "a build or a place of one machine"
    assert pins == sorted(pins, key=lambda pin: pin.partition("==")[0])


def test_what_counts_in_a_lock(tmp_path: Path) -> None:
    plain, _ = lock(tmp_path, "# python: 3.11\n# import: numpy\nipykernel==7.4.0\nscikit_learn==1.9.1\n")
    same, _ = lock(tmp_path, "# a comment\n\nScikit-Learn == 1.9.1  # why\nipykernel==7.4.0\n# python: 3.11\n")
    assert plain is not None and same is not None
    assert plain.digest == same.digest
    assert plain.versions == {"python": "3.11", "ipykernel": "7.4.0", "scikit-learn": "1.9.1"}
    assert plain.imports == ("numpy",)
    for text in (
        "# python: 3.12\nipykernel==7.4.0\nscikit-learn==1.9.1",
        "# python: 3.11\nipykernel==7.4.1\nscikit-learn==1.9.1",
    ):
        other, _ = lock(tmp_path, text)
        assert other is not None and other.digest != plain.digest


def test_extras_and_markers_survive(tmp_path: Path) -> None:
    read, _ = lock(tmp_path, '# python: 3.11\nipykernel==7\nuvicorn[standard, a]==1.0 ; sys_platform == "linux"\n')
    assert read is not None
    assert read.requirements == 'ipykernel==7\nuvicorn[a,standard]==1.0 ; sys_platform == "linux"\n'


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("# python: 3.11\nipykernel\n", 2, "'ipykernel' is no exact pin"),
        ("# python: 3.11\nipykernel>=7\n", 2, "'ipykernel>=7' is no exact pin"),
        ("# python: 3.11\nipykernel==7.*\n", 2, "'ipykernel==7.*' is no exact pin"),
        ("# python: 3.11\nipykernel==latest\n", 2, "'ipykernel==latest' is no exact pin"),
        ("# python: 3.11\nipykernel==7\n-e .\n", 3, "'-e .' is no exact pin"),
        ("# python: 3.11\nipykernel==7\n--index-url https://u:secret@host/\n", 3, "'--index-url https://***@host/' is no exact pin"),
        ("# python: 3.11\nipykernel==7\nipyKernel==8\n", 3, "ipykernel is pinned twice"),
        ("ipykernel==7\n", 1, "the lock does not say which Python it is for"),
        ("# python: newest\nipykernel==7\n", 1, "the lock does not say which Python it is for"),
        ("# python: 3.11\n", 1, "the lock has no ipykernel, which runs the cells"),
        ("# python: 3.11\n# import: os;x\nipykernel==7\n", 1, "'os;x' is no module that can be imported"),
    ],
)  # fmt: skip
def test_slips_in_a_lock(tmp_path: Path, text: str, line: int, message: str) -> None:
    read, messages = lock(tmp_path, text)
    assert read is None
    assert (messages[0].code, messages[0].message, messages[0].tab) == (Code.ENVIRONMENT, message, "x")
    assert messages[0].span.path == "environments/x.txt" and messages[0].span.line == line


def test_a_missing_lock(tmp_path: Path) -> None:
    read, (message,) = read_lock(tmp_path / "jax.txt", "environments/jax.txt")
    assert read is None and "cannot read the lock environments/jax.txt: No such file" in message.message


def test_an_environment_is_made_once_and_found_again(small: Environment, small_lock: Lock, cache: Path) -> None:
    told: list[str] = []
    assert make(small_lock, cache / "environments", told.append) == small
    assert told == []
    assert small.folder.name == f"small-{small_lock.digest[:12]}"


def fake_uv(folder: Path, body: str) -> dict[str, str]:
    uv = folder / "uv"
    uv.write_text(f"#!/bin/sh\n{body}\n")
    uv.chmod(uv.stat().st_mode | stat.S_IXUSR)
    return {"PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(folder)}


@pytest.fixture
def only_fake_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_find_uv", lambda variables: str(Path(variables["PATH"].split(":")[0], "uv")))


FAKE_PYTHON = "#!/bin/sh\\nexit 0\\n"
MAKES = f"""if [ "$1" = venv ]; then for last; do :; done; mkdir -p "$last/bin"; printf '{FAKE_PYTHON}' > "$last/bin/python"
chmod +x "$last/bin/python"; else echo installed >> "$HOME/log"; fi"""


@pytest.mark.usefixtures("only_fake_uv")
def test_a_failed_installation_leaves_nothing_and_no_secret(tmp_path: Path, small_lock: Lock) -> None:
    variables = fake_uv(
        tmp_path, f'if [ "$1" = pip ]; then echo "error: https://me:secret@host/ says no" >&2; exit 2; fi; {MAKES}'
    )
    told: list[str] = []
    failed = make(small_lock, tmp_path / "home", told.append, variables=variables)
    assert isinstance(failed, EnvironmentFailure)
    assert failed.detail == ("error: https://***@host/ says no",)
    assert told == [f"making the environment of small: installing {len(small_lock.packages)} packages"]
    assert not folder_of(small_lock, tmp_path / "home").exists()
    assert failed.diagnostic().code is Code.ENVIRONMENT and failed.failure().reason == "environment"


@pytest.mark.usefixtures("only_fake_uv")
def test_a_python_that_is_not_to_be_had(tmp_path: Path, small_lock: Lock) -> None:
    variables = fake_uv(tmp_path, "echo 'error: No interpreter found for Python 3.11'; exit 2")
    failed = make(small_lock, tmp_path / "home", variables=variables)
    assert (
        isinstance(failed, EnvironmentFailure)
        and "Python 3.11" in failed.reason
        and "No interpreter" in failed.detail[0]
    )


@pytest.mark.usefixtures("only_fake_uv")
def test_half_made_environments_are_made_again(tmp_path: Path, small_lock: Lock) -> None:
    variables = fake_uv(tmp_path, MAKES)
    home = tmp_path / "home"
    leftover = folder_of(small_lock, home) / "bin" / "leftover"
    leftover.parent.mkdir(parents=True)
    leftover.touch()
    made = make(small_lock, home, variables=variables)
    assert isinstance(made, Environment) and not leftover.exists()
    made.python.unlink()  # the machine's Python was removed
    assert existing(small_lock, home) is None
    assert isinstance(make(small_lock, home, variables=variables), Environment)
    marker = made.folder / environment.MARKER
    marker.write_text(json.dumps({"digest": "another", "checked": True}))
    assert existing(small_lock, home) is None


@pytest.mark.usefixtures("only_fake_uv")
def test_a_missing_system_library_is_named_and_not_installed_anew(tmp_path: Path, small_lock: Lock) -> None:
    home = tmp_path / "home"
    failing = MAKES.replace("exit 0", 'echo "OSError: libgomp.so.1: cannot open shared object file"; exit 1')
    failed = make(small_lock, home, variables=fake_uv(tmp_path, failing))
    assert isinstance(failed, EnvironmentFailure) and "libgomp1" in failed.hint
    python = folder_of(small_lock, home) / "bin" / "python"
    python.write_text("#!/bin/sh\nexit 0\n")
    assert isinstance(make(small_lock, home, variables=fake_uv(tmp_path, MAKES)), Environment)
    assert (tmp_path / "log").read_text() == "installed\n"


@pytest.mark.usefixtures("only_fake_uv")
def test_two_builds_make_one_environment(tmp_path: Path, small_lock: Lock) -> None:
    variables = fake_uv(tmp_path, f"sleep 0.3; {MAKES}")
    made: list[object] = []
    told: list[str] = []
    threads = [
        threading.Thread(
            target=lambda: made.append(make(small_lock, tmp_path / "home", told.append, variables=variables))
        )
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(str, made))) == 1 and isinstance(made[0], Environment)
    assert (tmp_path / "log").read_text() == "installed\n"
    assert sum("another build" in line for line in told) == 2


@pytest.mark.usefixtures("only_fake_uv")
def test_stopping_ends_the_installer(tmp_path: Path, small_lock: Lock) -> None:
    variables = fake_uv(tmp_path, "sleep 60")
    stop = Stop()
    threading.Timer(0.3, stop.set).start()
    with pytest.raises(StoppedError):
        make(small_lock, tmp_path / "home", stop=stop, variables=variables)
    with pytest.raises(StoppedError):
        make(small_lock, tmp_path / "home", stop=stop, variables=variables)


def test_a_home_that_cannot_be_written(tmp_path: Path, small_lock: Lock) -> None:
    (tmp_path / "home").write_text("")
    failed = make(small_lock, tmp_path / "home")
    assert isinstance(failed, EnvironmentFailure) and "OCTAVO_CACHE" in failed.hint


@pytest.mark.usefixtures("only_fake_uv")
def test_where_the_users_cache_cannot_be_written_uv_uses_ours(tmp_path: Path, small_lock: Lock) -> None:
    variables = fake_uv(tmp_path, f'echo "$UV_CACHE_DIR" >> "{tmp_path}/caches"; {MAKES}')
    (tmp_path / ".cache").write_text("a file where a folder should be")
    assert isinstance(make(small_lock, tmp_path / "home", variables=variables), Environment)
    assert set((tmp_path / "caches").read_text().split()) == {str(tmp_path / "home" / ".uv")}


def test_the_cache_is_where_the_user_says(tmp_path: Path) -> None:
    assert cache_home({"OCTAVO_CACHE": "~nobody-of-that-name/x"}) == Path.cwd() / "~nobody-of-that-name/x"
    assert cache_home({"OCTAVO_CACHE": str(tmp_path)}) == tmp_path
    assert cache_home({}).name == "octavo"


def test_pips_settings_in_uvs_words(tmp_path: Path) -> None:
    config = tmp_path / "pip.conf"
    config.write_text(
        "[global]\nindex-url = https://i/simple\nextra-index-url =\n  https://a\n  https://b\nfind-links = /x\ncert = /c.pem\n[install]\nfind-links = /w1 /w2\n"
    )
    variables = {"PIP_CONFIG_FILE": str(config), "HOME": str(tmp_path), "PIP_DEFAULT_TIMEOUT": "180"}
    assert pip_settings(variables)["find-links"] == "/w1 /w2"
    found = uv_variables(variables)
    assert found["UV_DEFAULT_INDEX"] == "https://i/simple"
    assert found["UV_EXTRA_INDEX_URL"] == "https://a https://b"
    assert found["UV_INDEX_STRATEGY"] == "unsafe-best-match"
    assert found["UV_FIND_LINKS"] == "/w1,/w2"
    assert found["SSL_CERT_FILE"] == "/c.pem"
    assert found["UV_HTTP_TIMEOUT"] == "180"
    assert uv_variables({**variables, "PIP_FIND_LINKS": "/other"})["UV_FIND_LINKS"] == "/other"


def test_uvs_own_settings_win(tmp_path: Path) -> None:
    variables = {
        "PIP_CONFIG_FILE": os.devnull,
        "HOME": str(tmp_path),
        "PIP_INDEX_URL": "https://i",
        "PIP_FIND_LINKS": "/w",
    }
    assert uv_variables({**variables, "UV_FIND_LINKS": "/mine"})["UV_FIND_LINKS"] == "/mine"
    assert "UV_DEFAULT_INDEX" not in uv_variables({**variables, "UV_INDEX": "https://mine"})
    (tmp_path / ".config" / "uv").mkdir(parents=True)
    (tmp_path / ".config" / "uv" / "uv.toml").write_text(
        '[[index]]\nurl = "https://mine"\n[pip]\nfind-links = ["/mine"]\n'
    )
    assert not {"UV_DEFAULT_INDEX", "UV_FIND_LINKS"} & uv_variables(variables).keys()


def test_kernels_get_settings_that_repeat_and_the_users_secrets(tmp_path: Path) -> None:
    base = {
        "TOKEN": "s",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": "/x",
        "OMP_NUM_THREADS": "64",
        "MPLBACKEND": "Agg",
        "PATH": "/bin",
        "PYTEST_CURRENT_TEST": "t",
    }
    found = kernel_variables(base, environment=tmp_path / "e", private=tmp_path / "p", library=tmp_path / "book")
    assert found["TOKEN"] == "s"
    assert found["PYTHONDONTWRITEBYTECODE"] == ""
    assert found["PYTHONPATH"] == str(tmp_path / "book")
    assert found["OMP_NUM_THREADS"] == "1"
    assert found["MPLBACKEND"] != "Agg"
    assert found["PATH"].startswith(str(tmp_path / "e" / "bin"))
    assert "PYTEST_CURRENT_TEST" not in found
