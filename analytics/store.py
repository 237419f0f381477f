"""Objects in S3 and what speaks like it. The one module that imports s3fs, and only when a URL was named.

Credentials, endpoint and region are found by botocore as by any other program: AWS_… in the environment, ~/.aws.
Every error is a StoreError, which says what is wrong and what to do. What lasts for a moment, botocore and s3fs have
tried again by then.
"""

import errno
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal

from analytics.errors import UsageError
from analytics.footage import S3, Facts, Url
from analytics.records import Pulse

Kind = Literal["bucket", "gone", "changed", "permission", "unreachable", "unsupported", "other"]
_BLOCK: Final = 16 * 2**20
"""Bytes of an object that are asked for at once."""
_ERRNO: Final[dict[Kind, int]] = {"bucket": errno.ENOENT, "gone": errno.ENOENT, "permission": errno.EACCES}
_KINDS: Final[dict[str, Kind]] = {
    "NoSuchBucket": "bucket", "NoSuchKey": "gone", "404": "gone",
    "PreconditionFailed": "changed", "412": "changed", "ConditionalRequestConflict": "changed", "409": "changed",
    "AccessDenied": "permission", "403": "permission", "InvalidAccessKeyId": "permission",
    "SignatureDoesNotMatch": "permission", "ExpiredToken": "permission", "InvalidToken": "permission",
    "NotImplemented": "unsupported", "501": "unsupported",
}  # fmt: skip
_REMEDIES: Final[dict[Kind, str]] = {
    "bucket": "make it, or name another one",
    "gone": "look whether it was moved, and run again",
    "changed": "run again when nothing writes there",
    "permission": "check AWS_ACCESS_KEY_ID, AWS_PROFILE or ~/.aws, and what the bucket allows",
    "unreachable": "check the network, AWS_ENDPOINT_URL and the region, and run again",
    "unsupported": "use S3, or a release of the server that can do it",
    "other": "look into the server's log, and run again",
}
_named: Final[set[str]] = set()
"""Buckets that somebody named: no other one is ever asked for anything."""


class StoreError(OSError):
    """An object store did not do what it was asked for."""

    def __init__(self, kind: Kind, url: str, words: str) -> None:
        super().__init__(_ERRNO.get(kind, errno.EIO), words, url)
        self.kind, self.url, self.words = kind, url, words

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors of workers reach this process as they were."""
        return type(self), (self.kind, self.url, self.words)

    @property
    def remedy(self) -> str:
        """What the user can do about it."""
        return _REMEDIES[self.kind]


@dataclass(frozen=True)
class Content:
    """An object, read whole, and when by the clock of the server."""

    data: bytes
    etag: str
    changed: datetime
    now: datetime
    metadata: dict[str, str]


def name(text: str) -> Url:
    """A URL that somebody named: its bucket may be asked from now on.

    Raises:
        UsageError: it names no bucket, or s3fs is not installed.
    """
    url = Url(text)
    if not url.bucket:
        raise UsageError(f"{text}: names no bucket", "write s3://BUCKET/FOLDER")
    _filesystem()
    _named.add(url.bucket)
    return url


def is_named(url: Url) -> bool:
    """Whether its bucket may be asked."""
    return url.bucket in _named


@cache
def _filesystem() -> Any:
    # Without s3fs a bucket cannot be asked, whatever else is installed.
    try:
        import s3fs
    except ImportError:
        raise UsageError(
            "s3:// needs s3fs, which is not installed", "pip install '.[s3]' in emobatch's folder"
        ) from None
    for noisy in ("s3fs", "aiobotocore", "botocore", "fsspec"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    return s3fs.S3FileSystem(use_listings_cache=False, skip_instance_cache=True)


def _call(method: str, url: Url, **arguments: Any) -> dict[str, Any]:
    with _worded(url):
        answer: dict[str, Any] = _filesystem().call_s3(method, Bucket=url.bucket, **arguments)
        return answer


@contextmanager
def _worded(url: Url) -> Iterator[None]:
    """Turn whatever botocore, aiohttp and s3fs raise into a StoreError."""
    try:
        yield
    except (UsageError, StoreError):
        raise
    except Exception as error:
        raise _error(error, url) from error


def _error(error: Exception, url: Url) -> StoreError:
    from aiohttp import ClientError as HttpError
    from botocore import exceptions as botocore

    cause = error if hasattr(error, "response") else error.__cause__
    told = (getattr(cause, "response", None) or {}).get("Error", {})
    kind = _KINDS.get(str(told.get("Code")), "other")
    words = str(told.get("Message") or error)
    if isinstance(error, botocore.NoCredentialsError | botocore.PartialCredentialsError):
        kind, words = "permission", "there are no credentials"
    elif not told and isinstance(
        error, botocore.ConnectionError | botocore.HTTPClientError | HttpError | TimeoutError | ConnectionError
    ):
        kind, words = "unreachable", f"cannot be reached ({str(error).rstrip('.')})"
    elif kind == "bucket":
        words = f"there is no bucket {url.bucket}"
    elif kind == "gone":
        words = "there is no such object"
    elif kind == "permission":
        words = f"no permission ({words.rstrip('.')})"
    return StoreError(kind, url.text, words)


def listed(prefix: Url) -> Iterator[Url]:
    """All objects whose key begins like this, in order of their keys, with what the listing says of them.

    Raises:
        StoreError: the bucket is not there, or cannot be listed.
    """
    more: dict[str, str] = {}
    while True:
        answer = _call("list_objects_v2", prefix, Prefix=prefix.key, **more)
        for found in answer.get("Contents", ()):
            facts = Facts(found["Size"], _ns(found["LastModified"]), etag=found["ETag"])
            yield Url(f"{S3}{prefix.bucket}/{found['Key']}", facts)
        if not answer.get("IsTruncated"):
            return
        more = {"ContinuationToken": answer["NextContinuationToken"]}


def facts(url: Url) -> Facts:
    """Size, time and content's tag of an object.

    Raises:
        StoreError: it is not there, or cannot be asked for.
    """
    if not is_named(url):
        raise StoreError("gone", url.text, "is in a bucket that nobody named")
    answer = _call("head_object", url, Key=url.key)
    return Facts(answer["ContentLength"], _ns(answer["LastModified"]), etag=answer["ETag"])


def exists(url: Url) -> bool:
    """Whether an object, or anything in a folder, can be seen; False where nobody named the bucket."""
    if not is_named(url):
        return False
    folder = url.key.rstrip("/")
    try:
        for prefix in (url.key, f"{folder}/" if folder else ""):
            answer = _call("list_objects_v2", url, Prefix=prefix, MaxKeys=1)
            keys = [found["Key"] for found in answer.get("Contents", ())]
            if keys and (keys[0] == url.key or keys[0].startswith(f"{folder}/" if folder else "")):
                return True
    except StoreError:
        pass
    return False


def read(url: Url, start: int, length: int) -> bytes:
    """Some bytes of an object, of the content that its facts are of.

    Raises:
        StoreError: it cannot be read, or its content is another one meanwhile.
    """
    if length <= 0:
        return b""
    condition = {"IfMatch": url.facts.etag} if url.facts and url.facts.etag else {}
    data, _ = _get(url, Range=f"bytes={start}-{start + length - 1}", **condition)
    return data


def get(url: Url) -> Content:
    """A whole object; for small ones.

    Raises:
        StoreError: it cannot be read.
    """
    data, answer = _get(url)
    now = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
    return Content(data, answer["ETag"], answer["LastModified"], now, answer.get("Metadata", {}))


def _get(url: Url, **arguments: Any) -> tuple[bytes, dict[str, Any]]:
    from fsspec.asyn import sync

    with _worded(url):
        filesystem = _filesystem()

        async def whole() -> tuple[bytes, dict[str, Any]]:
            for last in (False, False, True):
                answer = await filesystem._call_s3("get_object", Bucket=url.bucket, Key=url.key, **arguments)
                try:
                    async with answer["Body"] as body:
                        return await body.read(), answer
                except Exception:  # A connection that breaks while the content is on its way.
                    if last:
                        raise
            raise AssertionError

        result: tuple[bytes, dict[str, Any]] = sync(filesystem.loop, whole)
        return result


def download(url: Url, path: Path, pulse: Pulse) -> dict[str, str]:
    """Write the content of an object into a file; the object's metadata.

    Raises:
        StoreError: it cannot be read, or its content is another one meanwhile.
        OSError: the file cannot be written.
    """
    known = url if url.facts else Url(url.text, facts(url))
    assert known.facts
    metadata: dict[str, str] = {}
    with path.open("wb") as file:
        for start in range(0, known.facts.size, _BLOCK):
            end = min(start + _BLOCK, known.facts.size)
            data, answer = _get(known, Range=f"bytes={start}-{end - 1}", IfMatch=known.facts.etag)
            metadata = answer.get("Metadata", {})
            if len(data) != end - start:
                raise StoreError("changed", url.text, "has another size than it had")
            file.write(data)
            pulse.beat()
    return metadata


def put(
    url: Url,
    data: bytes,
    metadata: dict[str, str] | None = None,
    content_type: str = "application/octet-stream",
    condition: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Write an object, whole or not at all; the tag of its content.

    Args:
        url: of the object.
        data: its content.
        metadata: texts that are kept with it.
        content_type: what browsers take it for.
        condition: IfNoneMatch with *, or IfMatch with the tag that the content has to have that is replaced.

    Raises:
        StoreError: it cannot be written; of the kind `changed` where the condition does not hold.
    """
    facts = {"Metadata": metadata or {}, "ContentType": content_type}
    answer = _call("put_object", url, Key=url.key, Body=data, **facts, **condition)
    return str(answer["ETag"])


def delete(url: Url, condition: Mapping[str, str] = MappingProxyType({})) -> None:
    """Remove an object; one that is not there is no error.

    Raises:
        StoreError: it cannot be removed.
    """
    try:
        _call("delete_object", url, Key=url.key, **condition)
    except StoreError as error:
        if error.kind != "gone":
            raise


def _ns(moment: datetime) -> int:
    return int(moment.timestamp()) * 10**9 + moment.microsecond * 1000
