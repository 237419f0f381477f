"""The page of a data set as a person opens it."""

from pathlib import Path

from reports import text
from tests import faces
from tests.browser import IN_BROWSER, Visit
from tests.command import emobatch
from tests.test_report_data import HOSTILE

pytestmark = IN_BROWSER


def test_a_data_set_is_drawn(tmp_path: Path, visit: Visit) -> None:
    """A bar for each class and split, both sheets, and a hostile name of a subject is a name and nothing else."""
    faces.class_folders(tmp_path / "set", ("happy", "sad"), each=10)
    lines = ["path,label,split,subject"]
    for k in range(20):
        label, split = ("happy", "sad")[k % 2], ("train", "val", "test")[k % 3]
        subject = f'"{HOSTILE.replace(chr(34), chr(34) * 2)}"' if k < 3 else str(k)
        lines.append(f"set/{label}/{k // 2}.png,{label},{split},{subject}")
    faces.write(tmp_path / "set" / "sad" / "copy.png", faces.drawn(20_000))
    lines.append("set/sad/copy.png,sad,test,20")
    (tmp_path / "list.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = ("dataset", "list.csv", "--out", "set.npz", "--classes", "happy,sad", "--report", "page")
    done = emobatch(*command, cwd=tmp_path)
    assert done.code == 0, done.stderr
    visit.open(tmp_path / "page" / "dataset.html")
    assert visit.page.locator("[data-figure=figure-classes] svg .point").count() == 6
    sheets = visit.page.locator("main img")
    assert sheets.count() == 2
    assert sheets.evaluate_all("all => all.every(one => one.naturalWidth > 300)")
    assert text.visible(HOSTILE) in visit.page.locator("main").inner_text()
    assert visit.page.locator("main b, main script").count() == 0
