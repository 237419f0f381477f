"""The page of a training: curves and a table by epoch, from its record alone."""

import json
from pathlib import Path

import pytest

from analytics.errors import UsageError
from reports import text
from reports.training import write_training
from tests.browser import IN_BROWSER, Visit
from tests.test_report_data import HOSTILE


def recorded(folder: Path, labels: str, *heads: str, net: str = "tiny") -> Path:
    """What a training of two epochs leaves, of which the first is the better one."""
    history = [
        {"epoch": k + 1, "loss": 2.0 - k, "val_loss": 1.9}
        | {f"{part}{head}accuracy": 0.5 - k / 10 for head in heads for part in ("", "val_")}
        for k in (0, 1)
    ]
    options = {"net": net, "dataset": "few.npz", "labels": labels, "learning_rate": 0.001, "freeze": "none"}
    options |= {"freeze_epochs": 1, "fine_rate": 0.0001, "weights": ["a.h5", "b.h5"]}
    record = {"options": options, "parameters": 1000, "ended_by": "epochs", "history": history}
    (folder / "training.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


def test_each_epoch_has_its_row(tmp_path: Path) -> None:
    """The one that is kept is marked, and the labels that chose it come first."""
    html = write_training(recorded(tmp_path, "both", "fer2013_", "ferplus_")).read_text(encoding="utf-8")
    assert "<strong>1, kept</strong>" in html and ">2</th>" in html
    assert html.index("accuracy, ferplus labels") < html.index("accuracy, fer2013 labels")
    assert "freeze epochs: <bdi>1</bdi>" in html and "weights: <bdi>a.h5, b.h5</bdi>" in html and "freeze:" not in html
    assert "parameters: <bdi>1,000</bdi>" in html and "changed at random" in html
    assert "ended by: <bdi>epochs</bdi>" in html and "learning rate: <bdi>0.001</bdi>" in html


def test_pictures_that_were_not_changed_are_not_called_so(tmp_path: Path) -> None:
    """A training with --plain, as most papers have it."""
    record = recorded(tmp_path, "fer2013", "") / "training.json"
    told = json.loads(record.read_text(encoding="utf-8"))
    told["options"] |= {"augment": "none", "mixup": 0.0}
    record.write_text(json.dumps(told), encoding="utf-8")
    html = write_training(tmp_path).read_text(encoding="utf-8")
    assert "changed at random" not in html and "augment: <bdi>none</bdi>" in html


@pytest.mark.parametrize(
    "content", [None, "", "{}", "[]", '{"options": {"net": "x", "labels": "both"}, "history": []}']
)
def test_what_is_no_record_is_refused(tmp_path: Path, content: str | None) -> None:
    """Nothing is written."""
    if content is not None:
        (tmp_path / "training.json").write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=r"training\.json: is no record of a training"):
        write_training(tmp_path)
    assert not (tmp_path / "training.html").exists()


class TestInBrowser:
    """As a person opens it."""

    pytestmark = IN_BROWSER

    def test_it_is_drawn(self, tmp_path: Path, visit: Visit) -> None:
        """Two lines for each label set, and two of the loss; a hostile name is a name."""
        visit.open(write_training(recorded(tmp_path, "both", "ferplus_", "fer2013_", net=HOSTILE)))
        assert visit.page.locator("[data-figure=figure-accuracy] svg .js-line").count() == 4
        assert visit.page.locator("[data-figure=figure-loss] svg .js-line").count() == 2
        assert text.visible(HOSTILE) in visit.page.locator("h1").inner_text()
        assert visit.page.locator("main img, main b").count() == 0
