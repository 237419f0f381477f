"""From sightings to covers: gaps, margins, cuts; and that nothing can be won back from under a cover."""

from fractions import Fraction

import cv2
import numpy as np
import pytest
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from analytics.conceal import WAYS, conceal
from analytics.cover import BEYOND, BRIDGED, FOUND, CoverSettings, Regions, regions_of
from analytics.doubts import unsure_of
from analytics.overlay import Drawn, composed, stored_format
from analytics.packets import PacketList, Packets
from analytics.plan import plan_video
from analytics.records import Detections, Picture
from analytics.shots import Shots
from analytics.stamps import is_mended, stamps_of
from analytics.strands import MATCHED, SEEN, Linker, Sightings
from analytics.texture import matched
from analytics.upright import PictureShape

RATE = 10
TIMES = np.arange(60) / RATE
ONE_SHOT = np.array([0])


def _sightings(places: dict[int, float], score: float = 0.9, size: float = 20.0, origin: int = SEEN) -> Sightings:
    """One strand: the left edge of its box by number of the frame."""
    sightings = Sightings()
    for number, x in places.items():
        sightings.add(number, 0, np.array([x, 50.0, size, size]), score, origin)
    return sightings


def _bare(regions: Regions, number: int) -> NDArray[np.float32]:
    (box,) = regions.bare[regions.of_frame(number)]
    return np.asarray(box, np.float32)


def test_between_two_sightings_the_way_is_straight() -> None:
    """A face that is lost for a few frames is covered where it must have been, and more generously."""
    regions = regions_of(_sightings({20: 100.0, 21: 102.0, 27: 114.0, 28: 116.0}), TIMES, ONE_SHOT)
    for number in range(20, 29):
        x, _, w, _ = _bare(regions, number)
        assert x + w / 2 == pytest.approx(110 + 2 * (number - 20))
        (why,) = regions.why[regions.of_frame(number)]
        assert why == (BRIDGED if 21 < number < 27 else FOUND)
    assert _bare(regions, 24)[2] > _bare(regions, 20)[2] == 20


def test_margins_are_shares_of_the_face() -> None:
    """Hair, chin and ears are covered, and what the face is in the frames beside."""
    settings = CoverSettings(left_right=0.25, above=0.5, below=0.25)
    regions = regions_of(_sightings({20: 100.0, 21: 104.0, 22: 108.0}), TIMES, ONE_SHOT, settings)
    (box,) = regions.box[regions.of_frame(21)]
    assert box.tolist() == pytest.approx([100 - 5, 50 - 10, 38, 35])


def test_a_face_was_there_before_and_after() -> None:
    """Half a second to either side, going on as it went; a doubtful one only two tenths."""
    regions = regions_of(_sightings({20: 100.0, 21: 104.0, 22: 108.0}), TIMES, ONE_SHOT)
    assert set(regions.number.tolist()) == set(range(15, 28))
    middle = _bare(regions, 25)[0] + _bare(regions, 25)[2] / 2
    assert middle == pytest.approx(110 + 8 + 3 * 4)
    assert set(regions.why[regions.of_frame(25)].tolist()) == {BEYOND}
    doubtful = regions_of(_sightings({20: 100.0, 21: 104.0}, score=0.5), TIMES, ONE_SHOT)
    assert set(doubtful.number.tolist()) == set(range(18, 24))


def test_a_cut_ends_what_is_known() -> None:
    """Nothing is covered beyond it for a face that was in another shot."""
    regions = regions_of(_sightings({20: 100.0, 21: 104.0, 22: 108.0}), TIMES, np.array([0, 19, 24]))
    assert set(regions.number.tolist()) == set(range(19, 24))


def test_shares_of_boxes() -> None:
    """What is covered by two regions together counts once."""
    box = np.array([[0, 0, 10, 10], [5, 0, 10, 10]], np.float32)
    regions = Regions(np.array([3, 3], np.int32), np.array([0, 1], np.int32), np.zeros(2, np.int8), box, box)
    shares = regions.covers(3, np.array([[0, 0, 20, 10], [0, 0, 4, 4], [50, 50, 4, 4]], np.float32))
    assert shares.tolist() == pytest.approx([0.75, 1, 0])
    assert regions.covers(4, box).tolist() == [0, 0]


def test_what_a_person_should_look_at() -> None:
    """A face that only its texture told for long, and one that is lost in mid-picture; at the edge it has left."""
    sightings = _sightings({number: 100.0 for number in range(10, 20)})
    for number in range(20, 24):
        sightings.add(number, 0, np.array([100.0, 50, 20, 20]), 0.9, MATCHED)
    for number in range(24, 30):
        sightings.add(number, 0, np.array([100.0, 50, 20, 20]), 0.9, SEEN)
    regions = regions_of(sightings, TIMES, ONE_SHOT)
    told = unsure_of(regions, sightings, TIMES, ONE_SHOT, (200, 300))
    assert [one.start_s for one in told] == pytest.approx([0.5, 2.0, 3.0])
    assert [one.end_s for one in told] == pytest.approx([0.9, 2.3, 3.4])
    assert "no detector saw" in told[1].why and "lost from sight" in told[2].why
    cut = unsure_of(
        regions_of(sightings, TIMES, np.array([0, 10, 30])), sightings, TIMES, np.array([0, 10, 30]), (200, 300)
    )
    assert [one.start_s for one in cut] == pytest.approx([2.0])


@pytest.mark.parametrize("how", WAYS)
def test_nothing_is_left_below_a_cover(how: str) -> None:
    """Two different faces whose coarse colours agree look the same under a cover: so nobody can tell them apart."""
    rng = np.random.default_rng(3)
    one = np.full((120, 160, 3), 117, np.uint8)
    other = one.copy()
    other[20:100, 40:120] += rng.integers(-3, 4, (80, 80, 3)).astype(np.uint8)
    box = np.array([[40, 20, 80, 80]], np.float32)
    touched = [conceal(picture, box, how) for picture in (one, other)]
    assert np.array_equal(one, other)
    assert touched[0].sum() == 80 * 80 and touched[0][20:100, 40:120].all()


@pytest.mark.parametrize("how", WAYS)
def test_a_cover_that_reaches_beyond_the_picture(how: str) -> None:
    """Is cut off there, and one outside of it is none."""
    picture = np.full((40, 60, 3), 200, np.uint8)
    touched = conceal(picture, np.array([[-10, -10, 30, 30], [80, 5, 10, 10]], np.float32), how)
    assert touched.sum() == 400 and touched[:20, :20].all()


def _found(*boxes: tuple[float, float, float, float], score: float = 0.9) -> Detections:
    n = len(boxes)
    return Detections(
        np.array(boxes, np.float32).reshape(n, 4), np.zeros((n, 5, 2), np.float32), np.full(n, score, np.float32)
    )


@pytest.mark.parametrize(
    "box", [(300, 200, 150, 210), (-75, -105, 150, 210), (300, 495, 150, 210), (725, 200, 150, 210)]
)
def test_cells_at_the_edge_are_as_large_as_within(box: tuple[int, int, int, int]) -> None:
    """Half a face in the picture gets half the cells, or it would be told twice as finely."""
    picture = np.random.default_rng(0).integers(0, 256, (600, 800, 3), dtype=np.uint8)
    conceal(picture, np.array([box], np.float32), "pixelate")
    x, y, w, h = box
    seen = picture[max(0, y) : y + h, max(0, x) : x + w].astype(int)
    for axis, least in ((0, h / 3), (1, w / 2)):
        changes = np.abs(np.diff(seen, axis=axis)).sum(axis=(1 - axis, 2)) > 0
        assert seen.shape[axis] / (1 + changes.sum()) >= min(seen.shape[axis], least - 1)


def test_strands_keep_faces_apart() -> None:
    """Two faces that pass close by each other keep their strands; a weak one begins none, but goes on with one."""
    linker = Linker()
    for number in range(10):
        linker.step(number, number / RATE, _found((10 + 8 * number, 50, 20, 20), (90 - 8 * number, 75, 20, 20)))
    strands = np.array(linker.sightings.strand).reshape(10, 2)
    assert (strands == [0, 1]).all() and linker.sightings.proven.tolist() == [True, True]
    linker.step(10, 1.0, _found((90, 50, 20, 20), (200, 10, 20, 20), score=0.3))
    assert linker.sightings.strand[-1] == 0 and len(linker.sightings) == 21


def test_a_strand_ends_when_it_is_out_of_sight() -> None:
    """A proven face may come back after a second; what was doubtful begins anew."""
    for score, strands in ((0.9, 1), (0.5, 2)):
        linker = Linker()
        for now_s in (0.0, 0.1, 1.1):
            linker.step(round(now_s * RATE), now_s, _found((10, 50, 20, 20), score=score))
        assert linker.count == strands


def test_texture_is_found_again() -> None:
    """A patch that moved by a third of its size is found to a px; a plain wall is not."""
    rng = np.random.default_rng(5)
    small = rng.integers(0, 255, (30, 40, 3), dtype=np.uint8)
    before = np.asarray(cv2.resize(small, (240, 180), interpolation=cv2.INTER_CUBIC), np.uint8)
    after = np.roll(before, (6, 12), axis=(0, 1))
    box = np.array([100.0, 60, 36, 36])
    hit = matched(before, box, after, box)
    assert hit is not None and hit[1] > 0.9
    assert hit[0][:2] == pytest.approx([112, 66], abs=1.5)
    assert matched(np.full_like(before, 90), box, after, box) is None


def test_cuts_are_found_and_pans_are_not() -> None:
    """The first frame begins a shot, as does another picture; a camera that moves does not."""
    rng = np.random.default_rng(6)
    scenes = [cv2.resize(rng.integers(0, 255, (6, 9), dtype=np.uint8), (96, 64)) for _ in range(2)]
    frames = [np.roll(scenes[k // 20], k, axis=1) for k in range(40)]
    shots = Shots()
    assert [k for k, frame in enumerate(frames) if shots.begins(np.asarray(frame, np.uint8), k / RATE)] == [0, 20]


@pytest.mark.parametrize(("interval_s", "length", "undone"), [(0.1, 1, 1), (0.04, 3, 3), (1.0, 1, 1), (0.1, 5, 0)])
def test_a_flash_is_no_cut(interval_s: float, length: int, undone: int) -> None:
    """What looks before as after it is one shot; one that lasts for half a second is one of its own."""
    rng = np.random.default_rng(8)
    usual = cv2.resize(rng.integers(0, 120, (6, 9), dtype=np.uint8), (96, 64))
    shots = Shots(interval_s)
    cuts: list[int] = []
    for k in range(20):
        fading = 120 - 40 * (k - 10) if undone > 1 else 120
        bright = np.asarray(usual + (fading if 10 <= k < 10 + length else 0), np.uint8)
        if shots.begins(bright, k * interval_s):
            cuts.append(k)
        elif shots.undone:
            assert (k, shots.undone) == (10 + length, undone)
            del cuts[-shots.undone :]
    assert cuts == ([0] if undone else [0, 10, 15])


def test_few_frames_a_second() -> None:
    """What is not seen in every frame goes on all the same, and is covered for two frames before and after."""
    linker = Linker(interval_s=1.0)
    for number in (5, 6, 9):
        linker.step(number, float(number), _found((10, 50, 20, 20)))
    assert linker.count == 1
    times = np.arange(20.0)
    for score in (0.9, 0.5):
        regions = regions_of(_sightings({5: 10.0, 6: 10.0}, score), times, ONE_SHOT, interval_s=1.0)
        assert regions.number.tolist() == list(range(3, 9))


@pytest.mark.parametrize(
    ("kind", "stored"), [("yuv420p", "yuv420p"), ("yuvj422p", "yuvj420p"), ("yuv444p10le", "yuv420p10le")]
)
def test_only_what_was_drawn_on_changes(kind: str, stored: str) -> None:
    """Whatever the format, and with odd sides: a frame of even size, the rest of it bit by bit as it was."""
    rng = np.random.default_rng(7)
    picture = np.asarray(cv2.resize(rng.integers(0, 255, (9, 12, 3), dtype=np.uint8), (121, 91)), np.uint8)
    frame = VideoFrame.from_ndarray(picture, format="bgr24").reformat(format=kind)
    assert stored_format(frame) == stored
    shape = PictureShape(121, 91, 0)
    plain = composed(frame, (121, 91), stored, shape, None)
    drawn, touched = picture.copy(), np.zeros((91, 121), np.bool_)
    drawn[30:50, 40:60], touched[30:50, 40:60] = (20, 200, 60), True
    over = composed(frame, (121, 91), stored, shape, Drawn(drawn, touched))
    assert (over.width, over.height) == (122, 92)
    before, after = (_bgr(one) for one in (plain, over))
    assert np.abs(after[33:47, 43:57].astype(int) - (20, 200, 60)).max() < 12
    beside = np.ones((92, 122), bool)
    beside[26:56, 36:64] = False  # Colours are spread over some px when they are shown.
    assert np.array_equal(before[beside], after[beside])


def test_a_wide_pixel_is_covered_whole() -> None:
    """Recorders store pictures narrower than they are shown, and turned: the cover lies where it was drawn."""
    frame = VideoFrame.from_ndarray(np.full((80, 60, 3), 200, np.uint8), format="bgr24").reformat(format="yuv420p")
    shape = PictureShape(80, 120, 90)  # Stored 60x80, shown 120 wide before the turn.
    picture, touched = np.full((120, 80, 3), 200, np.uint8), np.zeros((120, 80), np.bool_)
    picture[20:60, 10:30], touched[20:60, 10:30] = 0, True
    new = composed(frame, (60, 80), "yuv420p", shape, Drawn(picture, touched))
    dark = np.asarray((_bgr(new) < 60).all(axis=2), np.bool_)
    # Turned back by 90 degrees, what was at the left is at the bottom, and what was 20 to 60 down is half as wide.
    assert dark[51:69, 11:29].all()
    assert not dark[:48].any() and not dark[72:].any() and not dark[:, :8].any() and not dark[:, 32:].any()


def _listed(stamps: list[int]) -> PacketList:
    n = len(stamps)
    at, none = np.array(stamps, np.int64), np.zeros(n, np.bool_)
    packets = Packets(
        pts=at,
        dts=at,
        duration=np.full(n, 40, np.int64),
        discard=none,
        corrupt=none,
        lost_bytes=np.zeros(n, np.int64),
        keyframe=~none,
        position=np.arange(n, dtype=np.int64) * 1000,
        disposable=none,
        beginning=none,
        sets=none,
    )
    return PacketList(
        format="matroska",
        codec="h264",
        tick_num=1,
        tick_den=1000,
        rate=25.0,
        packets=packets,
        declared_s=None,
        ended_early_s=0.0,
        lost_at_end=0,
        reordered=False,
    )


def test_stamps_are_the_containers() -> None:
    """Whatever its beginning; of frames that share one the second comes a tick later, and a jump is told."""
    tick = Fraction(1, 1000)
    for stamps, expected, mended in (
        ([33, 66, 133, 150], [33, 66, 133, 150], False),
        ([0, 40, 40, 80], [0, 40, 41, 80], False),
        ([90_000, 90_040, 90_080, 10, 50], [10, 50, 90, 130, 170], True),
    ):
        listed = _listed(stamps)
        plan = plan_video(listed, Fraction(1, 2))
        found, last = stamps_of(listed, plan, tick)
        assert found.tolist() == expected and last == 40
        assert is_mended(listed, plan) == mended


def _bgr(frame: VideoFrame) -> Picture:
    return np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
