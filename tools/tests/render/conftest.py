"""What tests of rendering share: templates that are compiled once for all mini-books, not anew for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from jinja2 import FileSystemBytecodeCache


@pytest.fixture(scope="session", autouse=True)
def compiled_templates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Half of the time that a mini-book takes goes into compiling the theme's templates, which a book keeps from build
    to build; here all books keep them in one place.
    """
    shared = FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("octavo.render.builder.FileSystemBytecodeCache", lambda _: shared)
        yield
