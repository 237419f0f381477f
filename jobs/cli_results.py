"""`emobatch status` and `emobatch report`: what runs have left, told and drawn."""

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

from analytics.footage import is_url
from jobs.cli_config import ConfigOfOut, OutOfRun, config_for, out_named
from jobs.cli_options import Debug, Json, LinkFootage, log_to_stderr

if TYPE_CHECKING:
    from jobs.at_work import AtWork
    from jobs.config import Config


def report(
    ctx: typer.Context,
    out: OutOfRun = None,
    link_footage: LinkFootage = None,
    config: ConfigOfOut = None,
    debug: Debug = False,
) -> int:
    """Draw the pages again from the tables alone."""
    log_to_stderr()
    from jobs.opened import alone
    from reports.site import write_site

    out = out_named(ctx, out, config)
    with alone(out, "emobatch report") as folder:
        page = write_site(folder, everything=True, link_footage=link_footage, in_bucket=is_url(out))
    typer.echo(f"{out.rstrip('/')}/reports/index.html" if is_url(out) else page)
    return 0


def status(
    ctx: typer.Context, out: OutOfRun = None, config: ConfigOfOut = None, as_json: Json = False, debug: Debug = False
) -> int:
    """Tell what is done, partial or failed, and why; whether a run is at work, and what the last one did."""
    log_to_stderr()
    from analytics.events.reviews import FILE as REVIEWS
    from analytics.listing import EVENTS
    from analytics.purpose import FOLDER as PURPOSE
    from analytics.purpose import UNDECLARED, purpose_at, purposes_below
    from jobs.at_work import at_work, last_run
    from jobs.config_masks import masked_of
    from jobs.opened import for_reading
    from jobs.outcome import RUNS
    from jobs.results import Results, status_of
    from jobs.screen import count, printable

    out = out_named(ctx, out, config)
    told_by = config_for(ctx, out, config)
    folder = for_reading(out, ("videos", EVENTS, REVIEWS, RUNS, PURPOSE))
    found = status_of(Results.opened(folder))
    purpose = purpose_at(purposes_below(folder))
    now = at_work(out)
    last = last_run(folder, now)
    masked = masked_of(told_by.cameras)
    if is_url(out):
        found["out"] = out
    if as_json:
        told = purpose.told() if purpose else UNDECLARED
        work = now.to_json() if now else None
        found["masked_cameras"] = list(masked)
        typer.echo(json.dumps({**found, "at_work": work, "last_run": last, "purpose": told}))
        return 0
    typer.echo(_counted(found["videos"]) or "no video")
    masks = f"masks: of {count(len(masked), 'camera')} in {told_by.path}" if masked else ""
    events = _events_in_words(found, told_by)
    for line in (events, masks, _in_words(now), _last_in_words(last), f"purpose: {purpose.in_words()}"):
        if line:
            typer.echo(printable(line))
    for video in found["list"]:
        if video["status"] in ("failed", "partial"):
            typer.echo(printable(f"  {video['status']} {video['source']}: {video['reason']}"))
    for line in _masked_in_words(last):
        typer.echo(printable(f"  {line}"))
    return 0


def _counted(videos: dict[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in videos.items() if n)


def _events_in_words(found: dict[str, Any], config: "Config") -> str:
    """By severity, and how far they were reviewed; what there may be to do where there are none."""
    if any(found["events"].values()):
        verdicts = {name: n for name, n in found["reviews"].items() if name != "open"}
        judged = f"{sum(verdicts.values())} reviewed{f' ({of_them})' if (of_them := _counted(verdicts)) else ''}"
        return f"events: {_counted(found['events'])}; {found['reviews']['open']} open, {judged}"
    if config.of_events.get("rule") or config.of_events.get("events", {}).get("use"):
        return f"events: none; the rules in {config.path} found none, or were not evaluated: `emobatch events` does it"
    return ""


def _in_words(now: "AtWork | None") -> str:
    if now is None:
        return ""
    who = f"`{now.command}`, process {now.pid} on {now.host}"
    return f"at work: {who}, since {_clock(now.since)}, last sign of life {now.last_sign_s:.0f} s ago"


def _last_in_words(last: dict[str, Any] | None) -> str:
    from jobs.screen import duration

    if last is None:
        return ""
    how = "was interrupted" if last["interrupted"] else f"exit code {last['exit_code']}"
    took = f", {duration(last['elapsed_s'])}" if last["elapsed_s"] else ""  # One that was killed did not come to tell.
    left = f", {last['left']} left for later" if last["left"] else ""
    return f"last run: {_clock(last['started_at'])}{took}: {_counted(last['videos']) or 'no video'}{left}; {how}"


def _masked_in_words(last: dict[str, Any] | None) -> list[str]:
    """What the last run did not look at for masks."""
    from jobs.masked import OF_NOBODY
    from jobs.screen import MOST_FAILURES

    if last is None:
        return []
    lines = [f"camera {name}: {OF_NOBODY}" for name in last["masks_of_nobody"]]
    lines += [f"not looked at {one['source']}: {one['reason']}" for one in last["refused"][:MOST_FAILURES]]
    more = len(last["refused"]) - MOST_FAILURES
    return lines + ([f"not looked at and {more:,} more: emobatch status --json lists them"] if more > 0 else [])


def _clock(moment: str) -> str:
    """A moment by the clock of this machine, with its zone."""
    return f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M %Z}"
