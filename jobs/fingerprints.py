"""Fingerprints by path, size and time of the last change: what is known of a file without opening it.

A cache, kept in OUT/.state/fingerprints.parquet; without it each file is read again.
"""

import os
import time
from pathlib import Path
from typing import Final

import pyarrow as pa

from analytics.footage import Footage, facts_of, is_url
from analytics.paths import exists
from analytics.videos import read_state, write_state

_NAME: Final = "fingerprints"
_SCHEMA: Final = pa.schema(
    [("path", pa.binary()), ("size", pa.int64()), ("changed_ns", pa.int64()), ("digest", pa.string())]
)
_KEEP_EVERY_S: Final = 60.0


class Fingerprints:
    """What was found out about files. A digest of "" stands for a file that has none, as it is empty."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self._of: dict[bytes, tuple[int, int, str]] = {}
        self._used: set[bytes] = set()
        self._kept_at = time.monotonic()
        table = read_state(out, _NAME)
        if table is not None and table.schema.equals(_SCHEMA):
            for path, *rest in zip(*(column.to_pylist() for column in table.columns), strict=True):
                self._of[path] = tuple(rest)

    def get(self, path: Footage, size: int, changed_ns: int) -> str | None:
        """The digest of a file that is as it was; None where it is new or has changed."""
        name = os.fsencode(path)
        self._used.add(name)
        known = self._of.get(name)
        return known[2] if known and known[:2] == (size, changed_ns) else None

    def of_file(self, path: Footage) -> str | None:
        """The digest of a file, if it is there and as it was."""
        try:
            facts = facts_of(path)
        except (OSError, ValueError):
            return None
        return self.get(path, facts.size, facts.changed_ns)

    def put(self, path: Footage, size: int, changed_ns: int, digest: str) -> None:
        """Note the digest of a file whose size and time were read before its content was."""
        name = os.fsencode(path)
        self._used.add(name)
        self._of[name] = (size, changed_ns, digest)
        if time.monotonic() - self._kept_at > _KEEP_EVERY_S:
            self._keep(self._of)

    def keep(self) -> None:
        """Write what is known, but for files that are gone.

        Raises:
            OSError: the disk is full or OUT cannot be written.
        """
        # Objects are not asked for: that takes a request each, and there may be ten thousand.
        there = {
            name for name in self._of if name in self._used or is_url(text := os.fsdecode(name)) or exists(Path(text))
        }
        self._of = {name: self._of[name] for name in there}
        self._keep(self._of)

    def _keep(self, known: dict[bytes, tuple[int, int, str]]) -> None:
        rows = [(name, *rest) for name, rest in sorted(known.items())]
        columns = [[row[i] for row in rows] for i in range(len(_SCHEMA))]
        arrays = [pa.array(column, kind.type) for column, kind in zip(columns, _SCHEMA, strict=True)]
        write_state(self.out, _NAME, pa.Table.from_arrays(arrays, schema=_SCHEMA))
        self._kept_at = time.monotonic()
