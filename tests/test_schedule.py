"""Units and crontab lines say what was meant, whatever the paths are called."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from analytics.errors import UsageError
from jobs.schedule import MARK, Night, cron_line, service, timer
from tests.command import COMMAND, ENVIRONMENT, ROOT, Finished

HOSTILE: Final = (
    "a b", "100%", "%h%%i", "$HOME", "${HOME}", "$$", 'q"uote', "it's", "back\\slash", "end\\", "a\\%b", "Tür ñ 門", ";",
    "a;b", "#x", "-dash", "*.mp4", "`id`", "!x", " lead", "trail ", "~", "{a,b}", "\\x41", "@at", ":colon", "a=b", "&", "|",
)  # fmt: skip


def schedule(*arguments: str | Path, cwd: Path, **variables: str) -> Finished:
    """Run the command in a folder."""
    environment = {**ENVIRONMENT, "XDG_CONFIG_HOME": str(cwd / "config"), **variables}
    done = subprocess.run(
        [*COMMAND, "schedule", *map(str, arguments)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        timeout=60,
        check=False,
    )
    finished = Finished(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in finished.stderr, finished.stderr
    return finished


def night(**facts: object) -> Night:
    """A night of all hostile names, unless facts say something else."""
    plain: dict[str, object] = {
        "command": ("/opt/emo batch/bin/emobatch",),
        "sources": tuple(f"/footage/{name}" for name in HOSTILE),
        "out": Path("/srv/out"),
        "at": "22:00",
    }
    return Night(**{**plain, **facts})  # type: ignore[arg-type]


def settings(unit: str) -> dict[str, list[str]]:
    """Setting -> its values, in the order of the unit; the names of sections are left out."""
    found: dict[str, list[str]] = {}
    for line in unit.splitlines():
        if line and not line.startswith(("#", "[")):
            name, value = line.split("=", 1)
            found.setdefault(name, []).append(value)
    return found


def words_of(value: str) -> list[str]:
    """The words of a setting as systemd reads them: quotes, backslashes, then specifiers."""
    words = []
    for word in re.findall(r'"(?:[^"\\]|\\.)*"|\S+', value):
        plain = re.sub(r'\\(["\\])', r"\1", word[1:-1]) if word.startswith('"') else word
        assert not re.search(r"%(?!%)", plain.replace("%%", "")), word
        words.append(plain.replace("%%", "%"))
    return words


def after_cron(line: str) -> str:
    """The command that cron gives to the shell: up to a % without backslash; \\% is a %."""
    command, escaped = "", False
    for character in line.rstrip("\n").split(" ", 5)[5]:
        if escaped:
            command = command[:-1] + "%" if character == "%" else command + character
            escaped = False
            continue
        if character == "%":
            break
        command += character
        escaped = character == "\\"
    return command


def test_the_service_starts_what_was_meant() -> None:
    """All words arrive; nothing in them is a variable, a specifier or another command."""
    hostile = night(out=Path('/srv/o "u" $t 5%'), until="06:00", config=Path("/etc/emo batch.toml"))
    found = settings(service(hostile))
    (start,) = found["ExecStart"]
    words = words_of(start)
    assert words[0] == ":/opt/emo batch/bin/emobatch"
    assert words[1:] == hostile.words()[1:]
    assert words[-len(HOSTILE) :] == [f"/footage/{name}" for name in HOSTILE]
    assert words_of(found["ReadWritePaths"][0]) == ['/srv/o "u" $t 5%']
    assert all(line == line.strip() and not line.endswith("\\") for line in service(hostile).splitlines())


def test_the_service_is_shut_off() -> None:
    """From writing elsewhere, from the network, and from what a run does not need."""
    found = settings(service(night(system=True, user="recorder")))
    for name, value in {
        "Type": "oneshot",
        "User": "recorder",
        "KillSignal": "SIGINT",
        "IOSchedulingClass": "idle",
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "ReadWritePaths": "/srv/out",
        "ProtectHome": "read-only",
        "PrivateTmp": "yes",
        "IPAddressDeny": "any",
        "IPAddressAllow": "localhost",
        "CapabilityBoundingSet": "",
        "MemoryDenyWriteExecute": "yes",
        "SystemCallFilter": "@system-service",
        "UMask": "0027",
        "SuccessExitStatus": "130",
    }.items():
        assert found[name] == [value], name
    assert found["RequiresMountsFor"][0].startswith("/srv/out ")


def test_a_cluster_needs_the_network() -> None:
    """And a service that starts when there is one."""
    found = settings(service(night(system=True, network=True, scheduler="tcp://10.0.0.1:8786")))
    assert "IPAddressDeny" not in found
    assert found["After"] == ["network-online.target"]
    assert "--scheduler tcp://10.0.0.1:8786" in found["ExecStart"][0]


def test_units_of_a_user() -> None:
    """A user's systemd can shut a service off only together with PrivateUsers, and cannot filter addresses."""
    found = settings(service(night()))
    assert found["PrivateUsers"] == ["yes"]
    assert not {"User", "IPAddressDeny", "CapabilityBoundingSet", "RequiresMountsFor"} & set(found)


def test_footage_in_the_temporary_folder() -> None:
    """A private one would hide it."""
    found = settings(service(night(sources=("/tmp/footage",))))
    assert found["PrivateTmp"] == ["no"]


def test_a_detector_that_makes_code() -> None:
    """TensorFlow, which mtcnn brings, may compile what it runs."""
    assert settings(service(night(compiles=True)))["MemoryDenyWriteExecute"] == ["no"]


@pytest.mark.parametrize(
    ("at", "until", "now", "inside"),
    [
        ("22:00", "06:00", "2204", True),
        ("22:00", "06:00", "0559", True),
        ("22:00", "06:00", "0600", False),
        ("22:00", "06:00", "0908", False),
        ("01:00", "05:30", "0100", True),
        ("01:00", "05:30", "0530", False),
        ("00:00", "08:00", "0009", True),
        ("00:00", "08:00", "2359", False),
    ],
)
def test_a_missed_night_is_not_made_up_for_in_the_day(at: str, until: str, now: str, inside: bool) -> None:
    """The condition of the service, as the shell reads it."""
    (condition,) = settings(service(night(at=at, until=until)))["ExecCondition"]
    shell, flag, script = shlex.split(condition.replace("$$", "$").replace("%%", "%"))
    assert (shell, flag) == ("/bin/sh", "-c")
    assert "$(date +%H%M)" in script
    done = subprocess.run([shell, flag, script.replace("$(date +%H%M)", now)], check=False)
    assert (done.returncode == 0) is inside


def test_the_timer() -> None:
    """Every night, made up for after a night without power."""
    found = settings(timer(night(at="05:07", name="night-2")))
    assert found["OnCalendar"] == ["*-*-* 05:07:00"]
    assert found["Persistent"] == ["true"]
    assert found["Unit"] == ["night-2.service"]
    assert found["WantedBy"] == ["timers.target"]


@pytest.mark.parametrize("through_cron", [True, False])
@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_the_words_of_the_cron_line_arrive(number: int, through_cron: bool, tmp_path: Path) -> None:
    """Through cron, which cuts at %, and through cron of BusyBox, which does not; and through the shell."""
    show = tmp_path / "show % me.sh"
    show.write_text('#!/bin/sh\nprintf "%s\\0" "$@"\n')
    show.chmod(0o755)
    some = (f"/footage/{HOSTILE[number]}", f"{HOSTILE[number]}%")
    line = cron_line(night(command=(str(show),), at="06:05", until="07:00", sources=some))
    assert line.startswith("5 6 * * * nice ")
    assert line.count("\n") == 1
    command = after_cron(line) if through_cron else line.split(" ", 5)[5]
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=True, env={"PATH": "/usr/bin:/bin"})
    assert done.stdout.decode().split("\0")[:-1] == ["run", "--out", "/srv/out", "--until", "07:00", *some]


def test_a_line_too_long_for_cron() -> None:
    """Debian's drops it without a word to anybody."""
    with pytest.raises(UsageError, match="more than cron takes: write them into a file"):
        cron_line(night(sources=tuple(f"/footage/{n}" for n in range(100))))


@pytest.mark.parametrize("name", ["a\nb", "a\rb", "a\tb", "a\0b", "a\udcffb", "a\u2028b"])
def test_names_that_no_line_can_hold(name: str) -> None:
    """A line break would be a setting of its own."""
    with pytest.raises(UsageError, match="rename it"):
        night(sources=(f"/footage/{name}",))
    with pytest.raises(UsageError, match="rename it"):
        night(out=Path(f"/srv/{name}"))


@pytest.mark.parametrize("name", ["", "../x", "a b", "x@y", "-x", ".x", "a/b", "ü", "x" * 200])
def test_names_that_no_unit_has(name: str) -> None:
    """The name becomes a file's."""
    with pytest.raises(UsageError, match="--name"):
        night(name=name)


@pytest.mark.parametrize("text", ["24:00", "6:00", "06:60", "noon", "", "22", "22:00:00", "\u0662\u0662:00", "22:00\n"])
def test_times_that_are_none(text: str) -> None:
    """Both options say what is wanted."""
    with pytest.raises(UsageError, match=r"(?s)--at .*is no time of day: give hours and minutes"):
        night(at=text)
    with pytest.raises(UsageError, match="--until"):
        night(until=text)
    with pytest.raises(UsageError, match="is --at, too"):
        night(at="22:00", until="22:00")


def test_units_are_written_and_written_anew(tmp_path: Path) -> None:
    """Into the user's folder, with what is to be done next; the second time over the first."""
    for at in ("22:00", "23:30"):
        done = schedule("--systemd", "--at", at, "--out", "out", "footage", cwd=tmp_path)
        assert done.code == 0, done.stderr
    folder = tmp_path / "config" / "systemd" / "user"
    assert sorted(path.name for path in folder.iterdir()) == ["emobatch.service", "emobatch.timer"]
    assert "23:30" in (folder / "emobatch.timer").read_text()
    start = words_of(settings((folder / "emobatch.service").read_text())["ExecStart"][0])
    assert start[-3:] == ["--out", str(tmp_path / "out"), str(tmp_path / "footage")]
    assert f"wrote {folder}/emobatch.timer" in done.stdout
    for step in (f"mkdir -p {tmp_path}/out", "systemctl --user daemon-reload", "enable --now emobatch.timer"):
        assert step in done.stdout
    assert f"note: {tmp_path}/footage is not there now" in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_command_in_the_unit_runs(tmp_path: Path) -> None:
    """It is that of this environment, and runs from any folder without a PATH."""
    done = schedule("--systemd", "--to", "-", "--out", "out", "footage", cwd=tmp_path)
    start = words_of(settings(done.stdout)["ExecStart"][0])
    command = [start[0].removeprefix(":"), *start[1 : start.index("run")]]
    ran = subprocess.run(
        [*command, "--version"], cwd="/", env={"PYTHONPATH": str(ROOT)}, capture_output=True, check=True
    )
    assert ran.stdout.startswith(b"emobatch ")


@pytest.mark.parametrize("unit", ["emobatch.service", "emobatch.timer"])
def test_units_of_somebody_else_are_kept(tmp_path: Path, unit: str) -> None:
    """Neither of the two is written then; a masked unit, a link to /dev/null, is kept as well."""
    folder = tmp_path / "units"
    folder.mkdir()
    for mask in (False, True):
        (folder / unit).unlink(missing_ok=True)
        if mask:
            (folder / unit).symlink_to("/dev/null")
        else:
            (folder / unit).write_text("[Unit]\n")
        arguments = ("--systemd", "--to", "units", "--out", "out", "footage")
        done = schedule(*arguments, cwd=tmp_path)
        assert done.code == 2
        assert f"{unit}: was not written by emobatch: give another --name, or --force" in done.stderr
        assert [path.name for path in folder.iterdir()] == [unit]
    done = schedule(*arguments, "--force", cwd=tmp_path)
    assert done.code == 0
    assert (folder / unit).read_text().startswith(MARK)
    assert not (folder / unit).is_symlink()
    assert f"systemctl --user link {folder}/emobatch.service {folder}/emobatch.timer" in done.stdout


def test_a_configuration_names_the_rest(tmp_path: Path) -> None:
    """Its paths are relative to its folder; what it says of network and hours counts for the unit, too."""
    (tmp_path / "conf").mkdir()
    config = tmp_path / "conf" / "emobatch.toml"
    config.write_text(
        '[run]\nsources = ["footage"]\nout = "night"\nuntil = 06:00:00\n'
        'scheduler = "tcp://10.0.0.1:8786"\ndetector = "mtcnn"\n'
    )
    done = schedule("--systemd", "--system", "--to", "-", "--config", "conf/emobatch.toml", cwd=tmp_path)
    assert done.code == 0, done.stderr
    found = settings(done.stdout)
    out = str(tmp_path / "conf" / "night")
    assert words_of(found["ExecStart"][0])[1:] == ["run", "--config", str(config)]
    assert words_of(found["ReadWritePaths"][0]) == [out]
    assert "-lt 0600" in found["ExecCondition"][0]
    assert str(tmp_path / "conf" / "footage") in words_of(found["RequiresMountsFor"][0])
    assert "IPAddressDeny" not in found
    assert found["MemoryDenyWriteExecute"] == ["no"]
    assert schedule("--cron", cwd=tmp_path / "conf").stdout.endswith(f"run --config {config}\n")
    other = schedule("--cron", "--out", "other", cwd=tmp_path / "conf")
    assert other.stdout.endswith(f"run --config {config} --out {tmp_path}/conf/other\n")


def test_what_the_run_would_read_is_what_counts(tmp_path: Path) -> None:
    """A word in a comment turns no protection off, and a camera's detector does."""
    config = tmp_path / "emobatch.toml"
    config.write_text('[run]\nsources = ["footage"]\nout = "out" # mtcnn was slower\n')
    done = schedule("--systemd", "--to", "-", cwd=tmp_path)
    assert settings(done.stdout)["MemoryDenyWriteExecute"] == ["yes"], done.stderr
    config.write_text('[run]\nsources = ["footage"]\nout = "out"\n[camera.door]\ndetector = "mtcnn"\n')
    assert settings(schedule("--systemd", "--to", "-", cwd=tmp_path).stdout)["MemoryDenyWriteExecute"] == ["no"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--cron", "--config", "odd.toml"), "odd.toml:3: every: "),
        (("--cron", "--out", "s3://bucket/out", "x"), "s3://bucket/out: what is written here may write into OUT alone"),
        ((), "give --systemd or --cron"),
        (("--systemd", "--cron", "--out", "out", "x"), "give --systemd or --cron"),
        (("--cron", "x"), "names no OUT: give --out"),
        (("--cron", "--out", "out"), "names nothing to run over"),
        (("--cron", "--out", "out", "--config", "gone.toml"), "gone.toml: cannot be read"),
        (("--cron", "--out", "out", "--config", "bad.toml"), "bad.toml:1: "),
        (("--cron", "--out", "out", "@list.txt"), "@list.txt: names cam1, which depends on the folder"),
        (("--cron", "--out", "out", "x", "--at", "25:00"), "--at 25:00: is no time of day"),
        (("--systemd", "--out", "out", "x", "--to", "/proc/units"), "/proc/units: cannot be written"),
    ],
)
def test_what_cannot_be(arguments: tuple[str, ...], error: str, tmp_path: Path) -> None:
    """Exit code 2, one line, and nothing is printed or written."""
    (tmp_path / "bad.toml").write_text("[run")
    (tmp_path / "odd.toml").write_text('[run]\nout = "out"\nevery = "often"\nsources = ["x"]\n')
    (tmp_path / "list.txt").write_text("# cameras\n/footage\ncam1\n")
    done = schedule(*arguments, cwd=tmp_path)
    assert done.code == 2
    assert error in done.only_error()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.toml", "list.txt", "odd.toml"]


def analyzed(*arguments: str, cwd: Path) -> str:
    """What systemd-analyze has to say; nothing is a good sign."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        if os.environ.get("EMOBATCH_NEEDS_SYSTEMD"):
            pytest.fail("systemd-analyze is not here")
        pytest.skip("no systemd-analyze: apt-get install systemd")
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(cwd), "LC_ALL": "C.UTF-8"}
    done = subprocess.run([analyze, *arguments], capture_output=True, text=True, env=environment, cwd=cwd, check=False)
    return done.stdout + done.stderr + (f"exit code {done.returncode}" if done.returncode else "")


@pytest.mark.parametrize("kind", ["--system", "--user"])
def test_systemd_takes_the_units(kind: str, tmp_path: Path) -> None:
    """The written ones, with all hostile names."""
    sources = [f"./{name}" for name in HOSTILE]
    places = ("--to", "units", "--out", 'a b/"%h" $x')
    done = schedule("--systemd", kind, "--until", "06:00", *places, *sources, cwd=tmp_path)
    assert done.code == 0, done.stderr
    assert analyzed("verify", "--man=no", kind, "units/emobatch.timer", "units/emobatch.service", cwd=tmp_path) == ""


@pytest.mark.parametrize("name", [name for name in HOSTILE if not set(name) & set("\"'\\")])
def test_systemd_finds_the_command(name: str, tmp_path: Path) -> None:
    """It looks for the file that ExecStart names, so it read the name as it was meant."""
    command = tmp_path / name / f"emo {name} batch"
    command.parent.mkdir()
    command.touch(0o755)
    unit = tmp_path / "night.service"
    unit.write_text(service(night(command=(str(command),))), encoding="utf-8")
    assert analyzed("verify", "--man=no", "--system", str(unit), cwd=tmp_path) == ""
    command.unlink()
    assert "is not executable: No such file" in analyzed("verify", "--man=no", "--system", str(unit), cwd=tmp_path)


@pytest.mark.parametrize("name", ['q"uote', "it's", "back\\slash"])
def test_programs_that_systemd_does_not_start(name: str) -> None:
    """It refuses them without a word about the remedy."""
    with pytest.raises(UsageError, match="install emobatch elsewhere"):
        service(night(command=(f"/opt/{name}/bin/emobatch",)))


def test_systemd_finds_the_service_well_shut_off(tmp_path: Path) -> None:
    """The exposure that docs/operations.md tells, of 100."""
    unit = tmp_path / "night.service"
    unit.write_text(service(night(system=True, user="recorder", sources=("/footage",))), encoding="utf-8")
    judged = analyzed("security", "--offline=true", "--no-pager", "--threshold=20", str(unit), cwd=tmp_path)
    assert "exit code" not in judged, judged
