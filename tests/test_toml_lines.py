"""The lines of keys: tricky files by hand, and drawn files whose lines are known."""

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.toml_lines import Key, lines_of


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a=1\n\n# b = 2\n c = 3", {("a",): 1, ("c",): 4}),
        ("\r\na = 1\r\n\r\nb = 2\r\n", {("a",): 2, ("b",): 4}),
        ("a . 'b c'.\"d\" = 1", {("a", "b c", "d"): 1}),
        ('"#" = 1\n"\\u0041\\"=" = 2\n\'\\\' = 3\n"" = 4', {("#",): 1, ('A"=',): 2, ("\\",): 3, ("",): 4}),
        ('a = """x\n[b]\nc = 1 \\"""\n"""""\nd = 1', {("a",): 1, ("d",): 5}),
        (
            "a = '''x\n[b]\n'''''\nd = \"#\" # '''\ne = ''\nf=\"\"\"\"\"\"\ng=1",
            {("d",): 4, ("e",): 5, ("f",): 6, ("g",): 7},
        ),
        ('a = "\\"" # x\nb = "[\\\\"\nc = 1', {("a",): 1, ("b",): 2, ("c",): 3}),
        ("a = [ # ]\n 1, '''\n]''',\n[\n2\n]\n,]\nb = 1", {("a", 1): 2, ("a", 2): 4, ("a", 2, 0): 5, ("b",): 8}),
        ("a = {b = 1, c = {d = [\n2], 'e f' = 3}}\ng = 1", {("a", "c", "d", 0): 2, ("a", "c", "e f"): 2, ("g",): 3}),
        ("a = []\nb = {}\nc = [[],\n{}]", {("a",): 1, ("b",): 2, ("c", 0): 3, ("c", 1): 4}),
        ("a = 2026-01-01 06:00:00 # x\nb = 06:00:00\nc = +inf\nd = 1_0\ne = 1e-5", {("b",): 2, ("c",): 3, ("e",): 5}),
        ("[ a . b ] # x\nc = 1\n[a]\nd = 2", {("a",): 1, ("a", "b"): 1, ("a", "b", "c"): 2, ("a", "d"): 4}),
        (
            "[[a]]\nb=1\n[[a]]\nb=2\n[a.c]\nd=3\n[[a.e]]\n[[ a . 'e' ]]\nf=4\n[a.e.g]\n",
            {
                ("a", 0, "b"): 2,
                ("a", 1): 3,
                ("a", 1, "b"): 4,
                ("a", 1, "c", "d"): 6,
                ("a", 1, "e", 0): 7,
                ("a", 1, "e", 1, "f"): 9,
                ("a", 1, "e", 1, "g"): 10,
            },
        ),
    ],
)
def test_the_line_of_each_key(text: str, lines: dict[Key, int]) -> None:
    """Also where text, comments and lists hold what looks like TOML."""
    found = lines_of(text)
    assert set(_keys(tomllib.loads(text))) == set(found)
    assert {key: found[key] for key in lines} == lines


@pytest.mark.parametrize(
    "text", ["a", "a =", "a = [", "a = {b", "[a", "[[a]", "= 1", 'a = "', '"\\x" = 1', "a = [1 2]"]
)
def test_text_that_is_no_toml_ends_the_search(text: str) -> None:
    """Without an error of its own: tomllib's is better."""
    with pytest.raises(tomllib.TOMLDecodeError):
        tomllib.loads(text)
    lines_of(f"x = 1\n{text}")


def _keys(value: Any, key: Key = ()) -> Iterator[Key]:
    """Every way into what tomllib has read."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in below:
        yield (*key, name)
        yield from _keys(inner, (*key, name))


_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=5)
_NAMES = st.sampled_from(["a", "b-1", '"c d"', "'[e]'", '"="', '"#"', '"\\u00e9"', "' '", '"f.g"'])
_SPACES = st.sampled_from(["", " ", "\t "])
_BREAKS = st.sampled_from(["\n", "\n\n", " # x = 1 ]\n", "\n# '''\n", "\n  [\n".replace("[", "#[")])


def _basic(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


_SCALARS = st.one_of(
    st.sampled_from(["1", "-1.5e3", "true", "nan", "2026-01-01 06:00:00", "06:00:00", "''", '""', '""""""']),
    _TEXTS.map(lambda text: f'"{_basic(text)}"'),
    _TEXTS.map(lambda text: f'"""\n[x]\n{_basic(text)}\ny = 1"""'),
    _TEXTS.map(lambda text: "'''\n# " + text.replace("'", "") + "\n''''"),
)


@st.composite
def _lists(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    items = draw(st.lists(inner, max_size=3))
    return "[" + "".join(f"{draw(_BREAKS)}{item}{draw(_BREAKS)}," for item in items) + draw(_BREAKS) + "]"


@st.composite
def _inline_tables(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    names = draw(st.lists(_NAMES, max_size=3, unique=True))
    return "{" + ", ".join(f"{name} = {draw(inner)}" for name in names) + "}"


_VALUES = st.recursive(_SCALARS, lambda inner: _lists(inner) | _inline_tables(inner), max_leaves=6)


@st.composite
def _files(draw: st.DrawFn) -> tuple[str, dict[Key, int]]:
    """A file of sections with keys, and the lines that its maker knows."""
    text, lines = "", {}
    for name in draw(st.lists(_NAMES, min_size=1, max_size=3, unique=True)):
        (section,) = tomllib.loads(f"{name} = 1")
        many = draw(st.booleans())
        for number in range(draw(st.integers(1, 3)) if many else 1):
            key: Key = (section, number) if many else (section,)
            lines[key] = text.count("\n") + 1
            space = draw(_SPACES)
            text += f"{'[[' if many else '['}{space}{name}{space}{']]' if many else ']'}{draw(_BREAKS)}"
            for setting in draw(st.lists(_NAMES, max_size=3, unique=True)):
                (plain,) = tomllib.loads(f"{setting} = 1")
                lines[*key, plain] = text.count("\n") + 1
                text += f"{draw(_SPACES)}{setting}{draw(_SPACES)}={draw(_SPACES)}{draw(_VALUES)}{draw(_BREAKS)}"
    return text, lines


@given(_files())
def test_drawn_files(drawn: tuple[str, dict[Key, int]]) -> None:
    """The scanner knows exactly the keys that tomllib does, and the lines that whoever wrote the file knows."""
    text, lines = drawn
    found = lines_of(text)
    assert set(found) == set(_keys(tomllib.loads(text)))
    assert {key: found[key] for key in lines} == lines
