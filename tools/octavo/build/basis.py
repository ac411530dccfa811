"""What a product that readers read depends on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from octavo.build.desk import Desk
from octavo.build.outside import Outside
from octavo.build.plan import Plan
from octavo.build.watched import Watched
from octavo.digests import digest, own_code


@dataclass(eq=False)
class Basis:
    """Source, settings and results of the book, as digests and files: for the receipts of products."""

    desk: Desk
    outside: Outside
    plan: Plan
    watched: Watched

    def facts(self, *further: object) -> str:
        """Digest of it all, and of what else a product depends on, besides results and files that rendering finds."""
        desk = self.desk
        results = desk.folder / desk.settings.outputs
        kept = sorted(path.relative_to(results).as_posix() for path in results.rglob("*"))
        places = (str(desk.folder), str(desk.output_folder))
        facts = (desk.settings, desk.sources, kept, further, self.outside.of_settings, self.watched.digests())
        return digest(own_code(), places, *facts)

    def result_files(self) -> Iterator[str]:
        """Files that hold results, or would."""
        results = self.desk.folder / self.desk.settings.outputs
        yield from (str(path) for path in results.rglob("*") if path.is_file())
        if self.desk.has_results:
            yield from (str(self.desk.results.local.path(planned.key)) for planned in self.plan.planned.values())
