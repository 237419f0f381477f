"""Open a recorded file safely and read its packets."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from analytics.errors import UnreachableError, VideoError

# Playlists, still pictures and text art are left out: a list named .mp4 must not make us open what it names.
_CONTAINERS: Final = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpegtsraw,mpeg,mpegvideo,m4v,h264,hevc,vvc,gif,flv,asf,ogg,"
    "mjpeg,mjpeg_2000,mxf,dv,ivf,obu,av1,vc1,vc1test,dhav,nut,rm,wtv,yuv4mpegpipe,live_flv,ea,bink,h263,h261,cavsvideo,"
    "mp3,aac,wav,flac,ac3"
)
_READ_ONLY_THIS_FILE: Final = {"protocol_whitelist": "file", "format_whitelist": _CONTAINERS}
_MOST_FAILED_READS: Final = 1000


def open_video(path: Path) -> tuple[InputContainer, VideoStream]:
    """Open a file and choose its video stream: never a cover picture.

    Raises:
        UnreachableError: no permission, vanished, or a disk that does not answer.
        VideoError: empty, no known container, or no video stream.
    """
    try:
        if not path.stat().st_size:
            raise VideoError(f"{path}: the file is empty", "copy it again from the recorder")
        # The prefix keeps a name like `concat:x` or `http:x` from being taken for a protocol.
        container = av.open(f"file:{path}", options=dict(_READ_ONLY_THIS_FILE), metadata_errors="replace")
    except PermissionError:
        raise UnreachableError(f"{path}: no permission to read it", "let this user read the file") from None
    except FileNotFoundError:
        raise UnreachableError(f"{path}: the file has vanished", "restore it or run again without it") from None
    except (av.FFmpegError, OSError, ValueError) as error:
        _check_reading(path)
        text = getattr(error, "strerror", None) or str(error)
        raise VideoError(
            f"{path}: is no video that can be opened ({text})",
            "check that it plays; a recording that was cut off before its index was written needs repair",
        ) from None
    shown = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not shown or not shown[0].codec_context:
        container.close()
        raise VideoError(f"{path}: has no video stream that can be decoded", "name files that hold a picture")
    best = container.streams.best("video")
    stream = best if isinstance(best, VideoStream) and best in shown else shown[0]
    return container, stream


def _check_reading(path: Path) -> None:
    """Tell a disk that does not answer from a file that is no video: FFmpeg has the same words for both."""
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        problem = f"{path}: cannot be read ({error.strerror})"
        raise UnreachableError(problem, "check the disk it lies on") from None


def creation_time(path: Path) -> str | None:
    """When a file was made by its own account, as the container words it; None where it does not say.

    Raises:
        VideoError: as open_video.
    """
    container, stream = open_video(path)
    with container:
        return container.metadata.get("creation_time") or stream.metadata.get("creation_time")


def packets_of(
    container: InputContainer, streams: VideoStream | list[Stream] | None = None
) -> Iterator["Packet[Any] | None"]:
    """Demux to the end; a failed read (None) is stepped over instead of ending the file.

    Damaged transport streams raise BlockingIOError or InvalidDataError in their middle and go on after it.
    Only reads that fail one after the other, with no packet between them, end it.
    """
    failed = 0
    while failed < _MOST_FAILED_READS:
        try:
            for packet in container.demux(streams) if streams is not None else container.demux():
                failed = 0
                if packet.size or packet.pts is not None or packet.dts is not None:
                    yield packet
            return
        except av.EOFError:
            return
        except IndexError:
            # A packet of a stream that damage made appear in mid-file, which PyAV does not know. It has been taken from
            # the file, so this comes to an end however many follow.
            yield None
        except (av.FFmpegError, OSError):
            failed += 1
            yield None
