"""What holds for all tests, and the browser that those of pages share."""

import os
from collections.abc import Iterator

# Processes, one a core, are what runs in parallel; threads of libraries besides would wait for one another.
if "PYTEST_XDIST_WORKER" in os.environ:
    for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(_name, "1")
# The tests start a thousand commands: each would compile all modules anew, a third of its time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

import pytest
from hypothesis import settings
from playwright.sync_api import Browser, BrowserContext

from tests.browser import Visit, launched, visiting

# No test fails because the machine is busy.
settings.register_profile("emobatch", deadline=None)
settings.load_profile("emobatch")


@pytest.fixture(scope="module", name="browser")
def _browser() -> Iterator[Browser]:
    """Of one file of tests: while it is open no other event loop can run in this thread."""
    with launched() as browser:
        yield browser


@pytest.fixture(name="context")
def _context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context
    context.close()


@pytest.fixture(name="visit")
def _visit(context: BrowserContext) -> Iterator[Visit]:
    """Fails the test at its end if a page complained, opened a dialog or asked for anything but a file."""
    with visiting(context) as visit:
        yield visit
