"""The page of a day of footage with hundreds of tracks: how big it is, and how soon a person can work with it.

python benchmarks/page_of_24h.py WORK_FOLDER [TRACKS]
"""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import sync_playwright

from reports.archive import read_archive
from reports.boxes import Boxes
from reports.data import read_page
from reports.files import write_assets, write_whole
from reports.links import footage_of
from reports.stored import StoredTables
from reports.video_page import video_html
from tests.browser import CHROMIUM
from tests.clips import write_clip
from tests.footage import Scene
from tests.test_report_data import face_row, sample_rows, track_row, video_row, write_rows

VIDEO = "f" * 16
DAY_S = 86_400
STEP_S = 0.5
JITTER = 0.015
"""Standard deviation of a detector's edges, of the side of a face."""
PLAYED = ("neutral", "happy", "sad", "uncertain", "surprise")

# What has happened in the page, by the page's own clock, ms since it was asked for.
_CLOCK = """
new Promise((done) => {
  const video = document.querySelector('.stage video');
  const passed = {};
  const look = () => {
    if (video.videoWidth) passed.picture ??= performance.now();
    if (document.querySelector('.chart .main-svg')) passed.first_chart ??= performance.now();
    const onScreen = [...document.querySelectorAll('.chart')].filter((c) => c.getBoundingClientRect().top < innerHeight);
    if (onScreen.every((c) => c.querySelector('.main-svg'))) passed.all_on_the_screen ??= performance.now();
    if (document.documentElement.dataset.drawn) { passed.all_charts = performance.now(); done(passed); }
    else setTimeout(look, 10);
  };
  look();
})
"""
_CLICK = """
new Promise((done) => {
  const video = document.querySelector('.stage video');
  const area = document.querySelector('[data-figure=figure-coverage] .nsewdrag').getBoundingClientRect();
  const began = performance.now();
  video.addEventListener('seeked', () => done([performance.now() - began, video.currentTime]), { once: true });
  document.querySelector('[data-figure=figure-coverage]').dispatchEvent(
    new MouseEvent('click', { clientX: area.left + area.width / 2, clientY: area.top + 5, bubbles: true }));
})
"""


def track_of(number: int, random: np.random.Generator) -> list[dict[str, Any]]:
    """The faces of one track: someone walks in, stays a while, turns, looks about, and leaves."""
    n = int(np.clip(random.lognormal(np.log(180), 1.1), 4, 3600))
    start = int(random.integers(0, DAY_S * 2 - n))
    # A pull back to where one stands, pushes now and then: people sit, shift and walk.
    pushes = random.normal(0, 1, (n, 2)) * np.where(random.random((n, 1)) < 0.15, 30, 0.6)
    place = np.cumsum(pushes, axis=0) * 0.7 + random.uniform([200, 200], [1700, 800])
    side = np.clip(60 + np.cumsum(random.normal(0, 0.4, n)), 24, 160)
    edges = np.column_stack([place, side, side * 1.25]) + random.normal(0, JITTER, (n, 4)) * side[:, None]
    seen = random.random(n) > 0.01
    faces = []
    label = "neutral"
    for k in np.flatnonzero(seen):
        if random.random() < STEP_S / 12:
            label = str(random.choice(PLAYED))
        x, y, w, h = (float(value) for value in edges[k])
        usable = bool(random.random() > 0.02)
        confidence = float(random.uniform(0.45, 0.99))
        face = face_row(VIDEO, (start + int(k)) * STEP_S, number, label, usable=usable, confidence=confidence)
        faces.append(face | {"x": x, "y": y, "w": w, "h": h, "sample": start + int(k)})
    return faces


def make_results(work: Path, tracks: int) -> int:
    """Tables and footage of one day; the number of faces."""
    footage = work / "day.mp4"
    if not footage.is_file():
        write_clip(Scene(width=160, height=90, fps=1.0, duration_s=DAY_S), footage, gop=60)
    random = np.random.default_rng(24)
    by_track = [track_of(number, random) for number in range(1, tracks + 1)]
    faces = sorted((face for track in by_track for face in track), key=lambda face: float(face["pts_s"]))
    rows = [
        track_row(VIDEO, number, track[0]["pts_s"], track[-1]["pts_s"], neutral=0.7, happy=0.3)
        for number, track in enumerate(by_track, 1)
    ]
    holes = [{"start_s": 3600.0 * k, "end_s": 3600.0 * k + 40, "kind": "hole", "cause": "lost"} for k in range(1, 24)]
    video = video_row(
        VIDEO, source=str(footage), width=1920, height=1080, duration_s=float(DAY_S), decoded_s=DAY_S - 920.0,
        coverage=0.99, holes=holes, n_samples=DAY_S * 2, n_faces=len(faces), n_tracks=tracks,
    )  # fmt: skip
    samples = sample_rows(VIDEO, DAY_S * 2, STEP_S)
    for table, content in (("videos", [video]), ("samples", samples), ("faces", faces), ("tracks", rows)):
        write_rows(work / "out", table, content, VIDEO)
    return len(faces)


def draw(out: Path) -> tuple[Path, float, Boxes]:
    """The page, the seconds that it took, and its boxes."""
    archive = read_archive(out)
    started = time.perf_counter()
    page = read_page(StoredTables(out), archive.videos[0], archive.labels)
    html = video_html(page, out, {}, footage_of(page.video.source, out))
    elapsed_s = time.perf_counter() - started
    path = out / "reports" / "videos" / f"{VIDEO}.html"
    write_assets(out / "reports" / "assets")
    write_whole(path, html)
    return path, elapsed_s, page.boxes


def main() -> None:
    """Make, draw, open, click; print what came out."""
    work = Path(sys.argv[1])
    work.mkdir(parents=True, exist_ok=True)
    n_faces = make_results(work, int(sys.argv[2]) if len(sys.argv) > 2 else 300)
    path, elapsed_s, boxes = draw(work / "out")
    n_points = sum(len(sighting.times_ms) for sighting in boxes.sightings)
    print(f"{n_faces:,} faces, of which {n_points:,} are boxes of the page (tolerance {boxes.tolerance:.2f})")
    print(f"drawn in {elapsed_s:.1f} s, {path.stat().st_size / 1e6:.2f} MB")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for _ in range(3):
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(path.as_uri(), wait_until="commit")
            page.wait_for_selector(".stage video", state="attached")
            passed = page.evaluate(_CLOCK)
            page.wait_for_function("() => document.querySelector('.stage video').readyState >= 2")
            seek_ms, at_s = page.evaluate(_CLICK)
            times = ", ".join(f"{name} {ms:.0f} ms" for name, ms in passed.items())
            print(f"{times}; a click shows {at_s:.1f} s after {seek_ms:.0f} ms")
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
