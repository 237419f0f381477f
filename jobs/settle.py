"""Settle what each file is once its content is known: new, a copy, moved, changed, or done already."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from analytics.compaction import DamagedFileError, loosen
from analytics.fingerprint import WHOLE_UP_TO, id_of_content, id_of_path
from analytics.footage import exists, facts_of, footage_of
from analytics.listing import list_tables
from analytics.recorders import Recorded
from jobs.astray import Strays
from jobs.fingerprints import Fingerprints
from jobs.ledger import Known, Ledger, Need, is_misfiled, need_of
from jobs.removal import grouped
from jobs.rows import VideoKey
from jobs.steps import Video
from jobs.task import VideoTask


class StuckError(Exception):
    """Older rows of a video lie in a file that is damaged, and no new ones may stand beside them."""


class Settler:
    """Holds what was found against the ledger; loosens and removes rows."""

    def __init__(
        self,
        out: Path,
        ledger: Ledger,
        strays: Strays,
        fingerprints: Fingerprints,
        settled: Mapping[str, str],
        again: bool,
    ) -> None:
        """
        Args:
            out: the output folder; this process holds its lock.
            ledger: what OUT knows.
            strays: rows that are in OUT and of no video that it knows.
            fingerprints: of files, by path.
            settled: source -> video_id of the files with nothing to do.
            again: whether videos that failed or are partial are to be tried again.
        """
        self.out, self.ledger, self.strays, self.fingerprints, self.again = out, ledger, strays, fingerprints, again
        self._settled = dict(settled)
        self._originals: dict[str, VideoKey] = {}
        """First file with each digest in this run."""
        self._twins: dict[int, deque[Video]] = {}
        self._damaged: dict[str, str] = {}
        """Why the shared files of a partition cannot be taken apart."""
        self._failed: set[str] = set()
        """Ids, of their paths, of the files that failed in this run before their content was known."""

    def expect(self, sizes: Iterable[int]) -> None:
        """Files of these sizes will come: only those that share theirs can be copies of one another."""
        self._twins = {size: deque() for size, n in Counter(sizes).items() if n > 1}

    def opened(self, video: Video) -> None:
        """A file has its turn. Of those of one size the first is settled first, whichever is identified first."""
        if video.size in self._twins:
            self._twins[video.size].append(video)

    def identified(self, video: Video, digest: str | None = None) -> Iterator[tuple[Video, Need]]:
        """What is to be done for a file whose content is known now, and for those that waited for it."""
        if digest is not None:
            self._note(video, digest)
        video.identified = True
        if video.size not in self._twins:
            yield video, self._need(video)
        else:
            yield from self._in_order(video.size)

    def compared(self, video: Video, mine: str, theirs: str | None) -> Iterator[tuple[Video, Need]]:
        """The same for a file whose whole content was compared with another one's."""
        if mine != theirs:
            video.original = None
            if video.size > WHOLE_UP_TO and theirs is not None:  # A fingerprint of blocks may be that of two files.
                self._note(video, mine)
                video.original = self._originals.get(mine)
        self._leave(video)
        yield video, self._need_alone(video) if video.original is None else self._copy(video)
        yield from self._in_order(video.size)

    def to_fail(self, video: Video, for_good: bool) -> VideoTask:
        """The task of a file that has failed, under the id that its failure is to be filed under.

        That is the one of its path as long as it is not known to be about the content: rows of another file with
        the same content, or that were made before and may still be right, must not go for a disk that was away.

        Raises:
            StuckError: its older rows cannot be replaced.
        """
        task = video.task
        known = self.ledger.by_id.get(task.key.video_id)
        if video.original or (not for_good and known and known.status in ("done", "partial")):
            task = replace(task, digest=None)
        return self.with_old_rows(task)

    def failed(self, video: Video, for_good: bool) -> Iterator[tuple[Video, Need]]:
        """A file has failed: what is to be done for those that waited for it."""
        if video.task.digest is None:
            self._failed.add(video.task.key.video_id)
            if for_good:  # It is empty, or no file at all, and what it held before is gone.
                self.fingerprints.put(video.task.path, video.size, video.changed_ns, "")
                self._settled[video.task.source] = video.task.key.video_id
        if self._leave(video):
            yield from self._in_order(video.size)

    def _in_order(self, size: int) -> Iterator[tuple[Video, Need]]:
        twins = self._twins.get(size, deque())
        while twins and twins[0].identified:
            video = twins[0]
            need = self._need(video)
            if need is not Need.COMPARE:
                twins.popleft()
            yield video, need
            if need is Need.COMPARE:
                return

    def _leave(self, video: Video) -> bool:
        twins = self._twins.get(video.size, deque())
        if video in twins:
            twins.remove(video)
            return True
        return False

    def _note(self, video: Video, digest: str) -> None:
        video.task = replace(video.task, digest=digest)
        self.fingerprints.put(video.task.path, video.size, video.changed_ns, digest)

    def _need(self, video: Video) -> Need:
        found = self._original_of(video.task, video.size)
        if found is None:
            return self._need_alone(video)
        video.original, proven = found
        if proven:
            return self._copy(video)
        video.identified = False
        return Need.COMPARE

    def _copy(self, video: Video) -> Need:
        assert video.original
        video.task = task = replace(video.task, digest=None)  # A copy is known by its path.
        video_id = self._settled[task.source] = task.key.video_id
        original_id = video.original.video_id
        if video_id in self.ledger.purged or (
            original_id in self.ledger.purged and original_id not in self.ledger.by_id
        ):
            return Need.PURGED
        if self._is_noted(task, video.original):
            return Need.NOTHING
        return self._with_old_rows(video, Need.NOTE_COPY)

    def _is_noted(self, copy: VideoTask, original: VideoKey) -> bool:
        """Whether a copy has its row, which says where the file is that it is a copy of."""
        known, before = (self.ledger.by_id.get(video_id) for video_id in (copy.key.video_id, original.video_id))
        if known is None or before is None or known.duplicate_of != original.video_id:
            return False
        return before.source == original.source and not is_misfiled(known, copy.source, copy.recorded)

    def _need_alone(self, video: Video) -> Need:
        """What is to be done for the file that stands for its content."""
        task = video.task
        assert task.digest is not None
        self._originals[task.digest] = task.key
        video_id = self._settled[task.source] = task.key.video_id
        known = self.ledger.by_id.get(video_id)
        if known is None and video_id in self.ledger.purged:
            return Need.PURGED
        need = need_of(known, task.source, task.recorded, task.settings_hash, self.again)
        return self._with_old_rows(video, need) if need in (Need.PROCESS, Need.REFILE) else need

    def _with_old_rows(self, video: Video, need: Need) -> Need:
        try:
            video.task = self.with_old_rows(video.task)
        except StuckError as error:
            video.stuck = str(error)
            return Need.NOT_POSSIBLE
        return need

    def _original_of(self, task: VideoTask, size: int) -> tuple[VideoKey, bool] | None:
        """The file that a file is a copy of, by what is known, and whether that is proven."""
        assert task.digest is not None
        if (here := self._originals.get(task.digest)) is not None:
            return here, size <= WHOLE_UP_TO
        known = self.ledger.by_id.get(id_of_content(task.digest))
        if known is None or known.source == task.source or known.status == "duplicate":
            return None
        if known.source in self._settled:  # As the very same video, or as something else.
            return (_key(known), size <= WHOLE_UP_TO) if self._settled[known.source] == known.video_id else None
        try:
            facts = facts_of(footage_of(known.source))
        except (OSError, ValueError):
            return None  # It has moved, and this is where to.
        if facts.size != size:
            return None
        there = self.fingerprints.get(footage_of(known.source), facts.size, facts.changed_ns)
        if there is not None and there != task.digest:
            return None
        return _key(known), there is not None and size <= WHOLE_UP_TO

    def with_old_rows(self, task: VideoTask) -> VideoTask:
        """The task with the places of all rows that the new ones are to replace, each in a file of its own.

        Raises:
            StuckError: they cannot be replaced.
            OSError: OUT cannot be written.
        """
        ids = tuple(dict.fromkeys((task.key.video_id, id_of_path(task.path))))  # refile() takes the first.
        known = [one for video_id in ids if (one := self.ledger.by_id.get(video_id))]
        # Where one video of a day has moved, the others of the day mostly have, too: its files are taken apart once.
        self.loosen(other for one in known if one.compacted for other in self.ledger.compacted_in(one.in_folder))
        if stuck := [self._damaged[one.in_folder] for one in known if one.compacted and one.in_folder in self._damaged]:
            raise StuckError(f"rows that it had cannot be replaced: {stuck[0]}")
        try:
            astray = self.strays.freed(ids)
        except DamagedFileError as error:
            raise StuckError(f"rows that it had cannot be replaced: {error}") from None
        return replace(task, replaces=(*((one.in_folder, one.video_id) for one in known), *astray))

    def loosen_known(self, tasks: Iterable[VideoTask]) -> None:
        """Give all videos of which it is known beforehand that their rows will change files of their own, at once.

        Raises:
            OSError: OUT cannot be written.
        """
        ids = {task.key.video_id for task in tasks if task.digest}
        self.loosen(known for video_id in sorted(ids) if (known := self.ledger.by_id.get(video_id)))

    def loosen(self, videos: Iterable[Known]) -> None:
        """Give videos that share their files with others files of their own.

        Raises:
            OSError: OUT cannot be written.
        """
        shared = (one for one in videos if one.compacted and one.in_folder not in self._damaged)
        for folder, videos_there in grouped(shared).items():
            video_ids = [one.video_id for one in videos_there]
            try:
                loosen(self.out, list_tables(self.out, folder=folder), folder, video_ids)
            except DamagedFileError as error:
                self._damaged[folder] = str(error)
            else:
                self.ledger.loosened(video_ids)

    def superseded(self, everywhere: bool = True) -> list[Known]:
        """Videos whose content lies nowhere any more: their file has new content, or was a copy and is gone.

        At the end of a run, as only then it is known that the content has not moved.

        Args:
            everywhere: whether the run came to look at all files. Where it did not, the content of a file that has
                a new one may lie among the others, and its rows wait for a run that does.
        """
        standing = set(self._settled.values()) | self._failed
        stale: set[str] = set()
        if everywhere:
            stale = {one for source in self._settled for one in self.ledger.ids_of(source)} - standing
        for one in self.ledger.by_id.values():
            path = footage_of(one.source)
            nameless = one.video_id not in standing and one.video_id == id_of_path(path)
            if nameless and not exists(path) and exists(path.parent):
                stale.add(one.video_id)
            if one.duplicate_of in stale and one.source not in self._settled and exists(path):
                stale.discard(one.duplicate_of)  # It lies where this run did not look, and will be found there.
        return [self.ledger.by_id[video_id] for video_id in sorted(stale)]


def _key(known: Known) -> VideoKey:
    return VideoKey(known.video_id, known.source, Recorded())
