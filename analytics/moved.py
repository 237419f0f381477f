"""What a file of many videos says of the files that its rows lay in before they were put together.

In its metadata, as JSON, under MOVED: when this file was written, and by video_id the size and time of the file that
the rows are from. What depends on the rows of a video alone, such as its page, thereby knows that they are the same:

    {"written_ns": 1772400000000000000, "files": {"0123456789abcdef": [7012, 1772390000000000000]}}

The time of the file itself is set to written_ns. One that somebody changed by hand has another, and tells nothing.
"""

import json
import time
from collections.abc import Mapping
from typing import Final

import pyarrow as pa

MOVED: Final = b"emobatch.compacted"
Moved = dict[str, tuple[int, int]]
"""video_id -> size and time of the last change (ns) of the file of its own."""
_Metadata = Mapping[bytes, bytes] | None


def moved_in(metadata: _Metadata) -> Moved:
    """What the metadata of a file say; nothing of a file of one video."""
    told = json.loads((metadata or {}).get(MOVED, b'{"files": {}}'))
    return {video_id: (size, changed_ns) for video_id, (size, changed_ns) in told["files"].items()}


def written_ns(metadata: _Metadata) -> int | None:
    """When the file of these metadata was written; None where it is of one video."""
    text = (metadata or {}).get(MOVED)
    return int(json.loads(text)["written_ns"]) if text else None


def with_moved(rows: pa.Table, moved: Moved) -> pa.Table:
    """Rows with the metadata of a file of many videos; of one where nothing was moved."""
    metadata = {key: value for key, value in (rows.schema.metadata or {}).items() if key != MOVED}
    if moved:
        # Whole microseconds: not all file systems keep more.
        written = time.time_ns() // 1000 * 1000
        metadata[MOVED] = json.dumps({"written_ns": written, "files": moved}, separators=(",", ":")).encode()
    return rows.replace_schema_metadata(metadata)
