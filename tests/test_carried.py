"""What a copy's kind of file cannot hold is told before the search, with the endings that can hold it."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from analytics.carried import carried_of, check_carried
from analytics.container import open_video
from analytics.errors import UsageError


def _film(path: Path, codec: str, rate: int) -> Path:
    """Half a second of grey with sound."""
    with av.open(path, "w") as film:
        stream = film.add_stream("libx264", rate=10, options={"bf": "0"})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        sound = film.add_stream(codec, rate=rate, layout="stereo")
        assert isinstance(sound, AudioStream)
        for number in range(5):
            picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 90, np.uint8), format="bgr24")
            film.mux(stream.encode(picture))
            tone = av.AudioFrame.from_ndarray(np.zeros((1, 2 * (rate // 10)), np.int16), format="s16", layout="stereo")
            tone.sample_rate, tone.pts, tone.time_base = rate, number * (rate // 10), Fraction(1, rate)
            film.mux(sound.encode(tone))
        film.mux([*stream.encode(None), *sound.encode(None)])
    return path


@pytest.mark.parametrize(
    ("film", "codec", "refused", "endings"),
    [
        ("film.mkv", "pcm_s16le", ".mp4", ".mov or .mkv"),
        ("film.avi", "pcm_alaw", ".mkv", ".mov"),
        ("film.avi", "pcm_mulaw", ".mp4", ".mov"),
    ],
)
def test_endings_that_hold_the_sound(tmp_path: Path, film: str, codec: str, refused: str, endings: str) -> None:
    """Uncompressed stereo is what MP4 refuses only at the very end; that of telephones and cameras only MOV takes."""
    container, stream = open_video(_film(tmp_path / film, codec, 8000))
    with container:
        carried = carried_of(container, stream, sound=True, subtitles=True)
        with pytest.raises(UsageError) as told:
            check_carried(container, carried, f"copy{refused}", refused)
        assert told.value.problem.endswith(f"cannot hold stream 1 of the video (audio, {codec})")
        assert told.value.remedy == f"end the file's name in {endings}, or leave it out with --no-sound"
    container, stream = open_video(tmp_path / film)
    with container:
        check_carried(container, carried, "copy.mov", ".mov")
