"""Steps on Dask workers: processes of this machine, or of a cluster that exists already."""

import asyncio
import atexit
import logging
import os
import queue
import secrets
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import dask
from distributed import Client, LocalCluster, get_worker
from distributed.comm.core import CommClosedError
from distributed.scheduler import KilledWorker

from analytics.errors import EmobatchError, UsageError
from analytics.records import Pulse
from jobs.executors import BEAT_S, Call, Done, Running

_START_S: Final = 60.0
_CLOSE_S: Final = 10.0
_BEYOND_CRITICAL: Final = logging.CRITICAL + 1
"""Dask calls a lost connection critical, with a traceback."""
_ONE_THREAD: Final = {
    name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
}
_TOPIC: Final = "emobatch-beats"
_OURS: Final = "OWN_EMOBATCH_WORKER"
"""In the environment of worker processes that a run started itself."""


@cache
def _leave_at_once() -> None:
    """Have this worker process end without the interpreter's own end, which kills threads in the middle of native code.

    A run that is interrupted ends its workers while they work, and C++ then aborts with a message of its own. The workers of
    somebody else's cluster end as they like.
    """
    if os.environ.get(_OURS):
        atexit.register(os._exit, 0)


def carry_out(name: str, function: Any, arguments: tuple[Any, ...]) -> Any:
    """What runs on a worker: the step, with a thread beside it that tells how it goes on."""
    pulse, ended = Pulse(), threading.Event()
    worker = get_worker()
    _leave_at_once()

    def tell() -> None:
        told = -1
        while True:
            if pulse.beats != told:
                told = pulse.beats
                worker.log_event(_TOPIC, {"name": name, "at": worker.address, "beats": told, "media_s": pulse.media_s})
            if ended.wait(BEAT_S):
                return

    threading.Thread(target=tell, daemon=True).start()
    try:
        return function(pulse, *arguments)
    finally:
        ended.set()


class DaskExecutor:
    """Hands calls to the workers of a Dask cluster."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.running: dict[str, Running] = {}
        self._futures: dict[str, Any] = {}
        self._ended: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._prefix = f"emobatch-{secrets.token_hex(4)}-"
        self._topic = _TOPIC
        client.subscribe_topic(_TOPIC, self._heard)

    @property
    def slots(self) -> int:
        """Threads of all workers that are there now."""
        return sum(worker["nthreads"] for worker in self.client.scheduler_info(n_workers=-1)["workers"].values())

    def _heard(self, event: Any) -> None:
        news = event[1] if isinstance(event, tuple) else event
        # Another run on the same cluster hears our beats, and we hear its.
        name = news["name"].removeprefix(self._prefix)
        if name in self._futures:
            running = self.running.get(name)
            if running is None or running.worker != news["at"] or running.beats != news["beats"]:
                self.running[name] = Running(news["at"], news["beats"], news["media_s"])

    def submit(self, call: Call) -> None:
        """Hand a call to whichever worker is free."""
        future = self.client.submit(
            carry_out,
            self._prefix + call.name,
            call.function,
            call.arguments,
            key=self._prefix + call.name,
            pure=False,
        )
        self._futures[call.name] = future
        future.add_done_callback(lambda _: self._ended.put(call.name))

    def wait(self, timeout_s: float) -> list[Done]:
        """What workers have done since.

        Raises:
            EmobatchError: the scheduler cannot be reached any more.
        """
        if self.client.status in ("closed", "closing"):
            raise _gone()
        names = []
        try:
            names.append(self._ended.get(timeout=timeout_s))
            while True:
                names.append(self._ended.get_nowait())
        except queue.Empty:
            pass
        return [done for name in names if (done := self._done(name))]

    def _done(self, name: str) -> Done | None:
        future = self._futures.pop(name, None)
        self.running.pop(name, None)
        if future is None:
            return None
        try:
            return Done(name, future.result(timeout=_START_S))
        except KilledWorker:
            return Done(name, deaths=1)  # However often a foreign scheduler tried: it did not try it alone.
        except TimeoutError:
            return Done(name, deaths=1)  # The worker ended with the result in its hands.
        except (CommClosedError, CancelledError, asyncio.CancelledError):
            return Done(name, error=_gone())
        except Exception as error:  # noqa: BLE001 The run ends with it, whatever it is.
            return Done(name, error=error)

    def give_up(self, name: str) -> None:
        """Forget a call and start its worker afresh, as a step that hangs in a decoder cannot be ended otherwise."""
        future, running = self._futures.pop(name, None), self.running.pop(name, None)
        if future is not None:
            future.cancel(force=True)
        if running is not None:
            try:
                self.client.restart_workers([running.worker], timeout=_CLOSE_S, raise_for_error=False)
            except Exception:  # noqa: BLE001 A worker without a nanny cannot be restarted; the others go on.
                logging.getLogger(__name__).warning("worker %s cannot be restarted", running.worker)

    def close(self) -> None:
        """Let go of everything that is still running."""
        for future in self._futures.values():
            future.cancel(force=True)
        self._futures.clear()
        self.client.close(timeout=_CLOSE_S)


@contextmanager
def local_executor(workers: int, dashboard: bool) -> Iterator[DaskExecutor]:
    """Processes of this machine, one thread each, that end with this process however it ends.

    Raises:
        EmobatchError: they cannot be started.
    """
    settings = {
        # A step whose worker died is tried again by the conductor, alone, and not by the scheduler beside others.
        "distributed.scheduler.allowed-failures": 0,
        "distributed.nanny.pre-spawn-environ": {**_ONE_THREAD, _OURS: "1", "DASK_LOGGING__DISTRIBUTED": "critical"},
        # A decoder that holds the interpreter for long is the watchdog's business.
        "distributed.scheduler.worker-ttl": None,
        "distributed.worker.memory.target": False,
        "distributed.worker.memory.spill": False,
        "distributed.worker.memory.pause": False,
    }
    if dashboard:
        _need_bokeh()
    with dask.config.set(settings), _main_module_hidden(), _quiet():
        cluster = _started(workers)
        with cluster, Client(cluster) as client:
            executor = DaskExecutor(client)
            if dashboard:
                logging.getLogger("jobs").warning("dashboard: %s", cluster.dashboard_link)
            try:
                yield executor
            finally:
                executor.close()


def _started(workers: int) -> LocalCluster:
    """The processes; once more where one ends while it starts, as whatever killed it may have let go.

    Raises:
        EmobatchError: they cannot be started.
    """

    def start() -> LocalCluster:
        return LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            memory_limit=None,
            # Without an address Dask would open its usual port on every interface.
            dashboard_address="127.0.0.1:0",
            silence_logs=_BEYOND_CRITICAL,
        )

    try:
        return start()
    except Exception as error:  # noqa: BLE001 Whatever it is, it may have passed.
        logging.getLogger(__name__).warning("worker processes did not start (%s), once more", error)
    try:
        return start()
    except Exception as error:
        raise EmobatchError(
            f"no worker processes could be started ({error})", "look at `emobatch doctor`, or use --workers 0"
        ) from error


@contextmanager
def scheduler_executor(address: str) -> Iterator[DaskExecutor]:
    """The workers of a scheduler that runs already.

    Raises:
        UsageError: it cannot be reached.
    """
    with _quiet():
        try:
            client = Client(address, timeout=10, set_as_default=False)
        except (OSError, ValueError, TypeError, ImportError, RuntimeError) as error:
            raise UsageError(
                f"--scheduler {address}: cannot be reached ({type(error).__name__})",
                "give the address that `dask scheduler` prints, such as tcp://10.0.0.1:8786",
            ) from None
        executor = DaskExecutor(client)
        try:
            yield executor
        finally:
            executor.close()


def _gone() -> EmobatchError:
    return EmobatchError("the Dask scheduler is gone", "start it and run again; finished videos are kept")


def _need_bokeh() -> None:
    from importlib.util import find_spec

    if not find_spec("bokeh"):
        raise UsageError("--dashboard needs bokeh", "pip install '.[dashboard]' in emobatch's folder")


@contextmanager
def _main_module_hidden() -> Iterator[None]:
    """Keep worker processes from importing the script that called us, so that it needs no `__main__` guard.

    They need nothing of it: steps are functions of installed modules. multiprocessing finds the script by
    these two attributes, each time that a worker is started, and so while the run goes on.
    """
    main = sys.modules["__main__"]
    kept = {name: getattr(main, name) for name in ("__file__", "__spec__") if hasattr(main, name)}
    main.__dict__.pop("__file__", None)
    main.__spec__ = None
    try:
        yield
    finally:
        for name, value in kept.items():
            setattr(main, name, value)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask's own words off the screen; what they tell of reaches the user in ours."""
    # An interrupt in the middle of a call to the scheduler makes it and its event loop complain, too.
    loggers = [logging.getLogger(name) for name in ("distributed", "tornado.application", "asyncio")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(_BEYOND_CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
