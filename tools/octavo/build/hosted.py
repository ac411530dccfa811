"""Notebooks for hosts: Colab, SageMaker, Kaggle and Binder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from octavo import config
from octavo.build.copies import LIBRARY
from octavo.build.desk import Desk
from octavo.build.folders import Made, bring_up_to_date
from octavo.build.libraries import Libraries
from octavo.build.locks import Locks
from octavo.build.notebooks import phrases
from octavo.build.plan import Plan
from octavo.build.shown import Shown
from octavo.build.wheels import Wheels
from octavo.diagnostics import Code, warning
from octavo.model import Span
from octavo.website import SERVICES, in_repository

if TYPE_CHECKING:
    from octavo.progress import Progress
    from octavo.publish.hosted.editions import Host, Tree
    from octavo.publish.hosted.install import Library, Means

HOSTS = tuple(SERVICES)
"""The products that this part makes, called as the hosts are in the settings."""


@dataclass(eq=False)
class Hosted:
    """Book, editions, shown runs, locks and wheel → ``HOST/TAB``, a folder that can be pushed as it is."""

    desk: Desk
    libraries: Libraries
    plan: Plan
    locks: Locks
    shown: Shown
    wheels: Wheels

    def build(self, name: str, progress: Progress, tabs: Sequence[str] = ()) -> Path | None:
        """Bring one host's notebooks of these frameworks (all, if none are named) up to date; returns their folder."""
        if not self.desk.book.pages:
            return None
        chosen = self.desk.chosen(tabs)
        progress.stage(f"writing the notebooks of {', '.join(chosen)} for {SERVICES[name]}")
        self._report_unfit()
        made = self._made(self._host(name), chosen)
        return bring_up_to_date(self.desk, name, f"writing notebooks for {name}", made, progress)

    def _made(self, host: Host, tabs: Sequence[str]) -> Iterator[Made]:
        from octavo.publish.hosted.editions import trees

        desk = self.desk
        for tree in trees(
            host, desk.book, desk.settings, desk.editions, self.shown.runs(), tabs, phrases(desk.settings)
        ):
            self._report(host, tree)
            files = {**tree.files, **tree.notebooks} if tree.notebooks else {}
            yield Made(tree.tab, files, len(tree.notebooks), "notebook")

    def _report_unfit(self) -> None:
        from octavo.publish.hosted.install import unfit

        for document in self.desk.book.pages:
            for text, line in unfit(document) if "required_libs" in document.text else ():
                message = f"required_libs: {text!r} is nothing that pip installs; it is left out"
                place = Span(document.path, line, line)
                self.desk.diagnostics.add(warning(Code.DECLARATION, message, place, hint='such as "gym==0.21.0"'))

    def _report(self, host: Host, tree: Tree) -> None:
        if tree.lost:
            from octavo.publish.hosted.pictures import CONVERTER

            self.desk.diagnostics.add(
                warning(
                    Code.MISSING_TOOL,
                    f"{SERVICES[host.name]} shows no drawing that is in a notebook, such as {tree.lost[0]}",
                    hint=f"set [html] base_url, or install {CONVERTER}, which turns drawings into pixels",
                    tab=tree.tab,
                )
            )

    # -- how notebooks come by what they need

    def _host(self, name: str) -> Host:
        from octavo.publish.hosted.editions import Host
        from octavo.render.frame.actions import picture_address
        from octavo.render.words import words

        settings = self.desk.settings
        base = settings.website.base_url
        return Host(
            name,
            settings.hosted.service(name),
            words(settings.language).install_first,
            {tab: self._means(name, tab) for tab in settings.tabs},
            self._pins,
            lambda path: f"{base}{picture_address(path)}" if base else "",
            frozenset(pair for pair, declared in self.plan.declared.items() if declared.needs.gpus[1] > 0),
            {tab: self._beside(name, tab) for tab in settings.tabs},
        )

    def _pins(self, page: str, tab: str) -> str:
        """The lock that a page runs with, a package a line; empty where there is none."""
        declared = self.plan.declared.get((page, tab))
        name = (declared.needs.environment if declared is not None else "") or tab
        if name == tab:
            lock = self.wheels.known_locks.get(tab)
            return lock.requirements if lock is not None else ""
        from octavo.execute.environments.environment import EnvironmentFailure

        other = self.locks.named(name)
        return "" if isinstance(other, EnvironmentFailure) else other.requirements

    def _means(self, name: str, tab: str) -> Means:
        from octavo.publish.hosted.editions import project
        from octavo.publish.hosted.install import Means

        settings = self.desk.settings
        wanted = settings.hosted.service(name).wanted(tab)
        if self.wheels.distribution is not None and not project(settings):
            # nothing but the wheel can be installed from the notebooks' folder
            beside = (f"./{LIBRARY}/{self.wheels.wheel[0]}",)
            wanted = {module: beside if set(words) & {".", ".."} else words for module, words in wanted.items()}
        library = self._library(name, tab)
        return Means(self._release, wanted, library, settings.hosted.exact(tab), has_environment=name == "binder")

    @cached_property
    def _release(self) -> str:
        """The book's release as requirements have it: as it is written, if nothing in it means more to a notebook."""
        from octavo.config.hosted import words_of
        from octavo.publish.wheel import version_of

        release = self.desk.settings.release
        return release if words_of(release) == (release,) else version_of(release)[0]

    def _library(self, name: str, tab: str) -> Library | None:
        from octavo.publish.hosted.install import Library

        distribution = self.wheels.distribution
        if distribution is None:
            return None
        file, content = self.wheels.wheel
        others = {library.file for other, library in self.desk.settings.libraries.items() if other != tab}
        modules = [path for path in distribution.files if path.endswith(".py") and path not in others]
        texts = tuple(distribution.files[path].decode("utf-8", "replace") for path in modules)
        library = Library(frozenset(self._tops(distribution.tops)), texts, file)
        place = self._place(name, tab)
        return replace(library, requirement=place) if place else replace(library, content=content)

    @staticmethod
    def _tops(names: Sequence[str]) -> list[str]:
        return [name.removesuffix(".pyi").removesuffix(".py") for name in names]

    def _place(self, name: str, tab: str) -> str:
        """What pip is given for the library; empty where notebooks hold it themselves."""
        settings, file = self.desk.settings, self.wheels.wheel[0]
        base, repository = settings.website.base_url, settings.hosted.service(name).repository(tab)
        choice = settings.hosted.library
        beside = f"./{LIBRARY}/{file}"
        places = {
            "site": f"{base}{LIBRARY}/{file}" if base else "",
            "repository": f"{in_repository(name, repository)}{LIBRARY}/{file}" if repository else "",
            "notebook": "",
        }
        if choice == "auto":
            return beside if name in ("sagemaker", "binder") else places["site"] or places["repository"]
        if choice not in places:
            return choice.format(wheel=file, release=self._release, tab=tab)
        if choice != "notebook" and not places[choice]:
            lacks = "[html] base_url" if choice == "site" else f"[{name}] github_repo"
            message = f"library = {choice}, and nobody says where that is: notebooks hold the library themselves"
            place = config.place(settings, "hosted", "library", choice)
            self.desk.diagnostics.add(warning(Code.CONFIG_VALUE, message, place, hint=f"set {lacks}"))
        return places[choice]

    def _beside(self, name: str, tab: str) -> dict[str, bytes]:
        """Files that stand beside the notebooks: the wheel, and what Binder makes an environment from."""
        found = dict(self.wheels.licences())
        if self.wheels.distribution is not None:
            file, content = self.wheels.wheel
            found[f"{LIBRARY}/{file}"] = content
        return {**found, **self._environment(tab)} if name == "binder" else found

    def _environment(self, tab: str) -> dict[str, bytes]:
        """What Binder makes an environment from: the lock, or without one what pages import; and the wheel."""
        lock = self.wheels.known_locks.get(tab)
        lines = lock.requirements.splitlines() if lock is not None else list(self.wheels.required(tab))
        lines += [f"./{LIBRARY}/{self.wheels.wheel[0]}"] if self.wheels.distribution is not None else []
        found = {"binder/requirements.txt": "".join(f"{line}\n" for line in lines).encode()}
        return found | ({"binder/runtime.txt": f"python-{lock.python}\n".encode()} if lock is not None else {})
