"""The card of a classifier (Mitchell et al. 2019, "Model Cards for Model Reporting"), written when it is converted."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from models.begun import OPTIONS
from models.classifier import ModelFacts
from models.history import best_of

_LIMITS: Final = """- A probability says what a face looks like, which proves nothing about what a person feels or intends (Barrett et al.
  2019). Not for judging anybody.
- Threshold and temperature are calibrated on stills. On video it is worse, and its confidence is not calibrated there.
- Pictures of actors and pictures found by web search differ from people who were recorded without knowing it.
- Not tested by age, gender, skin tone or culture here; `emobatch evaluate --group` does it where pictures have such labels.
- Faces that are small, blurred, dark, turned or partly hidden are judged worse; docs/quality.md has the figures.
"""
_BEGAN: Final = {
    "recogniser": "It began with the filters of dlib_face_recognition_resnet_model_v1 (King 2017, CC0), which learned from three million\n"
    "pictures to tell people apart. Its last block and the layer that describes a person are left out; what the features\n"
    "still tell of identity was not measured.",
    "nothing": "It began with random weights.",
}
_LEFT_OUT: Final = {"freeze": "none", "freeze_epochs": 0, "fine_rate": 0.0}
"""Settings of which a command is silent where they are these."""
_DATA: Final = {
    "ferplus": (
        "votes of ten people a picture (FER+, Barsoum et al. 2016, arXiv:1608.01041) as soft targets over its classes; "
        "single votes and those for anything else left out"
    ),
    "fer2013": "the labels of FER2013 (Goodfellow et al. 2013, arXiv:1307.0414), one a picture",
}


def write_card(
    target: Path, facts: ModelFacts, training: Mapping[str, Any] | None, results: Mapping[str, Mapping[str, Any]]
) -> None:
    """Write the card of a converted network beside it.

    Args:
        target: the .tflite file.
        facts: what is stored beside it.
        training: what training left in training.json; None where the network came without.
        results: the objects of Evaluation.to_json by what was scored, in words, such as "public split, ferplus labels".
    """
    parts = [f"# Model card: {facts.name}\n", _table(target, facts, training), training_section(training)]
    parts += ["## Results\n", "Of the converted file, with threshold and temperature as it is used.\n"]
    parts += [_results(title, result) for title, result in results.items()]
    parts += ["## Limits\n", _LIMITS]
    target.with_suffix(".md").write_text("\n".join(parts), encoding="utf-8")


def training_of(network: Path) -> dict[str, Any] | None:
    """What training left beside its network; None where there is nothing readable."""
    try:
        found = json.loads((network.parent / "training.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("options"), dict) else None


def _table(target: Path, facts: ModelFacts, training: Mapping[str, Any] | None) -> str:
    heads = " and ".join(f"{share:.0%} {head}" for head, share in facts.heads.items())
    unless = f" unless it is {facts.sure:.0%} sure without" if facts.sure < 1 else ""
    rows = {
        "file": f"{target.name}, {target.stat().st_size:,} bytes, SHA-256 {facts.sha256}",
        "gives": f"probabilities of {', '.join(facts.classes)}",
        "takes": f"one face, {facts.size}x{facts.size} gray"
        + (f", averaged with its mirror image{unless}" if facts.flip else ""),
        "levels": f"{facts.normalised} of each crop (models/levels.py)"
        if facts.normalised
        else ("dark, pale and flat crops are evened first (models/crop.py)" if facts.even else "as they are"),
        "form": "LiteRT, weights int8, activations float (dynamic range)",
        "uncertain": f"below {facts.threshold:g}, at temperature {facts.temperature:g}",
        "converted": datetime.now(UTC).date().isoformat(),
    }
    if heads:
        rows["mixed from"] = f"its two outputs, {heads}"
        weighed = ", ".join(f"{name} {weight:g}" for name, weight in facts.weights.items())
        rows["classes weighed"] = f"{weighed} (models/mixing.py)"
    if training:
        rows["network"] = f"{training['options']['net']}, {training['parameters']:,} parameters (models/networks.py)"
        rows["trained with"] = (
            f"Keras {training['keras']}, {training['backend']}, {training.get('trained', 'day unknown')}"
        )
    rows["licence"] = "not said here: that of the weights is yours to choose, within the terms of the pictures"
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items()), ""])


def training_section(training: Mapping[str, Any] | None) -> str:
    """What the card says of a training, from training.json; with the commands of those whose weights it went on from."""
    if training is None:
        return "## Training\n\nUnknown: no training.json lay beside the network.\n"
    stages = [training]
    while stages[0].get("before"):
        stages.insert(0, stages[0]["before"])
    options = training["options"]
    labels = ("ferplus", "fer2013") if options["labels"] == "both" else (options["labels"],)
    listed = [_DATA.get(name, name) for name in labels]
    listed += [f"what {name} says, SHA-256 {sha256[:12]}…" for name, sha256 in training.get("teachers", {}).items()]
    first = str(stages[0]["options"].get("begin", "nothing"))
    imagenet = [f"{name} (SHA-256 {sha256[:12]}…)" for name, sha256 in (stages[0].get("weights") or {}).items()]
    data = training.get("data")
    if data and not data["votes"]:
        made_of = f" (made of {' and '.join(data['sources'])})" if data["sources"] else ""
        listed[labels.index("fer2013") if "fer2013" in labels else 0] = f"its labels, one a picture{made_of}"
    began = _BEGAN.get(first, f"It began with the weights of {Path(first).name}, of whose training nothing is known.")
    if imagenet:
        began = f"It began with weights that learned from ImageNet (Russakovsky et al. 2015): {' and '.join(imagenet)}."
    if len(stages) > 1 and training.get("before_sha256"):
        last = f"{options['begin']} (SHA-256 {training['before_sha256'][:12]}…)"
        began = f"{began} The last of {len(stages)} trainings, each of which went on from the one before, began with {last}."
    if options.get("freeze_epochs"):
        began = f"{began} Until epoch {options['freeze_epochs']} its head learned alone."
    of_data = (
        f" (SHA-256 {data['sha256'][:12]}…, {data['pictures']['train']:,} pictures, {data['pictures']['public']:,} to choose on)"
        if data
        else ""
    )
    commands = [_command(stage["options"], place, len(stages)) for place, stage in enumerate(stages, start=1)]
    settings = ", ".join(
        f"{name} {value}" for name, value in options.items() if name not in (*OPTIONS, "dataset", "out")
    )
    return "\n".join(
        [
            f"## Training\n\n{began} On the train split of {Path(options['dataset']).name}{of_data} it learned\n",
            *(f"- {what}" for what in listed),
            "\n```sh",
            *commands,
            f"```\n\n{settings}. {_kept(training)} on the public split.\n",
        ]
    )


def _kept(training: Mapping[str, Any]) -> str:
    """Which epoch was chosen, and by what."""
    history = training.get("history") or [{}]
    accuracies = [name for name in history[0] if name.startswith("val_") and name.endswith("accuracy")]
    # Of two heads that of FER+ chooses (TrainOptions.heads).
    monitor = max(accuracies, key=lambda name: "ferplus" in name, default=None)
    if monitor is None:
        return "The epoch was chosen"
    return f"Epoch {best_of(history, monitor)['epoch']} of {len(history)} was chosen by {monitor}"


def _command(options: Mapping[str, Any], stage: int, stages: int) -> str:
    """The command of one of several trainings, each of which begins with the weights of the one before."""
    words = [f"emobatch train {Path(options['dataset']).name}"]
    if options.get("smoothing") == options.get("averaged") == 0:  # Nothing else turns these off.
        words.append("--plain")
    for name, flag in OPTIONS.items():
        values = options.get(name, []) if name != "taught" or options.get("teachers") else []
        if options.get(name) == _LEFT_OUT.get(name, ()):
            continue
        for value in values if isinstance(values, list) else [values]:
            trained = Path(str(value)).suffix == ".keras"
            words.append(f"{flag} DIR{stage - 1 or ''}/{Path(value).name}" if trained else f"{flag} {value}")
    return " ".join([*words, f"--out DIR{stage if stages > 1 else ''}"])


def _results(title: str, result: Mapping[str, Any]) -> str:
    interval = result["macro_f1_interval"]
    sure = f" ({interval[0]:.3f} to {interval[1]:.3f}, 95 %)" if interval else ""
    uncertain = result["uncertain"]
    accepted = uncertain["accuracy_of_accepted"]
    others = "" if accepted is None else f"; accuracy of the others {accepted:.3f}"
    summary = (
        f"{result['n']:,} faces: accuracy {result['accuracy']:.3f}, macro-F1 {result['macro_f1']:.3f}{sure}, "
        f"expected calibration error {result['ece']:.3f} (15 bins). "
        f"Uncertain: {uncertain['share']:.1%}{others}.\n"
    )
    lines = [
        f"### {title[0].upper()}{title[1:]}\n",
        summary,
        "| class | n | precision | recall |\n|---|---|---|---|",
    ]
    for name, row in result["classes"].items():
        shown = ["-" if row[key] is None else f"{row[key]:.3f}" for key in ("precision", "recall")]
        lines.append(f"| {name} | {row['n']} | {shown[0]} | {shown[1]} |")
    if result["face_px"]:
        sizes = "; ".join(f"{px} px {part['accuracy']:.3f}" for px, part in result["face_px"].items())
        lines.append(f"\nAccuracy when scaled down and up again: {sizes}.")
    return "\n".join(lines) + "\n"
