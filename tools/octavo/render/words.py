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
    more_lines: str = "{number} more lines"
    """The fold in a long output."""
    copy_code: str = "Copy code"
    code_copied: str = "Copied"
    api: str = "What the code of this book saves for {framework}, each name with the line that defines it."
    """At the top of a page about a library."""
    classes: str = "Classes"
    functions: str = "Functions"
    values: str = "Values"
    aliases: str = "Aliases"
    """Names that the settings give to what the framework has."""
    defined_in: str = "Defined in {page}"
    in_book: str = "in the book"
    """The link from a method to the line that defines it."""
    search: str = "Search"
    search_for: str = "Words or code"
    """What is expected in the empty line of the search."""
    search_found: str = "Results: {count}"
    search_none: str = "Nothing found for {query}."
    search_elsewhere: str = "In other frameworks: {count}"
    """Shows what the chosen framework's readers do not see."""
    search_all: str = "All frameworks"
    search_more: str = "More results"
    search_defines: str = "defines {names}"
    search_script: str = "The search needs JavaScript."
    search_failed: str = "The search cannot load its data."
    close: str = "Close"
    version: str = "Version"
    """Label of the book's other versions."""
    language: str = "Language"
    lost: str = "Page not found"
    """Heading of what readers see where there is no page."""
    lost_why: str = "The page may have moved, or this version of the book does not have it."
    to_front: str = "To the front page"
    next: str = "Next"
    previous: str = "Previous"
    home: str = "Home"
    """The front page, where it is the one before."""
    top: str = "Back to top"
    skip: str = "Skip to content"
    colours: str = "Colours: {mode}"
    """The button that changes between the three modes."""
    light: str = "light"
    dark: str = "dark"
    system: str = "as the system"
    pages: str = "Pages of “{title}”"
    """The switch that shows a chapter's pages in the sidebar."""
    theme: str = "Made with "
    """Before the name of the theme, below each page."""
    actions: str = "This page"
    """Name of what can be done with a page, for screen readers."""
    download: str = "Download"
    open_in: str = "Open in"
    source: str = "Source"
    notebook: str = "Notebook"
    notebooks: str = "All notebooks"
    view_source: str = "View source"
    edit_page: str = "Edit this page"
    markdown: str = "Markdown"
    copy_page: str = "Copy as Markdown"
    page_copied: str = "Copied."
    not_copied: str = "This could not be copied."
    discussion: str = "Discussion"
    show_talk: str = "Show here (loads {host})"


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
        more_lines="{number} weitere Zeilen",
        copy_code="Code kopieren",
        code_copied="Kopiert",
        version="Version",
        language="Sprache",
        lost="Seite nicht gefunden",
        lost_why="Vielleicht ist sie umgezogen, oder diese Fassung des Buches hat sie nicht.",
        to_front="Zur Startseite",
        next="Weiter",
        previous="Zurück",
        home="Startseite",
        top="Nach oben",
        skip="Zum Inhalt springen",
        colours="Farben: {mode}",
        light="hell",
        dark="dunkel",
        system="wie das System",
        pages="Seiten von „{title}“",
        theme="Gestaltung: ",
        search="Suche",
        search_for="Wörter oder Code",
        search_found="Treffer: {count}",
        search_none="Nichts gefunden zu {query}.",
        search_elsewhere="In anderen Frameworks: {count}",
        search_all="Alle Frameworks",
        search_more="Weitere Treffer",
        search_defines="definiert {names}",
        search_script="Die Suche braucht JavaScript.",
        search_failed="Die Suche kann ihre Daten nicht laden.",
        close="Schließen",
        api="Was der Code dieses Buches für {framework} aufhebt, jeder Name mit der Zeile, die ihn definiert.",
        classes="Klassen",
        functions="Funktionen",
        values="Werte",
        aliases="Kurznamen",
        defined_in="Definiert in {page}",
        in_book="im Buch",
        actions="Diese Seite",
        download="Herunterladen",
        open_in="Öffnen in",
        source="Quelle",
        notebook="Notebook",
        notebooks="Alle Notebooks",
        view_source="Quelltext ansehen",
        edit_page="Diese Seite bearbeiten",
        markdown="Markdown",
        copy_page="Als Markdown kopieren",
        page_copied="Kopiert.",
        not_copied="Kopieren war nicht möglich.",
        discussion="Diskussion",
        show_talk="Hier zeigen (lädt {host})",
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
        more_lines="其余 {number} 行",
        copy_code="复制代码",
        code_copied="已复制",
        version="版本",
        language="语言",
        lost="找不到页面",
        lost_why="该页面可能已移动，或本书的这个版本没有此页。",
        to_front="返回首页",
        next="下一页",
        previous="上一页",
        home="首页",
        top="回到顶部",
        skip="跳到正文",
        colours="颜色：{mode}",
        light="浅色",
        dark="深色",
        system="跟随系统",
        pages="“{title}”的各页",
        theme="主题：",
        search="搜索",
        search_for="词语或代码",
        search_found="结果：{count}",
        search_none="没有找到 {query}。",
        search_elsewhere="其他框架中：{count}",
        search_all="所有框架",
        search_more="更多结果",
        search_defines="定义 {names}",
        search_script="搜索需要 JavaScript。",
        search_failed="搜索无法加载数据。",
        close="关闭",
        api="本书代码为 {framework} 保存的内容，每个名称都附有定义它的位置。",
        classes="类",
        functions="函数",
        values="值",
        aliases="别名",
        defined_in="定义于 {page}",
        in_book="书中位置",
        actions="本页",
        download="下载",
        open_in="打开方式",
        source="源文件",
        notebook="笔记本",
        notebooks="全部笔记本",
        view_source="查看源文件",
        edit_page="编辑本页",
        markdown="Markdown",
        copy_page="复制为 Markdown",
        page_copied="已复制。",
        not_copied="无法复制。",
        discussion="讨论",
        show_talk="在此显示（加载 {host}）",
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
        more_lines="其餘 {number} 行",
        copy_code="複製程式碼",
        code_copied="已複製",
        version="版本",
        language="語言",
        lost="找不到頁面",
        lost_why="該頁面可能已移動，或本書的這個版本沒有此頁。",
        to_front="返回首頁",
        next="下一頁",
        previous="上一頁",
        home="首頁",
        top="回到頂端",
        skip="跳到正文",
        colours="顏色：{mode}",
        light="淺色",
        dark="深色",
        system="跟隨系統",
        pages="「{title}」的各頁",
        theme="佈景主題：",
        search="搜尋",
        search_for="詞語或程式碼",
        search_found="結果：{count}",
        search_none="找不到 {query}。",
        search_elsewhere="其他框架中：{count}",
        search_all="所有框架",
        search_more="更多結果",
        search_defines="定義 {names}",
        search_script="搜尋需要 JavaScript。",
        search_failed="搜尋無法載入資料。",
        close="關閉",
        api="本書程式碼為 {framework} 儲存的內容，每個名稱都附有定義它的位置。",
        classes="類別",
        functions="函式",
        values="值",
        aliases="別名",
        defined_in="定義於 {page}",
        in_book="書中位置",
        actions="本頁",
        download="下載",
        open_in="開啟方式",
        source="原始檔",
        notebook="筆記本",
        notebooks="全部筆記本",
        view_source="檢視原始檔",
        edit_page="編輯本頁",
        markdown="Markdown",
        copy_page="複製為 Markdown",
        page_copied="已複製。",
        not_copied="無法複製。",
        discussion="討論",
        show_talk="在此顯示（載入 {host}）",
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
        more_lines="残り {number} 行",
        copy_code="コードをコピー",
        code_copied="コピーしました",
        version="バージョン",
        language="言語",
        lost="ページが見つかりません",
        lost_why="ページが移動したか、この版の本には含まれていない可能性があります。",
        to_front="トップページへ",
        next="次へ",
        previous="前へ",
        home="トップページ",
        top="先頭へ戻る",
        skip="本文へ移動",
        colours="配色：{mode}",
        light="ライト",
        dark="ダーク",
        system="システムに合わせる",
        pages="「{title}」のページ",
        theme="テーマ：",
        search="検索",
        search_for="語句またはコード",
        search_found="結果：{count} 件",
        search_none="{query} は見つかりませんでした。",
        search_elsewhere="他のフレームワーク：{count} 件",
        search_all="すべてのフレームワーク",
        search_more="さらに表示",
        search_defines="{names} を定義",
        search_script="検索には JavaScript が必要です。",
        search_failed="検索データを読み込めません。",
        close="閉じる",
        api="この本のコードが {framework} 用に保存するものと、それぞれを定義する箇所です。",
        classes="クラス",
        functions="関数",
        values="値",
        aliases="別名",
        defined_in="定義：{page}",
        in_book="本の該当箇所",
        actions="このページ",
        download="ダウンロード",
        open_in="開く",
        source="ソース",
        notebook="ノートブック",
        notebooks="すべてのノートブック",
        view_source="ソースを見る",
        edit_page="このページを編集",
        markdown="Markdown",
        copy_page="Markdown としてコピー",
        page_copied="コピーしました。",
        not_copied="コピーできませんでした。",
        discussion="議論",
        show_talk="ここに表示（{host} を読み込みます）",
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
        more_lines="{number}줄 더 보기",
        copy_code="코드 복사",
        code_copied="복사했습니다",
        version="버전",
        language="언어",
        lost="페이지를 찾을 수 없습니다",
        lost_why="페이지가 옮겨졌거나 이 판의 책에는 없을 수 있습니다.",
        to_front="첫 페이지로",
        next="다음",
        previous="이전",
        home="첫 페이지",
        top="맨 위로",
        skip="본문으로 건너뛰기",
        colours="색상: {mode}",
        light="밝게",
        dark="어둡게",
        system="시스템 설정",
        pages="“{title}”의 페이지",
        theme="테마: ",
        search="검색",
        search_for="단어 또는 코드",
        search_found="결과: {count}개",
        search_none="{query}에 대한 결과가 없습니다.",
        search_elsewhere="다른 프레임워크: {count}개",
        search_all="모든 프레임워크",
        search_more="결과 더 보기",
        search_defines="{names} 정의",
        search_script="검색에는 JavaScript가 필요합니다.",
        search_failed="검색 데이터를 불러올 수 없습니다.",
        close="닫기",
        api="이 책의 코드가 {framework}용으로 저장하는 이름과 그것을 정의하는 위치입니다.",
        classes="클래스",
        functions="함수",
        values="값",
        aliases="별칭",
        defined_in="정의: {page}",
        in_book="책에서 보기",
        actions="이 페이지",
        download="내려받기",
        open_in="다음에서 열기",
        source="원본",
        notebook="노트북",
        notebooks="모든 노트북",
        view_source="원본 보기",
        edit_page="이 페이지 편집",
        markdown="Markdown",
        copy_page="Markdown으로 복사",
        page_copied="복사했습니다.",
        not_copied="복사할 수 없습니다.",
        discussion="토론",
        show_talk="여기에 표시 ({host} 불러오기)",
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
        more_lines="{number} dòng nữa",
        copy_code="Sao chép mã",
        code_copied="Đã sao chép",
        version="Phiên bản",
        language="Ngôn ngữ",
        lost="Không tìm thấy trang",
        lost_why="Trang có thể đã được chuyển đi, hoặc phiên bản này của sách không có trang đó.",
        to_front="Về trang đầu",
        next="Trang sau",
        previous="Trang trước",
        home="Trang đầu",
        top="Về đầu trang",
        skip="Đến nội dung chính",
        colours="Màu: {mode}",
        light="sáng",
        dark="tối",
        system="theo hệ thống",
        pages="Các trang của “{title}”",
        theme="Giao diện: ",
        search="Tìm kiếm",
        search_for="Từ hoặc mã",
        search_found="Kết quả: {count}",
        search_none="Không tìm thấy {query}.",
        search_elsewhere="Trong framework khác: {count}",
        search_all="Mọi framework",
        search_more="Thêm kết quả",
        search_defines="định nghĩa {names}",
        search_script="Tìm kiếm cần JavaScript.",
        search_failed="Không tải được dữ liệu tìm kiếm.",
        close="Đóng",
        api="Những gì mã của sách lưu lại cho {framework}, mỗi tên kèm theo dòng định nghĩa nó.",
        classes="Lớp",
        functions="Hàm",
        values="Giá trị",
        aliases="Bí danh",
        defined_in="Định nghĩa tại {page}",
        in_book="trong sách",
        actions="Trang này",
        download="Tải về",
        open_in="Mở trong",
        source="Nguồn",
        notebook="Notebook",
        notebooks="Tất cả notebook",
        view_source="Xem mã nguồn",
        edit_page="Sửa trang này",
        markdown="Markdown",
        copy_page="Sao chép dạng Markdown",
        page_copied="Đã sao chép.",
        not_copied="Không sao chép được.",
        discussion="Thảo luận",
        show_talk="Hiện tại đây (tải {host})",
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
