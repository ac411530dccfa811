"""What ``config.ini`` says of the website alone: where it is published, and what its pages offer besides the text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Website:
    """The website's own settings. All of it is shown on every page, so that a change writes every page again."""

    base_url: str = ""
    """Address at which the website is published, ending in a slash; empty where nobody knows it."""
