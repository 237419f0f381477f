"""Draw jobs/assets/demo.mp4, the clip that `emobatch demo` runs on.

    python benchmarks/make_demo_clip.py [FILE]

640x360, 25 frames a second, 10 s, H.264. One face walks in from the left, comes nearer and leaves
to the right; a second one, mirrored and smaller, is there for some of the time; for a moment at
the start and at the end nobody is.

Source of the face: NASA's portrait of the astronaut Eileen Collins, in the public domain, as it
comes with scikit-image (skimage.data.astronaut). The clip is committed and ships with the package,
so that emobatch itself needs no scikit-image; run this script only to draw it anew.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeAlias

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data

Picture: TypeAlias = NDArray[np.uint8]
Keyframe: TypeAlias = tuple[float, float, float, float]
"""time in seconds; x, y of the face's centre and height of the face in px."""

FILE: Final = Path(__file__).parents[1] / "jobs" / "assets" / "demo.mp4"
WIDTH, HEIGHT, FPS, SECONDS = 640, 360, 25, 10

# The face and the oval around the head in the px of the portrait, which has 512x512.
FACE_CENTRE, FACE_HEIGHT = (223.0, 119.5), 113.0
OVAL_CENTRE, OVAL_AXES, OVAL_SOFTNESS = (224, 108), (78, 92), 5.0

WALKER: Final[Sequence[Keyframe]] = (
    (0.6, -60, 165, 84),
    (2.2, 170, 170, 90),
    (4.0, 215, 180, 128),
    (5.5, 230, 182, 150),
    (7.0, 300, 178, 130),
    (9.4, 710, 165, 96),
)
VISITOR: Final[Sequence[Keyframe]] = (
    (3.0, 690, 130, 56),
    (4.2, 520, 135, 58),
    (5.8, 470, 140, 62),
    (7.6, 700, 132, 56),
)


def main() -> None:
    """Write the clip to the file named on the command line, or to its place in the package."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else FILE
    path.parent.mkdir(exist_ok=True)
    head, mask = cut_out_head()
    wall = draw_wall()
    # Without bitexact the muxer would write its own version into the committed file.
    with av.open(path, "w", container_options={"movflags": "+faststart", "fflags": "+bitexact"}) as file:
        stream = file.add_stream("libx264", rate=FPS, options={"crf": "24", "preset": "veryslow"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.gop_size = 2 * FPS
        for k in range(FPS * SECONDS):
            picture = wall
            # The visitor stands farther away, so the walker is pasted last, in front.
            for path_of_face, mirrored in ((VISITOR, True), (WALKER, False)):
                picture = paste(picture, head, mask, path_of_face, k / FPS, mirrored=mirrored)
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts = k
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    print(f"{path}: {path.stat().st_size} bytes")


def cut_out_head() -> tuple[Picture, NDArray[np.float32]]:
    """The portrait, BGR (512, 512, 3), and the soft mask of its head, 0..1, (512, 512)."""
    portrait: Picture = np.ascontiguousarray(data.astronaut()[..., ::-1])  # type: ignore[no-untyped-call]
    oval = np.zeros(portrait.shape[:2], np.float32)
    cv2.ellipse(oval, OVAL_CENTRE, OVAL_AXES, 0, 0, 360, (1.0,), -1)
    return portrait, cv2.GaussianBlur(oval, (0, 0), OVAL_SOFTNESS).astype(np.float32)


def draw_wall() -> Picture:
    """A calm room: a wall that is lighter at the top, a skirting board, a floor, and a window."""
    wall = np.empty((HEIGHT, WIDTH, 3), np.float32)
    wall[:] = np.linspace(1.0, 0.82, HEIGHT, dtype=np.float32)[:, None, None] * np.array([196, 204, 208], np.float32)
    wall[300:] = (118, 138, 152)
    wall[296:300] = (226, 230, 232)
    wall[40:170, 60:170] = (150, 148, 146)
    wall[46:164, 66:164] = (232, 222, 206)
    wall[46:164, 113:117] = (150, 148, 146)
    picture: Picture = cv2.GaussianBlur(wall, (0, 0), 1.2).astype(np.uint8)
    return picture


def paste(
    picture: Picture,
    head: Picture,
    mask: NDArray[np.float32],
    path: Sequence[Keyframe],
    t: float,
    *,
    mirrored: bool,
) -> Picture:
    """The picture with the head where its path has it at t seconds; the picture itself outside the path."""
    times, xs, ys, heights = zip(*path, strict=True)
    if not times[0] <= t <= times[-1]:
        return picture
    x, y, height = (float(np.interp(t, times, values)) for values in (xs, ys, heights))
    scale = height / FACE_HEIGHT
    across = -scale if mirrored else scale
    # A warp rather than a paste at whole px: slow movements would jerk.
    to_picture = np.array([[across, 0, x - across * FACE_CENTRE[0]], [0, scale, y - scale * FACE_CENTRE[1]]])
    if scale < 1:
        # The warp interpolates but does not average, so what gets smaller is smoothed first.
        head = cv2.GaussianBlur(head, (0, 0), 0.4 / scale).astype(np.uint8)
    over = cv2.warpAffine(mask, to_picture, (WIDTH, HEIGHT)).astype(np.float32)
    face = cv2.warpAffine(head, to_picture, (WIDTH, HEIGHT))
    return cv2.blendLinear(face, picture, over, 1 - over).astype(np.uint8)


if __name__ == "__main__":
    main()
