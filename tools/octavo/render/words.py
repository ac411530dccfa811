"""The few words that octavo itself puts on a page, in the language of the book.

Sphinx and its theme bring their own. What an author sees rather than a reader (failed cells) stays English.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Words:
    """What readers are told; braces stand for frameworks and numbers."""

    framework: str = "Framework"
    """Label of the choice, and of each row of tabs."""
    part_lacks: str = "This part has no {missing} version; shown: {shown}."
    page_lacks: str = "This page has no {missing} version; shown: {shown}."
    absent: str = "not on this page"
    """Stands in brackets behind a framework in the choice."""
    not_executed: str = "Not executed."
    chapter: str = "Chapter {number}"
    """A reference to a whole chapter."""
    contents: str = "Contents of the book"
    """Name of the sidebar, for screen readers."""
    on_page: str = "On this page"
    """Name of the list of a page's sections."""
    links: str = "Links"
    picture: str = "Picture drawn by the code above"
    """Description of a picture about which nothing is known."""
    plot: str = "Plot"
    """Begins the description of a drawing."""
    page_only: str = "This page is for {shown} only."
    """In a website of some frameworks, at the top of a page that has none of them."""
    numbered: tuple[str, str, str] | None = None
    """How figures, tables and sections are named with their number, where Sphinx's own words will not do."""


ENGLISH = Words(numbered=("Figure %s", "Table %s", "Section %s"))

_WORDS = {
    "en": ENGLISH,
    "de": Words(
        "Framework",
        "Für {missing} gibt es diesen Teil nicht; gezeigt wird {shown}.",
        "Für {missing} gibt es diese Seite nicht; gezeigt wird {shown}.",
        "nicht auf dieser Seite",
        "Nicht ausgeführt.",
        "Kapitel {number}",
        "Inhalt des Buches",
        "Auf dieser Seite",
        "Links",
        "Vom Code darüber gezeichnetes Bild",
        "Diagramm",
        "Diese Seite gibt es nur für {shown}.",
    ),
    "zh": Words(
        "框架",
        "此部分没有 {missing} 版本；显示的是 {shown}。",
        "本页没有 {missing} 版本；显示的是 {shown}。",
        "本页没有",
        "未执行。",
        "第 {number} 章",
        "全书目录",
        "本页目录",
        "链接",
        "由上面的代码绘制的图片",
        "图表",
        "本页仅适用于 {shown}。",
    ),
    "zh_tw": Words(
        "框架",
        "此部分沒有 {missing} 版本；顯示的是 {shown}。",
        "本頁沒有 {missing} 版本；顯示的是 {shown}。",
        "本頁沒有",
        "尚未執行。",
        "第 {number} 章",
        "全書目錄",
        "本頁目錄",
        "連結",
        "由上面的程式碼繪製的圖片",
        "圖表",
        "本頁僅適用於 {shown}。",
    ),
    "ja": Words(
        "フレームワーク",
        "この部分に {missing} 版はありません。{shown} 版を表示しています。",
        "このページに {missing} 版はありません。{shown} 版を表示しています。",
        "このページにはありません",
        "未実行です。",
        "第{number}章",
        "本の目次",
        "このページの内容",
        "リンク",
        "上のコードが描いた画像",
        "グラフ",
        "このページは {shown} 専用です。",
    ),
    "ko": Words(
        "프레임워크",
        "이 부분은 {missing} 버전이 없어 {shown} 버전을 표시합니다.",
        "이 페이지는 {missing} 버전이 없어 {shown} 버전을 표시합니다.",
        "이 페이지에 없음",
        "실행되지 않았습니다.",
        "{number}장",
        "책의 목차",
        "이 페이지의 내용",
        "링크",
        "위 코드가 그린 그림",
        "그래프",
        "이 페이지는 {shown} 전용입니다.",
    ),
    "vi": Words(
        "Framework",
        "Phần này không có bản {missing}; đang hiển thị: {shown}.",
        "Trang này không có bản {missing}; đang hiển thị: {shown}.",
        "không có trên trang này",
        "Chưa được chạy.",
        "Chương {number}",
        "Mục lục sách",
        "Trên trang này",
        "Liên kết",
        "Hình do đoạn mã phía trên vẽ",
        "Đồ thị",
        "Trang này chỉ dành cho {shown}.",
        ("Hình %s", "Bảng %s", "Mục %s"),
    ),
}

_LOCALES = {"zh": "zh_CN", "zh_hans": "zh_CN", "zh_hant": "zh_TW"}
"""Languages that Sphinx knows by their country only."""


def words(language: str) -> Words:
    """The words of a language such as ``de`` or ``zh_TW``; English for those that nobody has translated."""
    name = locale_name(language).lower()
    return _WORDS.get(name) or _WORDS.get(name.partition("_")[0]) or Words()


def numbered(language: str) -> tuple[str, str, str]:
    """How the website names figures, tables and sections: octavo's words, or else those of Sphinx."""
    own = words(language).numbered
    if own is not None:
        return own
    import gettext

    import sphinx

    folder = Path(sphinx.__file__).parent / "locale"
    names = gettext.translation("sphinx", folder, [locale_name(language)], fallback=True)
    return names.gettext("Fig. %s"), names.gettext("Table %s"), names.gettext("Section %s")


def locale_name(language: str) -> str:
    """How Sphinx calls a language: ``pt-br`` → ``pt_BR``, ``zh`` → ``zh_CN``."""
    name = _normal(language)
    return _LOCALES.get(name.lower(), name)


def _normal(language: str) -> str:
    first, _, country = language.strip().replace("-", "_").partition("_")
    return f"{first.lower()}_{country.upper() if len(country) == 2 else country}" if country else first.lower()
