"""One run at a time in OUT, whatever becomes of the runs: real processes that are killed, stopped and woken."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import pytest

from analytics.errors import EmobatchError, LockedError
from jobs.lock import LOCK, locked
from jobs.lock_file import Holder
from jobs.options import RunOptions
from jobs.outcome import VideoOutcome
from jobs.run import Silent, run
from tests.clips import write_clip
from tests.command import ENVIRONMENT
from tests.footage import Scene

BEAT_S: Final = 0.1
STALE_S: Final = 1.0

# Answers each line on stdin with what check() says.
HOLDER: Final = """
import sys
from pathlib import Path
from analytics.errors import EmobatchError
from jobs.lock import locked
try:
    with locked(Path(sys.argv[1]), "emobatch run", beat_s=float(sys.argv[2]), stale_s=float(sys.argv[3])) as lock:
        print("held", flush=True)
        for _ in sys.stdin:
            lock.check()
            print("still", flush=True)
except EmobatchError as error:
    print(error, flush=True)
    sys.exit(error.exit_code)
"""
NO_LINKS: Final = """
import errno, os
def link(*_): raise OSError(errno.EPERM, "Operation not permitted")
os.link = link
"""
# Takes the lock of one folder after the other, all contenders at the same moment, and says where it won.
CONTENDER: Final = """
import os, sys, time
from pathlib import Path
from analytics.errors import LockedError
from jobs.lock import locked
for line in sys.stdin:
    folder, at = line.split()
    while time.monotonic() < float(at):
        pass
    try:
        with locked(Path(folder), "emobatch run", stale_s=1):
            inside = os.open(Path(folder, "inside"), os.O_CREAT | os.O_EXCL)  # Fails where another run is in, too.
            time.sleep(0.03)
            os.close(inside)
            Path(folder, "inside").unlink()
        print("won", flush=True)
    except LockedError:
        print("lost", flush=True)
"""


def start(script: str, *arguments: str | Path, before: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """A Python process of its own with this script."""
    return subprocess.Popen(
        [*before, sys.executable, "-c", script, *map(str, arguments)],
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def says(process: subprocess.Popen[str], line: str = "") -> str:
    """What a process says next, after it was given a line."""
    assert process.stdin and process.stdout
    if line:
        process.stdin.write(line)
        process.stdin.flush()
    return process.stdout.readline().strip()


@contextmanager
def holder(out: Path, script: str = HOLDER, before: tuple[str, ...] = ()) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock of a folder, killed and reaped in the end."""
    with start(script, out, str(BEAT_S), str(STALE_S), before=before) as process:
        try:
            assert says(process) == "held"
            yield process
        finally:
            process.kill()


def taken(out: Path) -> float:
    """Take the lock and give it back; the seconds that it took."""
    began = time.monotonic()
    with locked(out, "emobatch run", beat_s=BEAT_S, stale_s=STALE_S) as lock:
        lock.check()
        return time.monotonic() - began


def stored(out: Path) -> dict[str, Any]:
    """What stands in the lock."""
    read: dict[str, Any] = json.loads((out / LOCK).read_text(encoding="utf-8"))
    return read


def change(out: Path, **facts: object) -> None:
    """Write other facts into a lock in its place, so that its holder goes on touching it."""
    changed = json.dumps({**stored(out), **facts})
    with (out / LOCK).open("r+", encoding="utf-8") as file:
        file.write(changed)
        file.truncate()


def gone(out: Path, **facts: Any) -> None:
    """The lock of a process that died in another machine, unless facts say something else."""
    here = replace(Holder.here("emobatch run"), machine="another machine", host="nvr2")
    out.mkdir(exist_ok=True)
    (out / LOCK).write_text(json.dumps({**asdict(here), **facts}), encoding="utf-8")


def age(out: Path, seconds: float) -> None:
    """Let the last touch of a lock lie so far back."""
    then = time.time() - seconds
    os.utime(out / LOCK, (then, then))


def test_the_second_run_is_told_of_the_first(tmp_path: Path) -> None:
    """Host, process, command, since when, when last seen, and what to do; afterwards nothing is left."""
    out = tmp_path / "deep" / "out"
    with holder(out) as first:
        facts = stored(out)
        with pytest.raises(LockedError) as caught, locked(out, "emobatch run"):
            pass
        assert caught.value.exit_code == 5
        for part in (str(out), "`emobatch run`", f"process {first.pid}", facts["host"], facts["started_at"], "0 s ago"):
            assert part in caught.value.problem
        assert f"kill -INT {first.pid}" in caught.value.remedy
        assert says(first, "\n") == "still"
        first.communicate()
        assert first.returncode == 0
    assert list(out.iterdir()) == []
    taken(out)
    assert list(out.iterdir()) == []


def test_the_lock_of_a_killed_run_is_taken_at_once(tmp_path: Path) -> None:
    """Even before its parent took note of its death."""
    with holder(tmp_path) as first:
        first.kill()
        while Path(f"/proc/{first.pid}/status").read_text().find("State:\tZ") < 0:
            time.sleep(0.01)
        assert taken(tmp_path) < 0.5
    with holder(tmp_path) as first:
        first.kill()
        first.wait()
        assert taken(tmp_path) < 0.5
    assert list(tmp_path.iterdir()) == []


def test_a_stopped_run_of_this_machine_keeps_its_lock(tmp_path: Path) -> None:
    """It gives no sign of life, but is there."""
    with holder(tmp_path) as first:
        first.send_signal(signal.SIGSTOP)
        age(tmp_path, 3600)
        with pytest.raises(LockedError, match="3600 s ago"):
            taken(tmp_path)
        first.send_signal(signal.SIGCONT)
        assert says(first, "\n") == "still"


def test_a_pid_that_another_process_has_now(tmp_path: Path) -> None:
    """The start of the process tells them apart."""
    with holder(tmp_path) as first:
        change(tmp_path, process_started_s=stored(tmp_path)["process_started_s"] - 10)
        assert taken(tmp_path) < 0.5
        assert first.poll() is None


def test_a_run_of_another_machine_that_lives(tmp_path: Path) -> None:
    """Its signs of life protect it, also where its pid means nothing here."""
    with holder(tmp_path) as first:
        change(tmp_path, machine="nvr1 of another boot", pid=2**30)
        time.sleep(3 * BEAT_S)
        with pytest.raises(LockedError, match="where its machine is down, try again in 1 min"):
            taken(tmp_path)
        assert says(first, "\n") == "still"


def test_a_run_that_slept_finds_its_lock_taken(tmp_path: Path) -> None:
    """It stops writing, and leaves the lock of the other run alone."""
    with holder(tmp_path) as first:
        change(tmp_path, machine="another machine")
        first.send_signal(signal.SIGSTOP)
        time.sleep(3 * BEAT_S)
        with holder(tmp_path) as second:
            first.send_signal(signal.SIGCONT)
            said = says(first, "\n")
            assert "was taken for dead" in said
            assert f"process {second.pid}" in said
            assert first.wait() == 1
            assert stored(tmp_path)["pid"] == second.pid
            assert says(second, "\n") == "still"
            with pytest.raises(LockedError):
                taken(tmp_path)


def test_two_containers_of_one_host(tmp_path: Path) -> None:
    """Each has its own process 1: a live lock of the other one is not taken for a dead one."""
    before = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc")
    try:
        subprocess.run([*before, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no pid namespaces for this user")
    with holder(tmp_path, before=before) as first:
        assert stored(tmp_path)["pid"] == 1
        with start(HOLDER, tmp_path, str(BEAT_S), str(STALE_S), before=before) as second:
            assert "is held by `emobatch run`, process 1 on" in says(second)
            assert second.wait() == 5
        assert says(first, "\n") == "still"
        first.send_signal(signal.SIGSTOP)  # unshare alone; what it started goes on.
        with pytest.raises(LockedError):
            taken(tmp_path)


@pytest.mark.parametrize("seconds", [3600, -3600])
def test_a_clock_that_is_wrong_protects_the_living(tmp_path: Path, seconds: float) -> None:
    """The touches of a holder whose clock is an hour off are seen to go on."""
    gone(tmp_path)
    stop = threading.Event()

    def touch() -> None:
        while not stop.wait(BEAT_S):
            age(tmp_path, seconds)

    thread = threading.Thread(target=touch)
    thread.start()
    time.sleep(2 * BEAT_S)
    with pytest.raises(LockedError, match="s ago" if seconds > 0 else "at a time to come"):
        taken(tmp_path)
    stop.set()
    thread.join()


def test_a_clock_that_is_wrong_protects_nobody_dead(tmp_path: Path) -> None:
    """A last touch in the future, and then silence for the whole time."""
    gone(tmp_path)
    age(tmp_path, -3600)
    assert STALE_S <= taken(tmp_path) < 3 * STALE_S


def test_a_dead_run_of_another_machine(tmp_path: Path) -> None:
    """Refused at first, taken when it was silent for long enough; at once is never, for clocks may be wrong."""
    gone(tmp_path)
    with pytest.raises(LockedError):
        taken(tmp_path)
    age(tmp_path, STALE_S / 2)
    assert taken(tmp_path) >= STALE_S / 2
    gone(tmp_path)
    age(tmp_path, 3600)
    assert taken(tmp_path) >= 2 * BEAT_S


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"token": "../../x"}', b"[" * 60_000])
def test_a_damaged_lock(tmp_path: Path, content: bytes) -> None:
    """It may be one that is being written, so it is dead when nobody touched it for long."""
    (tmp_path / LOCK).write_bytes(content)
    with pytest.raises(LockedError, match="whose lock is damaged"):
        taken(tmp_path)
    age(tmp_path, 3600)
    taken(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("facts", [{"pid": -1}, {"pid": "1"}, {"token": "../../../x"}, {"machine": 3}])
def test_a_lock_with_facts_that_cannot_be(tmp_path: Path, facts: dict[str, object]) -> None:
    """No signal is sent to a process group, and no file is made elsewhere."""
    gone(tmp_path, **facts)
    with pytest.raises(LockedError, match="whose lock is damaged"):
        taken(tmp_path)


@pytest.mark.parametrize("links", ["", NO_LINKS], ids=["hard links", "no hard links"])
def test_exactly_one_of_many_wins(tmp_path: Path, links: str) -> None:
    """A free lock, a lock of a dead run, and one whose taker died, each raced for many times."""
    with start("") as ended:
        ended.wait()
    dead = replace(Holder.here("emobatch run"), pid=ended.pid)
    contenders = [start(links + CONTENDER) for _ in range(3)]
    for number in range(30):
        out = tmp_path / str(number)
        out.mkdir()
        if number % 3:
            (out / LOCK).write_text(json.dumps(asdict(dead)))
        if number % 3 == 2:
            taker = replace(dead, token=f"{number:032x}")
            (out / f"{LOCK}.{dead.token}.taken").write_text(json.dumps(asdict(taker)))
        at = time.monotonic() + 0.02
        for contender in contenders:
            assert contender.stdin
            contender.stdin.write(f"{out} {at}\n")
            contender.stdin.flush()
        results = [says(contender) for contender in contenders]
        # Who comes when the winner is through may win, too; the file `inside` shows that they were not both in.
        assert "won" in results
        assert set(results) <= {"won", "lost"}, [contender.communicate() for contender in contenders]
        assert list(out.iterdir()) == []
    for contender in contenders:
        _, errors = contender.communicate()
        assert contender.returncode == 0, errors
        assert "Traceback" not in errors


def test_contenders_that_are_killed_all_the_time(tmp_path: Path) -> None:
    """Whatever step they die in, never are two runs in, and in the end the lock can be had."""
    script = """
import os, psutil, random, sys, threading
from pathlib import Path
from analytics.errors import LockedError
from jobs.lock import locked
out = Path(sys.argv[1])
threading.Timer(random.uniform(0, 0.1), lambda: os.kill(os.getpid(), 9)).start()
while True:
    try:
        with locked(out, "emobatch run"):
            for other in out.glob("inside.*"):  # Whoever was in must have died there.
                pid = int(other.suffix[1:])
                assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
                other.unlink()
            mine = out / f"inside.{os.getpid()}"
            mine.touch()
            mine.unlink()
    except LockedError:
        pass
"""
    for _ in range(8):
        started = [start(script, tmp_path) for _ in range(3)]
        for process in started:
            _, errors = process.communicate()
            assert process.returncode == -signal.SIGKILL, errors
            assert "Traceback" not in errors
    taken(tmp_path)
    for path in tmp_path.iterdir():  # What was killed before it wrote who it is goes when it is old.
        os.utime(path, (time.time() - 7200,) * 2)
    taken(tmp_path)
    assert not list(tmp_path.glob(f"{LOCK}*"))


def test_no_hard_links(tmp_path: Path) -> None:
    """The file systems of memory cards and some shares have none."""
    with holder(tmp_path, NO_LINKS + HOLDER) as first:
        assert stored(tmp_path)["pid"] == first.pid
        with pytest.raises(LockedError):
            taken(tmp_path)
        first.kill()
        first.wait()
        with holder(tmp_path, NO_LINKS + HOLDER) as second:
            assert stored(tmp_path)["pid"] == second.pid
            second.communicate()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("times", [1, 5])
def test_an_interrupted_run_gives_its_lock_back(tmp_path: Path, times: int) -> None:
    """However often somebody presses Ctrl-C."""
    with holder(tmp_path) as first:
        for _ in range(times):
            first.send_signal(signal.SIGINT)
            time.sleep(0.001)
        _, errors = first.communicate()
        assert "KeyboardInterrupt" in errors
    # Python may be interrupted before it comes to give the lock back; of a process that is gone it holds nobody up.
    assert times > 1 or not (tmp_path / LOCK).exists()
    assert taken(tmp_path) < 0.5


def test_two_runs_of_one_process(tmp_path: Path) -> None:
    """A notebook with two threads; and a lock that this process forgot is dead."""
    with locked(tmp_path, "emobatch run") as lock:
        with pytest.raises(LockedError), locked(tmp_path, "emobatch run"):
            pass
        lock.check()
    with locked(tmp_path / "other", "emobatch run"):
        taken(tmp_path)
    (tmp_path / LOCK).write_text(json.dumps(asdict(Holder.here("emobatch run"))))
    assert taken(tmp_path) < 0.5


def test_a_lock_that_somebody_removed(tmp_path: Path) -> None:
    """The run is told, and ends as it should."""
    with locked(tmp_path, "emobatch run") as lock:
        (tmp_path / LOCK).unlink()
        with pytest.raises(EmobatchError, match="taken or removed: run again") as caught:
            lock.check()
        assert not isinstance(caught.value, LockedError)
    assert list(tmp_path.iterdir()) == []


def test_litter_of_the_dead_is_removed(tmp_path: Path) -> None:
    """And nothing of the living: another run may just be waiting."""
    with start("") as ended:
        ended.wait()
    dead = replace(Holder.here("x"), pid=ended.pid)
    living = replace(Holder.here("x"), machine="another machine")
    for token, one in (("1" * 32, dead), ("2" * 32, living)):
        for kind in ("new", "taken", "released"):
            (tmp_path / f"{LOCK}.{token}.{kind}").write_text(json.dumps(asdict(one)))
    taken(tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {f"{LOCK}.{'2' * 32}.{kind}" for kind in ("new", "taken", "released")}
    for path in tmp_path.iterdir():
        os.utime(path, (time.time() - 7200,) * 2)
    taken(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_out_that_cannot_be_written() -> None:
    """The caller words it."""
    with pytest.raises(OSError), locked(Path("/proc/emobatch"), "emobatch run"):
        pass
    with pytest.raises(OSError), locked(Path("/proc/self/fd"), "emobatch run"):
        pass


class _Robbed(Silent):
    """Takes the lock away when the first video has ended, as a run does that took this one for dead."""

    def __init__(self, out: Path) -> None:
        self.out = out

    def ended(self, number: int, of: int, outcome: VideoOutcome, size: int) -> None:
        """Another run holds OUT now."""
        (self.out / LOCK).write_text('{"token": "another", "host": "other"}')


def test_a_run_that_lost_its_lock_leaves_pages_to_the_other(tmp_path: Path) -> None:
    """It ends with an error that says so, and draws nothing over what the run that took its place draws."""
    for seed in range(3):
        write_clip(Scene(160, 96, 5, 1, seed), tmp_path / f"{seed}.mp4")
    out = tmp_path / "out"
    options = RunOptions(sources=(str(tmp_path / "*.mp4"),), out=out, workers=0, stable_for_s=0)
    with pytest.raises(EmobatchError, match="taken"):
        run(options, _Robbed(out))
    assert not (out / "reports" / "index.html").exists()
    (record,) = (out / "runs").glob("*.json")
    assert json.loads(record.read_text())["interrupted"]
