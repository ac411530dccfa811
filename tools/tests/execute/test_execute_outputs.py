from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.execute.kernels import outputs as outputs_module
from octavo.execute.kernels.outputs import LONGEST_TEXT, clean, clean_bundle, clean_text, without_middles
from octavo.model import Output

PLACES = (("/home/u/env/lib/python3.11/site-packages/", ""), ("/home/u/book/_build/x", "."), ("/home/u", "~"))


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("plain\n", "plain\n"),
        ("\x1b[31mred\x1b[0m and \x1b]8;;http://x\x07link\x1b]8;;\x07", "red and link"),
        ("\r 10%\r 50%\r100%\ndone", "100%\ndone"),
        ("50%\r100%\r\nnext\r\r\n", "100%\nnext\n"),
        ("100%\r", "100%"),
        ("ab\b\bxy\n\bz", "xy\nz"),
        ("bell\x07 null\x00 tab\t", "bell null tab\t"),
        ("<f at 0x7f12ab34cd56>, mask 0x7f12ab34cd56", "<f at 0x…>, mask 0x7f12ab34cd56"),
        ("at 0xff", "at 0xff"),
        ("/tmp/ipykernel_81/123.py:1: UserWarning: x", "<cell>:1: UserWarning: x"),
        ('File "/tmp/ipykernel_81/123.py", line 3', 'File "<cell>", line 3'),
        ("/home/u/env/lib/python3.11/site-packages/jax/a.py:1: x", "jax/a.py:1: x"),
        ("/home/u/book/_build/x/data.csv /home/u/file", "./data.csv ~/file"),
        ("lone \ud800 half", "lone ? half"),
    ],
)  # fmt: skip
def test_text(sent: str, kept: str) -> None:
    assert clean_text(sent, PLACES) == kept


def test_very_long_text_is_cut_and_says_so() -> None:
    assert clean_text("x" * (LONGEST_TEXT + 5)).endswith("\n… and 5 more characters\n")


@given(st.text())
def test_cleaning_again_changes_nothing(text: str) -> None:
    once = clean_text(text)
    assert clean_text(once) == once
    once.encode("utf-8")


def stream(text: str, name: str = "stdout") -> dict:
    return {"output_type": "stream", "name": name, "text": text}


def test_streams_merge_between_displays_and_chance_does_not_order_them() -> None:
    show = {"output_type": "display_data", "data": {"text/plain": "fig"}}
    one = clean([stream("a"), stream("E", "stderr"), stream("b\n"), show, stream("c")])
    two = clean([stream("E", "stderr"), stream("ab\n"), show, stream("c")])
    assert one == two == (
        Output("stream", "stdout", "ab\n"),
        Output("stream", "stderr", "E"),
        Output("display", data={"text/plain": "fig"}),
        Output("stream", "stdout", "c"),
    )  # fmt: skip


def test_a_bundle_keeps_known_types_only() -> None:
    png = base64.b64encode(b"picture").decode()
    bundle = {
        "application/vnd.widget": {},
        "text/html": ["<b>", "x"],
        "application/json": {"b": 1, "a": "é"},
        "image/png": png[:4] + "\n" + png[4:],
    }
    assert clean_bundle(bundle) == {
        "text/html": "<b>x",
        "application/json": '{\n "a": "é",\n "b": 1\n}',
        "image/png": png,
    }
    assert clean_bundle({"image/png": "no base64!"}) == {}
    assert clean([{"output_type": "display_data", "data": {"x/y": "1"}}]) == ()


def test_an_error_that_did_not_end_the_cell_stays() -> None:
    sent = {"output_type": "error", "ename": "E", "evalue": "m", "traceback": ["\x1b[31mone\n", "two"]}
    assert clean([sent]) == (Output("error", "E", "m", traceback=("one", "", "two")),)


@given(st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), st.text(min_size=1)), max_size=12), st.integers(0, 12))
def test_the_middle_of_a_flood_goes_wherever_its_messages_began(parts: list[tuple[str, str]], now: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outputs_module, "_KEPT_AT_START", 6)
        patch.setattr(outputs_module, "_KEPT_AT_END", 3)
        sent = [stream(text, name) for name, text in parts]
        at_the_end = clean(without_middles(sent))
        assert clean(without_middles([*without_middles(sent[:now]), *sent[now:]])) == at_the_end
        for name in ("stdout", "stderr"):
            whole = "".join(text for kind, text in parts if kind == name)
            kept = "".join(str(o["text"]) for o in without_middles(sent) if o["name"] == name)
            assert kept == (whole if len(whole) <= 9 else whole[:6] + whole[-3:])
