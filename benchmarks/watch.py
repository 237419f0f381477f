"""A run of emobatch with an eye on the memory of its processes."""

import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import psutil

Curve = list[tuple[float, float]]
"""Seconds since the start, resident memory in MB."""


@dataclass
class Watched:
    """A command that ended well."""

    elapsed_s: float = 0.0
    main: Curve = field(default_factory=list)
    workers: dict[int, Curve] = field(default_factory=lambda: defaultdict(list))
    """By process id."""
    own_mb: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    """The most that each worker held by itself: how much of the libraries' files counts as resident is the system's choice,
    98 or 174 MB of the same process here."""


def watch(command: list[str], period_s: float = 1.0) -> Watched:
    """Run a command to its end; the memory of it and of the processes that it spawned, once a period.

    Raises:
        CalledProcessError: it failed.
    """
    watched, started = Watched(), time.monotonic()
    process = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        now = time.monotonic() - started
        try:
            watched.main.append((now, process.memory_info().rss / 1e6))
            for child in process.children(recursive=True):
                if "spawn_main" in " ".join(child.cmdline()):
                    held = child.memory_info()
                    watched.workers[child.pid].append((now, held.rss / 1e6))
                    own_mb = (held.rss - held.shared) / 1e6
                    watched.own_mb[child.pid] = max(watched.own_mb[child.pid], own_mb)
        except psutil.Error:
            pass  # It ended between two questions.
        time.sleep(period_s)
    watched.elapsed_s = time.monotonic() - started
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return watched


def emobatch(*arguments: str | Path) -> list[str]:
    """The command line of a run."""
    return [sys.executable, "-m", "emobatch", "run", *map(str, arguments), "--stable-for", "0", "--quiet"]


def draw(path: Path, title: str, curves: dict[str, Curve]) -> None:
    """Write memory over time as an SVG."""
    width, height, left, bottom = 720, 300, 60, 40
    most_s = max(t for curve in curves.values() for t, _ in curve)
    most_mb = max(mb for curve in curves.values() for _, mb in curve) * 1.1
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/><text x="{left}" y="18" font-size="14">{title}</text>',
    ]

    def place(t: float, mb: float) -> str:
        x = left + t / most_s * (width - left - 20)
        return f"{x:.1f},{height - bottom - mb / most_mb * (height - bottom - 40):.1f}"

    for mb in range(0, int(most_mb), 100):
        (x, y), (to, _) = place(0, mb).split(","), place(most_s, mb).split(",")
        lines.append(f'<line x1="{x}" y1="{y}" x2="{to}" y2="{y}" stroke="#ddd"/>')
        lines.append(f'<text x="{left - 8}" y="{float(y) + 4}" text-anchor="end">{mb} MB</text>')
    for k in range(5):
        t = most_s * k / 4
        x = place(t, 0).split(",")[0]
        lines.append(f'<text x="{x}" y="{height - bottom + 18}" text-anchor="middle">{t:.0f} s</text>')
    for (name, curve), colour in zip(curves.items(), ("#444444", "#0072b2", "#d55e00", "#009e73"), strict=False):
        points = " ".join(place(t, mb) for t, mb in curve)
        lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        x, y = place(*curve[-1]).split(",")
        lines.append(f'<text x="{x}" y="{float(y) - 6}" text-anchor="end" fill="{colour}">{name}</text>')
    path.write_text("\n".join([*lines, "</svg>"]) + "\n", encoding="utf-8")
