"""Kill a run again and again, at moments that a seed chooses, and compare what is left with an undisturbed run.

python benchmarks/kills.py WORK_FOLDER [KILLS] [SEED]
"""

import random
import shutil
import sys
import time
from pathlib import Path

from tests.kills import Disturbed, content, leftovers, make_archive


def main() -> None:
    work = Path(sys.argv[1])
    kills, seed = int(sys.argv[2]) if len(sys.argv) > 2 else 20, int(sys.argv[3]) if len(sys.argv) > 3 else 1
    shutil.rmtree(work, ignore_errors=True)
    footage = work / "footage"
    make_archive(footage)
    (work / "whole").mkdir()
    whole, began = Disturbed(footage, work / "whole"), time.monotonic()
    code = whole.to_the_end()
    takes_s = time.monotonic() - began
    expected = content(whole.out)
    print(f"undisturbed: {takes_s:.0f} s, exit {code}, {len(expected['videos'])} videos, {len(expected) - 1} files")

    rng, done, nights = random.Random(seed), 0, 0
    while done < kills:
        nights += 1
        (work / f"night{nights}").mkdir()
        night = Disturbed(footage, work / f"night{nights}")
        ended = None
        while ended is None and done + night.kills < kills:
            moment = rng.uniform(0.2, takes_s)
            ended = night.kill_when(lambda now, moment=moment: now >= moment)  # type: ignore[misc]
            words = f"ended with {ended}" if ended is not None else f"killed after {moment:.1f} s"
            print(f"  night {nights}: {words}: {len(night.finished)} videos done, {len(night.segments)} segments kept")
        if ended is None:
            night.to_the_end()
        assert content(night.out) == expected, f"night {nights}: the tables differ"
        assert (left := leftovers(night.out)) == [], f"night {nights}: left over: {left}"
        done += night.kills
        print(f"night {nights}: equal to the undisturbed run after {night.kills} kills")
    print(f"{done} kills in {nights} nights: all tables equal, nothing lost, nothing done twice, nothing left over")


if __name__ == "__main__":
    main()
