"""Pages lead to the footage, whatever its name is made of, and to nothing else."""

import os
import shlex
import subprocess
from pathlib import Path
from urllib.parse import unquote_to_bytes, urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.errors import UsageError
from jobs.task import as_text
from reports.links import as_bytes, footage_of, for_shell
from reports.text import visible

OUT = Path("/results/out")
PAGE = "file:///results/out/reports/videos/a.html"

names = st.binary(min_size=1, max_size=20).filter(
    lambda name: not {0, ord("/")} & set(name) and name not in (b".", b"..")
)
"""What Linux takes for the name of a file."""


def test_footage_is_found_from_the_page_on() -> None:
    """OUT and footage can move together: the way leads up and down again."""
    assert footage_of("/results/footage/a b.mp4", OUT).url == "../../../footage/a%20b.mp4"
    assert footage_of("/archive/a.mp4", OUT).media_src == "'self' file:"


@given(names)
def test_any_name_is_found_as_it_is(name: bytes) -> None:
    """Whatever bytes a name holds, the browser asks for them; nothing ends the attribute or begins another part."""
    if b"\\x" in name:  # See the next test.
        return
    source = as_text(Path(os.fsdecode(b"/archive/" + name)))
    url = footage_of(source, OUT).url
    assert url is not None and url.isascii() and not set(url) & set("\"'<>#? \\\n")
    assert unquote_to_bytes(urljoin(PAGE, url)) == b"file:///archive/" + name
    assert as_bytes(source) == b"/archive/" + name


def test_letters_that_spell_a_byte_are_taken_for_themselves_where_they_can() -> None:
    """\\xc3\\xa9 would have been told as é; so this is a name with backslashes."""
    assert as_bytes("/a/\\xc3\\xa9") == rb"/a/\xc3\xa9"
    assert as_bytes("/a/\\xff") == b"/a/\xff"


@given(names)
def test_the_command_names_the_very_file(name: bytes) -> None:
    """A shell reads the argument as the bytes of the name, and a person sees every character of it."""
    if b"\\x" in name:
        return
    argument = for_shell(as_text(Path(os.fsdecode(b"/archive/" + name))))
    assert visible(argument) == argument
    if argument.startswith("$"):
        # As bash reads it, without starting one for each example.
        read = argument[2:-1].encode().decode("unicode_escape").encode("latin-1") if argument.isascii() else None
    else:
        read = os.fsencode(shlex.split(argument)[0])
    assert read is None or read == b"/archive/" + name


def test_bash_reads_a_hostile_name() -> None:
    """Quotes, line breaks, direction marks and bytes that are no text."""
    name = b"/a/it's\n$(rm)`x`\xe2\x80\xae\\ \xff\xc3\xa9.mp4"
    argument = for_shell(as_text(Path(os.fsdecode(name))))
    told = subprocess.run(["bash", "-c", f"printf %s {argument}"], capture_output=True, check=True, timeout=10)
    assert told.stdout == name
    assert "\u202e" not in argument and "\n" not in argument


@pytest.mark.parametrize(
    ("link", "url", "media_src"),
    [
        ("https://host", "https://host/archive/a%20b.mp4", "https://host"),
        ("http://host:8000/x/", "http://host:8000/x/archive/a%20b.mp4", "http://host:8000"),
        ("https://host/get?path=", "https://host/get?path=archive/a%20b.mp4", "https://host"),
        ("file:///mnt/nas", "file:///mnt/nas/archive/a%20b.mp4", "'self' file:"),
        ("/mnt/n#s", "/mnt/n%23s/archive/a%20b.mp4", "'self' file:"),
        ("../../media", "../../media/archive/a%20b.mp4", "'self' file:"),
        ("/archive=https://host/v", "https://host/v/a%20b.mp4", "https://host"),
        ("/archive/=../../v/", "../../v/a%20b.mp4", "'self' file:"),
        ("/arch=https://host/v", "../../../../archive/a%20b.mp4", "'self' file:"),
        ("//evil.example", "/evil.example/archive/a%20b.mp4", "'self' file:"),
    ],
)
def test_footage_lies_where_one_says(link: str, url: str, media_src: str) -> None:
    """A prefix stands before the path, FROM=TO replaces whole names, and the policy opens for that place alone."""
    footage = footage_of("/archive/a b.mp4", OUT, link)
    assert (footage.url, footage.media_src) == (url, media_src)


def test_an_object_has_a_link_where_one_was_told() -> None:
    """A browser cannot read s3://; a prefix or a replacement says where it can."""
    assert footage_of("s3://b/k.mp4", OUT).url is None
    assert footage_of("s3://b/k.mp4", OUT).media_src == "'none'"
    assert footage_of("s3://b/k.mp4", OUT, "https://host").url == "https://host/b/k.mp4"
    assert footage_of("s3://b/k.mp4", OUT, "s3://b=https://host/v").for_mpv == "https://host/v/k.mp4"
    assert footage_of("s3://other/k.mp4", OUT, "s3://b=https://host/v").url is None


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        " JavaScript:alert(1)",
        "java\tscript:alert(1)",
        "/archive=javascript:alert(1)",
        "data:video/mp4,x",
        "blob:x",
        "ftp://host/",
        "https:host",
        "https://host;script-src *",
        "https://user:secret@host/",
        "file://host/share",
        "",
    ],
)
def test_what_no_page_may_link_to_is_refused(link: str) -> None:
    """The error names what was given and what may be."""
    with pytest.raises(UsageError, match="--link-footage"):
        footage_of("/archive/a.mp4", OUT, link)
