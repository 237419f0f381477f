"""In which line of a TOML file each key stands: tomllib reads values and forgets where they were."""

import re
import tomllib
from collections.abc import Iterator
from typing import Final

Key = tuple[str | int, ...]
"""From the top of the file to a value: names of tables and keys, numbers of the elements of arrays."""

_BLANK: Final = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_SPACE: Final = re.compile(r"[ \t]*")
_NAME: Final = re.compile(r"""[A-Za-z0-9_-]+|"(?:\\.|[^"\\\n])*"|'[^'\n]*'""")
# A multi-line text may end in up to two quotes of its own: the longest run of them closes it.
_TEXT: Final = re.compile(
    r'''"""(?:\\.|[^\\])*?"""(?:"{0,2})|\'\'\'.*?\'\'\'(?:'{0,2})|"(?:\\.|[^"\\\n])*"|'[^'\n]*\'''', re.DOTALL
)
_BARE: Final = re.compile(r"[^\n,\]}#]+")


def lines_of(text: str) -> dict[Key, int]:
    """The line, from 1, in which each table, key and element of an array of a TOML file begins.

    A table that is only named by the tables below it has the line of the first of those.

    Args:
        text: what tomllib takes; of other text only what comes before the first error is meaningful.
    """
    lines: dict[Key, int] = {}
    for key, line in occurrences(text):
        for end in range(1, len(key) + 1):
            lines.setdefault(key[:end], line)
    return lines


def occurrences(text: str) -> Iterator[tuple[Key, int]]:
    """Each header and key in the order of the file, also those that a wrong file has twice."""
    text = text.replace("\r\n", "\n")
    line, counted = 1, 0
    try:
        for key, position in _Scanner(text).statements():
            line += text.count("\n", counted, position)
            counted = position
            yield key, line
    except (_NotTomlError, RecursionError):
        return


class _NotTomlError(Exception):
    """Nothing that TOML allows follows here."""


class _Scanner:
    """Reads names and steps over values. What a value means is left to tomllib."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.last: dict[Key, int] = {}
        """Array of tables -> number of its last one, which a header below it adds to."""

    def statements(self) -> Iterator[tuple[Key, int]]:
        table: Key = ()
        self._skip(_BLANK)
        while self.at < len(self.text):
            began = self.at
            if self.text[began] == "[":
                table = self._header()
                yield table, began
            else:
                yield from self._pair(table)
            self._skip(_BLANK)

    def _header(self) -> Key:
        many = self.text.startswith("[[", self.at)
        self.at += 1 + many
        names = self._names()
        self._expect("]" * (1 + many))
        table: Key = ()
        for name in names[:-1]:
            table = self._newest((*table, name))
        table = (*table, names[-1])
        if not many:
            return table
        self.last[table] = self.last.get(table, -1) + 1
        return self._newest(table)

    def _newest(self, table: Key) -> Key:
        """[[recorder]] [recorder.x]: the second belongs to the recorder before it."""
        return (*table, self.last[table]) if table in self.last else table

    def _pair(self, table: Key) -> Iterator[tuple[Key, int]]:
        began = self.at
        key = (*table, *self._names())
        self._expect("=")
        yield key, began
        self._skip(_SPACE)
        yield from self._value(key)

    def _value(self, key: Key) -> Iterator[tuple[Key, int]]:
        first = self.text[self.at : self.at + 1]
        if first == "[":
            yield from self._array(key)
        elif first == "{":
            yield from self._inline_table(key)
        else:
            self._skip(_TEXT if first in ('"', "'") else _BARE, needed=True)

    def _array(self, key: Key) -> Iterator[tuple[Key, int]]:
        self.at += 1
        number = 0
        while not self._ends("]"):
            yield (*key, number), self.at
            yield from self._value((*key, number))
            number += 1
            self._skip(_BLANK)
            if not self._ends("]", take=False):
                self._expect(",")

    def _inline_table(self, key: Key) -> Iterator[tuple[Key, int]]:
        self.at += 1
        while not self._ends("}"):
            yield from self._pair(key)
            self._skip(_BLANK)
            if not self._ends("}", take=False):
                self._expect(",")

    def _ends(self, mark: str, take: bool = True) -> bool:
        self._skip(_BLANK)
        found = self.text.startswith(mark, self.at)
        self.at += take and found
        return found

    def _names(self) -> list[str]:
        names = []
        while True:
            self._skip(_SPACE)
            name = self._skip(_NAME, needed=True)
            names.append(_unquoted(name))
            self._skip(_SPACE)
            if not self.text.startswith(".", self.at):
                return names
            self.at += 1

    def _expect(self, mark: str) -> None:
        self._skip(_SPACE)
        if not self.text.startswith(mark, self.at):
            raise _NotTomlError
        self.at += len(mark)

    def _skip(self, pattern: re.Pattern[str], needed: bool = False) -> str:
        found = pattern.match(self.text, self.at)
        if found is None:
            if needed:
                raise _NotTomlError
            return ""
        self.at = found.end()
        return found[0]


def _unquoted(name: str) -> str:
    if name[0] not in "\"'":
        return name
    try:
        (read,) = tomllib.loads(f"{name} = 0")
    except tomllib.TOMLDecodeError:
        raise _NotTomlError from None
    return str(read)
