"""How common recorders name their files, as patterns. Each was seen in documentation, in the recorder's own source
or in listings of real files; docs/cameras.md says in which. What could not be confirmed is not here."""

from collections.abc import Mapping
from typing import Final

PRESETS: Final[Mapping[str, tuple[str, ...]]] = {
    # axis-ACCC8EB0662C/20190510/08/20190510_084109_D60B_ACCC8EB0662C/20190510_09/20190510_090616_25CE.mkv
    "axis": ("{_}_{_}_{_}_{camera}/{_}/{start:%Y%m%d_%H%M%S}_{_}.mkv",),
    # Front.20240601_080000.mp4, &CAM.%Y%m%d_%H%M%S by default
    "blueiris": ("{camera}.{start:%Y%m%d_%H%M%S}.*",),
    # SERIAL/2021-03-06/001/dav/10/10.27.32-10.28.00[M][0@0][0].dav, of a camera alone
    "dahua": ("{camera}/{start:%Y-%m-%d}/{_}/dav/{_}/{start:%H.%M.%S}-{end:%H.%M.%S}*.*",),
    # The same with one folder a channel, and the export NVR_ch1_main_20230131000000_20230131010000.dav
    "dahua-nvr": (
        "{start:%Y-%m-%d}/{camera}/dav/{_}/{start:%H.%M.%S}-{end:%H.%M.%S}*.*",
        "{_}_{camera}_main_{start:%Y%m%d%H%M%S}_{end:%Y%m%d%H%M%S}*.*",
        "{_}_{camera}_sub_{start:%Y%m%d%H%M%S}_{end:%Y%m%d%H%M%S}*.*",
    ),
    # 2024-06-01/08/front/59.30.mp4, and before release 0.12 2022-06/01/08/front/59.30.mp4; both in UTC
    "frigate": (
        "{utc:%Y-%m-%d}/{utc:%H}/{camera}/{utc:%M.%S}.mp4",
        "{utc:%Y-%m}/{utc:%d}/{utc:%H}/{camera}/{utc:%M.%S}.mp4",
    ),
    # ch01_20241022100000.mp4 and D01_20240223064932.mp4 of a recorder; of a camera, with address, channel and
    # milliseconds, 192.168.0.64_01_20190319093422939_MOTION_DETECTION.mp4
    "hikvision": (
        "{camera}_{start:%Y%m%d%H%M%S}.*",
        "{camera}_{start:%Y%m%d%H%M%S%f}.*",
        "{camera}_{start:%Y%m%d%H%M%S%f}_*.*",
    ),
    # front/2024-06-01T08-00-00+0200.mp4, front_2024-06-01T08-00-00Z.mp4, front/20240601T080000.mp4
    "iso": (
        "{camera}/{start:%Y-%m-%dT%H-%M-%S%z}.*",
        "{camera}/{start:%Y-%m-%dT%H:%M:%S%z}.*",
        "{camera}/{start:%Y%m%dT%H%M%S%z}.*",
        "{camera}/{start:%Y-%m-%dT%H-%M-%S}.*",
        "{camera}/{start:%Y-%m-%dT%H:%M:%S}.*",
        "{camera}/{start:%Y%m%dT%H%M%S}.*",
        "{camera}_{start:%Y-%m-%dT%H-%M-%S%z}.*",
        "{camera}_{start:%Y%m%dT%H%M%S%z}.*",
        "{camera}_{start:%Y-%m-%dT%H-%M-%S}.*",
        "{camera}_{start:%Y%m%dT%H%M%S}.*",
    ),
    # video/front/1_2024-06-01_08-00-00.mp4
    "ispy": ("video/{camera}/{_}_{start:%Y-%m-%d_%H-%M-%S}.*",),
    # 01-20240601080000.mkv, %v-%Y%m%d%H%M%S by default: a number of the event, and no camera
    "motion": ("{_}-{start:%Y%m%d%H%M%S}.*",),
    # Camera1/2024-06-01/08-00-00.mp4, %Y-%m-%d/%H-%M-%S by default
    "motioneye": ("{camera}/{start:%Y-%m-%d}/{start:%H-%M-%S}.*",),
    # 240915_143027_001_FH.MP4: front or rear, high or low quality
    "nextbase": ("{start:%y%m%d_%H%M%S}_{_}_{camera}.mp4",),
    # Rec_20230517_043229_541_M.mp4 of battery cameras in UTC; Mp4Record/2022-03-06/RecM01_20220306_020024_020118_….mp4
    # and, in summer, RecS02_DST20230426_145918_150032_….mp4 of cards and recorders; Camera1_00_20260121074033.mp4 by FTP
    "reolink": (
        "Rec_{utc:%Y%m%d_%H%M%S}_{_}_M.mp4",
        "*Rec*_{start:%Y%m%d_%H%M%S}_{end:%H%M%S}_*.mp4",
        "*Rec*_DST{start:%Y%m%d_%H%M%S}_{end:%H%M%S}_*.mp4",
        "{camera}_{_}_{start:%Y%m%d%H%M%S}.mp4",
    ),
    # videos/GROUP/MONITOR/2025-06-22T00-37-20.mp4
    "shinobi": ("{camera}/{start:%Y-%m-%dT%H-%M-%S}.*",),
    # SavedClips/2020-01-16_09-12-36/2020-01-16_09-12-32-front.mp4
    "tesla": ("{start:%Y-%m-%d_%H-%M-%S}-{camera}.mp4",),
    # front/2024-06-01/2024-06-01T08-00-30 motion.mp4, where the name holds the end: it tells the camera, and no start
    "unifi-protect-backup": ("{camera}/{start:%Y-%m-%d}/{end:%Y-%m-%dT%H-%M-%S} *.mp4",),
    # 2024_0101_120000_000001F.MP4: the last letter is the camera, which a rule of one's own can name
    "viofo": ("{start:%Y_%m%d_%H%M%S}_*.mp4",),
    # record/20230826/12/30.mp4, one file a minute, and no camera
    "wyze": ("{start:%Y%m%d}/{start:%H}/{start:%M}.mp4",),
    # front_2024-06-01_08-00-00_EST.mp4
    "wyze-bridge": ("{camera}_{start:%Y-%m-%d_%H-%M-%S}_{_}.mp4",),
    # 3/24/06/01/08/00/00/1234-video.mp4; the scheme "medium", 3/2024-06-01/1234/1234-video.mp4, tells no time of day
    "zoneminder": (
        "{camera}/{start:%y/%m/%d/%H/%M/%S}/{_}-video.*",
        "{camera}/{start:%y/%m/%d/%H/%M/%S}/{_}-video.{_}.*",
        "{camera}/{start:%Y-%m-%d}/{_}/{_}-video.*",
        "{camera}/{start:%Y-%m-%d}/{_}/{_}-video.{_}.*",
    ),
}
"""Name -> patterns, in the order in which they are tried."""
