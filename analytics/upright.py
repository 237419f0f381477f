"""From a decoded frame to a picture as a person sees it: turned upright, in square pixels."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from analytics.masks import NO_MASKS, Masks
from analytics.records import Picture
from analytics.resize import resized

_TURNS: Final = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
_SQUARE_ENOUGH: Final = 0.02
_LUMA_FIRST: Final = ("yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "gray")
"""Formats whose first plane holds the brightness, a byte a pixel."""


@dataclass(frozen=True)
class PictureShape:
    """How stored pictures become upright ones. The same for all of a video, whatever changes within it."""

    width: int
    """Of the upright picture in square pixels, px."""
    height: int
    rotation: int
    """Clockwise turn that makes the stored picture upright, degrees."""


def shape_of(frame: VideoFrame, pixel_ratio: float) -> PictureShape:
    rotation = -round(frame.rotation / 90) * 90 % 360
    width, height = _square_pixel_size(frame, pixel_ratio)
    return PictureShape(height, width, rotation) if rotation % 180 else PictureShape(width, height, rotation)


def upright(frame: VideoFrame, shape: PictureShape, masks: Masks = NO_MASKS) -> Picture:
    """The frame as blue-green-red picture: square pixels, turned upright, of the video's size, masks painted over."""
    stored = (shape.height, shape.width) if shape.rotation % 180 else (shape.width, shape.height)
    picture = np.asarray(frame.to_ndarray(format="bgr24", width=stored[0], height=stored[1]), np.uint8)
    if shape.rotation:
        picture = np.asarray(cv2.rotate(picture, _TURNS[shape.rotation]), np.uint8)
    picture = np.ascontiguousarray(picture)
    masks.paint(picture, max(stored[0] / frame.width, stored[1] / frame.height))
    return picture


def small_luma(frame: VideoFrame, shape: PictureShape, long_side: int, masks: Masks = NO_MASKS) -> NDArray[np.uint8]:
    """The upright picture in gray, its longer side at so many px, uint8 (h, w), masks painted over.

    Not converted where the frame has luma.
    """
    if frame.format.name in _LUMA_FIRST:
        plane = frame.planes[0]
        gray = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]
    else:
        gray = np.asarray(frame.to_ndarray(format="gray"), np.uint8)
    scale = long_side / max(shape.height, shape.width)
    size = max(1, round(shape.width * scale)), max(1, round(shape.height * scale))
    stored = size[::-1] if shape.rotation % 180 else size
    small, _ = resized(gray, stored)
    if shape.rotation:
        small = np.asarray(cv2.rotate(small, _TURNS[shape.rotation]), np.uint8)
    masks.paint_small(small, max(stored[0] / gray.shape[1], stored[1] / gray.shape[0]))
    return small


def _square_pixel_size(frame: VideoFrame, ratio: float) -> tuple[int, int]:
    """Width and height in square pixels: recorders store 704x288 for a picture of twice that height.

    Args:
        ratio: width of a pixel ÷ its height.
    """
    if not 0.2 < ratio < 5 or abs(ratio - 1) < _SQUARE_ENOUGH:
        return frame.width, frame.height
    if ratio > 1:
        return round(frame.width * ratio), frame.height
    return frame.width, round(frame.height / ratio)
