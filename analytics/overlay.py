"""Put what was drawn on the upright picture back into the stored frame, and leave every other pixel as it was."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from analytics.records import Picture
from analytics.upright import PictureShape

_BACK: Final = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}


@dataclass(frozen=True, eq=False)
class Drawn:
    """A picture on which something was drawn."""

    picture: Picture
    """The whole upright picture with what was drawn."""
    touched: NDArray[np.bool_]
    """(h, w) where something was drawn; only there the frame changes."""


def stored_format(frame: VideoFrame) -> str:
    """The pixel format in which a frame is stored again: the plainest one of its depth and range, which all players know."""
    if max(component.bits for component in frame.format.components) > 8:
        return "yuv420p10le"
    return "yuvj420p" if frame.format.name.startswith("yuvj") else "yuv420p"


def composed(
    frame: VideoFrame, size: tuple[int, int], pixel_format: str, shape: PictureShape, drawn: Drawn | None
) -> VideoFrame:
    """A new frame of even size: the decoded one, and over it what was drawn. Times are the caller's.

    Args:
        frame: as decoded; left as it is, because others may be decoded from it.
        size: width and height of the stored pictures, px; a frame of another size is scaled.
        pixel_format: of the new frame.
        shape: how the stored picture becomes the upright one.
        drawn: None leaves the picture as it is.
    """
    width, height = size
    below = frame
    if (frame.width, frame.height, frame.format.name) != (width, height, pixel_format):
        below = frame.reformat(width=width, height=height, format=pixel_format)
    new = VideoFrame(width + width % 2, height + height % 2, pixel_format)
    planes = _pixels(new)
    for into, given in zip(planes, _pixels(below), strict=True):
        rows, columns = given.shape
        into[:rows, :columns] = given
        # Encoders want even sides; the last line is shown twice then.
        into[rows:, :columns] = into[rows - 1 : rows, :columns]
        into[:, columns:] = into[:, columns - 1 : columns]
    if drawn is not None:
        _lay_over(planes, frame, size, pixel_format, shape, drawn)
    for name in ("color_range", "color_primaries", "color_trc", "colorspace"):
        setattr(new, name, getattr(frame, name))
    return new


def _lay_over(
    planes: list[NDArray[np.generic]],
    frame: VideoFrame,
    size: tuple[int, int],
    pixel_format: str,
    shape: PictureShape,
    drawn: Drawn,
) -> None:
    picture, touched = drawn.picture, drawn.touched.astype(np.uint8)
    if shape.rotation:
        picture = np.asarray(cv2.rotate(picture, _BACK[shape.rotation]), np.uint8)
        touched = np.asarray(cv2.rotate(touched, _BACK[shape.rotation]), np.uint8)
    over = VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="bgr24").reformat(
        width=size[0],
        height=size[1],
        format=pixel_format,
        dst_colorspace=frame.colorspace,
        dst_color_range=frame.color_range,
    )
    for into, given in zip(planes, _pixels(over), strict=True):
        rows, columns = given.shape
        # Of cells that are touched in part, all: no pixel under what was drawn may shine through.
        mask = _covering(touched, columns, rows)
        into[:rows, :columns][mask] = given[mask]
        into[rows:, :columns] = into[rows - 1 : rows, :columns]
        into[:, columns:] = into[:, columns - 1 : columns]


def _covering(touched: NDArray[np.uint8], columns: int, rows: int) -> NDArray[np.bool_]:
    """A mask at another size, true for each cell of which any part is touched."""
    if touched.shape == (rows, columns):
        return touched.astype(bool)
    shares = cv2.resize(touched * np.float32(255), (columns, rows), interpolation=cv2.INTER_AREA)
    if columns > touched.shape[1] or rows > touched.shape[0]:
        shares = cv2.resize(touched * np.float32(255), (columns, rows), interpolation=cv2.INTER_LINEAR)
    return np.asarray(shares > 0.5, np.bool_)


def _pixels(frame: VideoFrame) -> list[NDArray[np.generic]]:
    """A view of each plane without the padding of its lines."""
    kind = np.uint16 if frame.format.components[0].bits > 8 else np.uint8
    views = []
    for plane in frame.planes:
        lines = np.frombuffer(memoryview(plane), kind).reshape(-1, plane.line_size // kind().itemsize)
        views.append(lines[: plane.height, : plane.width])
    return views
