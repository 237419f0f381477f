"""What makes a file the same file, wherever it lies and whatever it is called."""

import hashlib
from typing import Final

from analytics.footage import Footage, absolute_text, block, blocks, facts_of
from analytics.records import Pulse

WHOLE_UP_TO: Final = 64 * 2**20
_BLOCK: Final = 2**20
_BLOCKS: Final = 64
_ID_DIGITS: Final = 16


def fingerprint(path: Footage) -> str:
    """Hash of a file's content, 64 hex digits: of all of it up to 64 MiB, of its size and 64 spaced blocks beyond.

    Raises:
        OSError: the file cannot be read.
    """
    size = facts_of(path).size
    if size <= WHOLE_UP_TO:
        return full_hash(path, Pulse())
    digest = hashlib.sha256(size.to_bytes(8, "big"))
    for number in range(_BLOCKS):
        digest.update(block(path, (size - _BLOCK) * number // (_BLOCKS - 1), _BLOCK))
    return digest.hexdigest()


def full_hash(path: Footage, pulse: Pulse) -> str:
    """SHA-256 of a file's whole content, 64 hex digits.

    Raises:
        OSError: the file cannot be read.
    """
    digest = hashlib.sha256()
    for content in blocks(path):
        digest.update(content)
        pulse.beat()
    return digest.hexdigest()


def id_of_content(digest: str) -> str:
    """video_id of a file known by its content."""
    return digest[:_ID_DIGITS]


def id_of_path(path: Footage) -> str:
    """video_id of a file known by its path alone: a copy, an empty or an unreadable one."""
    return hashlib.sha256(absolute_text(path).encode("utf-8", "surrogateescape")).hexdigest()[:_ID_DIGITS]
