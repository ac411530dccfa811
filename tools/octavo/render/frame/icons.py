"""A few small drawings for links, so that no font of icons has to be fetched from anywhere.

Old books name icons by classes of FontAwesome. Each class that a book is likely to have stands for one of the drawings
here; a link with any other class has the drawing of a link. All are strokes on a square
of 24, in the colour of the text.
"""

from __future__ import annotations

import re

_DRAWINGS = {
    "book": "M12 6.5C10 5 7 4.5 3 5v13c4-.5 7 0 9 1.5 2-1.5 5-2 9-1.5V5c-4-.5-7 0-9 1.5zm0 0v13",
    "branch": "M7 4v10m0 6a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM17 10a3 3 0 1 0 0-6 3 3 0 0 0 0 6zm0 0c0 4-5 3-8 5.5",
    "cap": "M2 9.5 12 5l10 4.5L12 14zM6 11.5V16c3.5 3 8.5 3 12 0v-4.5M22 9.5V15",
    "chat": "M4 5h16v11H11l-5 4v-4H4zM8 9.5h8M8 12.5h5",
    "code": "M8 7l-5 5 5 5M16 7l5 5-5 5M14 5l-4 14",
    "download": "M12 4v11m-5-4.5 5 5 5-5M4 20h16",
    "file": "M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h6",
    "globe": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM3 12h18M12 3c5 6 5 12 0 18M12 3c-5 6-5 12 0 18",
    "home": "M3 11.5 12 4l9 7.5M6 9.5V20h12V9.5",
    "info": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 11v6M12 7.2v.3",
    "link": "M10 5H5v14h14v-5M14 4h6v6M20 4l-9 9",
    "mail": "M3 6h18v12H3zm0 .5 9 7 9-7",
    "notebook": "M6 3h13v18H6zM9.5 3v18M4 7.5h3M4 12h3M4 16.5h3",
    "people": "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c0-8 13-8 13 0"
    "M16 4.5a3.5 3.5 0 0 1 0 6.5M18 14.5c2.5 1 3.5 3 3.5 5.5",
    "play": "M3 5h18v14H3zM10 9l5 3-5 3z",
    "question": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM9.5 9.5c0-3.5 5-3.5 5 0 0 2-2.5 2-2.5 4.5M12 16.7v.3",
    "rocket": "M9 15c0-6 4-11 11-11 0 7-5 11-11 11zm0 0-3-3 3-4M9 15l3 3 4-3M6.5 15.5C5 16 4 18 4 20c2 0 4-1 4.5-2.5",
    "star": "M12 3.5l2.6 5.5 6 .7-4.4 4.1 1.2 6-5.4-3-5.4 3 1.2-6L3.4 9.7l6-.7z",
}  # fmt: skip

_CLASSES = (
    ("branch", r"github|gitlab|git-alt|git|code-branch|bitbucket"),
    ("notebook", r"python|jupyter|notebook|r-project|laptop-code"),
    ("cap", r"user-graduate|graduation-cap|school|university|chalkboard[\w-]*|award"),
    ("globe", r"globe[\w-]*|language|earth[\w-]*"),
    ("chat", r"comments?|discourse|slack|discord|weixin|telegram|forumbee|gitter"),
    ("play", r"youtube|video|play[\w-]*|film|bilibili|tv|slideshare"),
    ("download", r"download|cloud-download-alt|file-download|file-archive|arrow-down"),
    ("file", r"file[\w-]*|newspaper|scroll"),
    ("book", r"book[\w-]*|amazon|readme"),
    ("mail", r"envelope[\w-]*|at|paper-plane"),
    ("people", r"users?[\w-]*|people[\w-]*|handshake"),
    ("home", r"home|house"),
    ("question", r"question[\w-]*|life-ring"),
    ("info", r"info[\w-]*"),
    ("star", r"star|heart"),
    ("rocket", r"rocket|bolt"),
    ("code", r"code|terminal"),
    ("link", r"external-link[\w-]*|link|arrow-up-right-from-square"),
)


def icon(classes: str) -> str:
    """The SVG for FontAwesome's classes, such as ``fab fa-github``; empty for a link without any."""
    if not classes.strip():
        return ""
    names = re.findall(r"fa-([\w-]+)", classes) or classes.split()
    for drawing, pattern in _CLASSES:
        if any(name == drawing or re.fullmatch(pattern, name) for name in names):
            return _svg(drawing)
    return _svg("link")


def _svg(drawing: str) -> str:
    return (
        '<svg class="ov-icon" viewBox="0 0 24 24" width="18" height="18" fill="none" stroke="currentColor" '
        f'stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">'
        f'<path d="{_DRAWINGS[drawing]}"/></svg>'
    )
