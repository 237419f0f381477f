"""The page of a comparison as a person opens it."""

from pathlib import Path

from reports import text
from tests.browser import IN_BROWSER, Visit
from tests.command import emobatch
from tests.test_comparison import evaluated
from tests.test_report_data import HOSTILE

pytestmark = IN_BROWSER


def test_a_comparison_is_drawn(tmp_path: Path, visit: Visit) -> None:
    """A line for each classifier in both charts, and a hostile name is a name and nothing else."""
    folders = [evaluated(tmp_path / str(k), name, 0.5 + k / 10) for k, name in enumerate(("a", "b", HOSTILE))]
    assert emobatch("compare", "evaluations", *folders, "--out", "all", cwd=tmp_path).code == 0
    visit.open(tmp_path / "all" / "comparison.html")
    assert visit.page.locator("[data-figure=figure-risk] svg .js-line").count() == 3
    assert visit.page.locator("[data-figure=figure-calibration] svg .js-line").count() == 4
    assert text.visible(HOSTILE) in visit.page.locator("table").first.inner_text()
    assert visit.page.locator("main img, main b").count() == 0
