"""Comparisons of networks and heads: rows, means and spreads, resumed where they were stopped."""

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from analytics.errors import UsageError
from jobs.lab_tables import summary_of
from tests.test_datasets import votes, write_npz

if TYPE_CHECKING:
    from jobs.lab import NetsOptions

pytestmark = [
    pytest.mark.training,
    pytest.mark.skipif(None in map(find_spec, ("keras", "sklearn")), reason="needs the train extra"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras' matter with numpy.
]


@pytest.fixture(name="dataset")
def _dataset(tmp_path: Path) -> Path:
    """42 pictures of two classes, of which a third is public: stripes that stand, and stripes that lie."""
    images = np.random.default_rng(5).integers(0, 50, (42, 48, 48), np.uint8)
    images[::2, :, ::3] += 150
    images[1::2, ::3] += 150
    told = [votes(happiness=9, neutral=1), votes(sadness=9, fear=1)] * 21
    return write_npz(tmp_path / "few.npz", told, images=images, split=np.array((["train"] * 4 + ["public"] * 2) * 7))


@pytest.fixture(name="options")
def _options(tmp_path: Path, dataset: Path) -> Iterator["NetsOptions"]:
    from jobs.lab import NetsOptions
    from models.networks import NETWORKS, build_residual

    NETWORKS["tiny"] = partial(build_residual, widths=(8,), blocks=(1,))
    yield NetsOptions(dataset=dataset, out=tmp_path / "lab", nets=("tiny",), epochs=1, size=16)
    del NETWORKS["tiny"]


def test_networks_are_compared_and_not_twice(options: "NetsOptions", monkeypatch: pytest.MonkeyPatch) -> None:
    """A row each network and seed, in three forms; what is done is not trained again, another seed is added."""
    from jobs.lab import compare_nets

    one = compare_nets(options)
    assert [row["seed"] for row in one["rows"]] == [20] and one["summary"][0]["accuracy_spread"] is None
    two = compare_nets(replace(options, seeds=2))
    assert two["rows"][0] == one["rows"][0] and two["rows"][1]["seed"] == 21
    row = two["rows"][0]
    assert 0 <= row["accuracy"] <= 1 and 0 <= row["macro_f1"] <= 1 and row["loss"] > 0 and row["train_loss"] > 0
    assert (row["epochs"], row["batch"], row["learning_rate"], row["size"]) == (1, 128, 1.4e-3, 16)
    assert row["parameters"] > 500 and row["seconds"] > 0 and row["face_ms"] > 0
    assert row["file_bytes"] == (options.out / "networks" / "tiny-20" / "tiny.tflite").stat().st_size
    assert np.sum(row["confusion"]) == 14 and row["classes"][3] == "happy"
    assert row["pictures_seen"] == 28 and row["history"][0]["val_accuracy"] == pytest.approx(row["accuracy"])
    monkeypatch.setattr("jobs.lab.train", lambda _: pytest.fail("trained again"))
    assert compare_nets(replace(options, seeds=2)) == two
    assert json.loads((options.out / "comparison.json").read_text(encoding="utf-8")) == two
    with (options.out / "comparison.csv").open(newline="", encoding="utf-8") as lines:
        listed = list(csv.DictReader(lines))
    assert [float(line["accuracy"]) for line in listed] == [row["accuracy"] for row in two["rows"]]
    assert not {"confusion", "classes", "history"} & set(listed[0])
    html = (options.out / "comparison.html").read_text(encoding="utf-8")
    assert "Networks on few.npz" in html and "±" in html and "What is taken for what" in html
    page = (options.out / "comparison.md").read_text(encoding="utf-8")
    assert (
        page.startswith("# Networks on few.npz, ferplus labels, split public\n") and "| tiny | " in page and "±" in page
    )
    assert all(words in page for words in ("training pictures changed: cctv", "epochs at most: 1", "face in px: 16"))
    assert "training pictures changed" in html and "cctv" in html
    assert compare_nets(options)["summary"] == two["summary"]  # What is not asked for this time stays in the tables.
    with pytest.raises(UsageError, match="holds a comparison begun with epochs 1 instead of 2"):
        compare_nets(replace(options, epochs=2))


def test_the_budget_ends_each_training(options: "NetsOptions") -> None:
    """After the batch in which it is over: what was learned of a part of an epoch is a result, and says how much it was."""
    from jobs import lab
    from models.train import train

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(lab, "train", lambda training: train(replace(training, batch=7)))
        row = lab.compare_nets(replace(options, epochs=5, budget_s=1e-6))["rows"][0]
    assert (row["epochs"], row["ended_by"], row["pictures_seen"]) == (1, "budget", 7)
    assert 0 <= row["accuracy"] <= 1 and len(row["history"]) == 1


def test_patience_ends_a_training_early(options: "NetsOptions") -> None:
    """And the row says so; a folder that was begun before patience could be chosen had none."""
    from jobs.lab import compare_nets

    row = compare_nets(replace(options, epochs=50, patience=1))["rows"][0]
    assert row["ended_by"] == "early stopping" and row["epochs"] < 50 and row["pictures_seen"] == 28 * row["epochs"]
    record = options.out / "settings.json"
    settings = json.loads(record.read_text(encoding="utf-8"))
    record.write_text(json.dumps({name: value for name, value in settings.items() if name != "patience"}))
    with pytest.raises(UsageError, match="holds a comparison begun with patience 0 instead of 1"):
        compare_nets(replace(options, epochs=50, patience=1))


def test_plain_training_is_that_of_papers(options: "NetsOptions") -> None:
    """Nothing is balanced, mixed or averaged, and the network's record says so."""
    from jobs.lab import compare_nets

    compare_nets(replace(options, epochs=1, plain=True, augment="flip"))
    record = json.loads(next(options.out.glob("networks/*/training.json")).read_text(encoding="utf-8"))
    named = {"balance": 0, "mixup": 0, "smoothing": 0, "averaged": 0, "augment": "flip"}
    assert {name: record["options"][name] for name in named} == named


def test_a_network_that_fails_stops_no_other(options: "NetsOptions", monkeypatch: pytest.MonkeyPatch) -> None:
    """Its row says why, and it is tried again the next time."""
    from jobs import lab
    from models.train import train as trained

    def train(training: Any) -> Path:
        if training.net == "lenet":
            raise UsageError("the loss is no number", "lower it")
        return trained(training)

    monkeypatch.setattr(lab, "train", train)
    found = lab.compare_nets(replace(options, nets=("lenet", "tiny")))
    assert [row.get("problem") for row in found["rows"]] == ["the loss is no number: lower it", None]
    assert [row["net"] for row in found["summary"]] == ["tiny"]
    assert "lenet, seed 20: the loss is no number" in (options.out / "comparison.md").read_text(encoding="utf-8")
    assert not (options.out / "rows" / "lenet-20.json").exists()


def test_heads_are_compared(dataset: Path, tmp_path: Path) -> None:
    """On descriptors and on what a network sees; the command prints the table."""
    import keras

    from jobs import cli_lab
    from models.networks import NETWORKS

    NETWORKS["lenet"](size=16).save(tmp_path / "net.keras")
    keras.utils.clear_session()
    app = typer.Typer()
    app.command()(cli_lab.heads)
    app.command()(cli_lab.nets)
    command = ["heads", str(dataset), "--out", str(tmp_path / "heads"), "--features", f"lbp,{tmp_path}/net.keras"]
    done = CliRunner().invoke(app, [*command, "--heads", "softmax,knn", "--most", "20", "--json"])
    assert done.exit_code == 0, done.output
    assert f"page: {tmp_path / 'heads' / 'comparison.html'}" in done.stderr
    found = json.loads(done.stdout)
    assert len(found["rows"]) == 4 and {row["head"] for row in found["rows"]} == {"softmax", "knn"}
    by_name = {(row["features"].partition("-")[0], row["head"]): row for row in found["rows"]}
    best = by_name["lbp", "softmax"]
    assert np.trace(best["confusion"]) == round(14 * best["accuracy"])
    assert "softmax on lbp" in (tmp_path / "heads" / "comparison.html").read_text(encoding="utf-8")
    assert best["accuracy"] > 0.9 and best["pictures"] == 20 and best["width"] == 36 * 59
    assert by_name["net", "knn"]["width"] == 84
    wrong = CliRunner().invoke(app, ["heads", str(dataset), "--out", str(tmp_path / "x"), "--features", "sift"])
    assert isinstance(wrong.exception, UsageError) and "--features sift: no such features" in str(wrong.exception)


@pytest.mark.parametrize("wrong", [{"loss": "hinge"}, {"schedule": "steep"}, {"augment": "wild"}, {"labels": "own"}])
def test_what_no_network_can_be_trained_with_is_refused_once(options: "NetsOptions", wrong: dict[str, Any]) -> None:
    """Not once in the row of each network."""
    from jobs import lab

    ((name, value),) = wrong.items()
    with pytest.raises(UsageError, match=f"--{name} {value}: unknown: choose of: [a-z]"):
        lab.compare_nets(replace(options, **wrong))
    with pytest.raises(UsageError, match="--size 16: --net inceptionv3 takes 75 px or more"):
        lab.compare_nets(replace(options, nets=("tiny", "inceptionv3")))
    assert not options.out.exists()


@pytest.mark.parametrize(("what", "name", "content"), [("nets", "faces", None), ("heads", "list.csv", "path,label\n")])
def test_what_has_no_splits_is_refused_before_anything_is_written(
    tmp_path: Path, what: str, name: str, content: str | None
) -> None:
    """A folder of classes, a list: with the command that makes a data set of it."""
    from jobs import cli_lab

    app = typer.Typer()
    app.command()(cli_lab.heads)
    app.command()(cli_lab.nets)
    if content is None:
        (tmp_path / name / "happy").mkdir(parents=True)
    else:
        (tmp_path / name).write_text(content, encoding="utf-8")
    done = CliRunner().invoke(app, [what, str(tmp_path / name), "--out", str(tmp_path / "out"), "--labels", "fer2013"])
    assert isinstance(done.exception, UsageError) and "has no splits: train on a FER-style .npz" in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_mean_and_spread() -> None:
    """Over the seeds, the most accurate first; what failed is in no mean."""
    rows = [
        {"net": "a", "seed": 20, "accuracy": 0.5, "seconds": 1.0},
        {"net": "a", "seed": 21, "accuracy": 0.7, "seconds": 3.0},
        {"net": "b", "seed": 20, "accuracy": 0.9, "seconds": 1.0},
        {"net": "b", "seed": 21, "problem": "no memory"},
    ]
    best, other = summary_of(rows, ("net",))
    assert (best["net"], best["accuracy"], best["accuracy_spread"], best["seeds"]) == ("b", 0.9, None, 1)
    assert other["accuracy"] == pytest.approx(0.6) and other["accuracy_spread"] == pytest.approx(0.02**0.5)
    assert other["seconds"] == 2 and other["seeds"] == 2
