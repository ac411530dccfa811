"""One book, and everything that a command can do with it."""

from __future__ import annotations

from functools import cached_property

from octavo.build.basis import Basis
from octavo.build.bundles import Bundles
from octavo.build.copies import Copies
from octavo.build.covers import Covers
from octavo.build.definitions import Definitions
from octavo.build.desk import Desk
from octavo.build.doctor import Doctor
from octavo.build.editing import Editing
from octavo.build.environments import Environments
from octavo.build.execution import Execution
from octavo.build.freshness import Freshness
from octavo.build.hosted import Hosted
from octavo.build.libraries import Libraries
from octavo.build.locks import Locks
from octavo.build.machines import Machines
from octavo.build.modules import Modules
from octavo.build.notebooks import Notebooks
from octavo.build.outside import Outside
from octavo.build.plan import Plan
from octavo.build.preview import Preview
from octavo.build.reports import Reports
from octavo.build.shown import Shown
from octavo.build.site import Site
from octavo.build.slides import Slides
from octavo.build.syncing import Syncing
from octavo.build.upkeep import Upkeep
from octavo.build.watched import Watched
from octavo.build.wheels import Wheels


class Workshop(Desk):
    """A desk with everything around it: each part is given the desk and the parts that it leans on, and no others."""

    def check(self) -> None:
        """Look at everything that can be looked at without executing or rendering."""
        for found in (self.editions, self.libraries.harvested, self.plan.declared):
            assert found is not None  # each reports what is wrong when it is first asked for
        if self.has_settings and (self.folder / self.settings.environments).is_dir():
            assert self.environments.every_lock is not None  # a book that nobody executes with octavo has none

    def remember(self) -> None:
        """Keep what was found out for the next command, at the end of this one."""
        super().remember()
        self.watched.save()

    # -- what decides results

    @cached_property
    def libraries(self) -> Libraries:
        """The modules that are harvested from the pages."""
        return Libraries(self)

    @cached_property
    def definitions(self) -> Definitions:
        """What results depend on of them."""
        return Definitions(self, self.libraries)

    @cached_property
    def outside(self) -> Outside:
        """Files and variables beside the pages."""
        return Outside(self)

    @cached_property
    def locks(self) -> Locks:
        """The frameworks' locks."""
        return Locks(self, self.outside)

    @cached_property
    def modules(self) -> Modules:
        """The book's own modules."""
        return Modules(self, self.outside)

    @cached_property
    def plan(self) -> Plan:
        """What is meant to be executed."""
        return Plan(self, self.definitions, self.outside, self.locks, self.modules)

    @cached_property
    def watched(self) -> Watched:
        """What the next command has to look at."""
        return Watched(self, self.outside, self.locks, self.modules, self.plan)

    # -- results

    @cached_property
    def freshness(self) -> Freshness:
        """How each result stands."""
        return Freshness(self, self.definitions, self.plan)

    @cached_property
    def machines(self) -> Machines:
        """Other machines, and what they execute."""
        return Machines(self, self.plan, self.modules)

    @cached_property
    def execution(self) -> Execution:
        """Executing pages."""
        return Execution(self, self.libraries, self.locks, self.plan, self.freshness, self.machines)

    @cached_property
    def reports(self) -> Reports:
        """What was executed, for other programs."""
        return Reports(self, self.plan, self.freshness, self.execution)

    # -- products

    @cached_property
    def copies(self) -> Copies:
        """What readers take from the website."""
        return Copies(self)

    @cached_property
    def basis(self) -> Basis:
        """What products depend on."""
        return Basis(self, self.outside, self.plan, self.watched)

    @cached_property
    def shown(self) -> Shown:
        """The results that products show."""
        return Shown(self, self.plan, self.freshness, self.execution)

    @cached_property
    def site(self) -> Site:
        """The website."""
        return Site(self, self.definitions, self.basis, self.plan, self.freshness, self.shown, self.copies)

    @cached_property
    def covers(self) -> Covers:
        """The book from cover to cover: PDF and EPUB."""
        return Covers(self, self.definitions, self.basis, self.plan, self.freshness, self.shown)

    @cached_property
    def preview(self) -> Preview:
        """The website while somebody writes."""
        return Preview(self, self.plan, self.freshness, self.execution, self.site)

    @cached_property
    def notebooks(self) -> Notebooks:
        """The notebooks."""
        return Notebooks(self, self.shown)

    @cached_property
    def wheels(self) -> Wheels:
        """The library as others install it."""
        return Wheels(self, self.libraries, self.locks, self.modules)

    @cached_property
    def bundles(self) -> Bundles:
        """Notebooks to take home."""
        return Bundles(self, self.shown, self.wheels)

    @cached_property
    def slides(self) -> Slides:
        """The slides."""
        return Slides(self, self.shown)

    @cached_property
    def hosted(self) -> Hosted:
        """Notebooks for hosts."""
        return Hosted(self, self.libraries, self.plan, self.locks, self.shown, self.wheels)

    @cached_property
    def editing(self) -> Editing:
        """Pages edited as notebooks."""
        return Editing(self, self.libraries, self.plan, self.locks)

    @cached_property
    def syncing(self) -> Syncing:
        """Notebooks that somebody edited elsewhere, brought back."""
        return Syncing(self)

    # -- upkeep

    @cached_property
    def environments(self) -> Environments:
        """The frameworks' environments."""
        return Environments(self, self.plan, self.locks)

    @cached_property
    def doctor(self) -> Doctor:
        """What the book needs of the machine."""
        return Doctor(self)

    @cached_property
    def upkeep(self) -> Upkeep:
        """Removing what was made."""
        return Upkeep(self, self.plan, self.locks)
