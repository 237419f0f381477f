"""Which pictures teach, choose and judge: whole people, and of every merged set its share."""

import json
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.listed import SPLITS
from models.sets.divide import divided, units_of
from tests import faces
from tests.test_sets import made

SHARES = (80.0, 10.0, 10.0)


def deal(
    people: list[tuple[int, int]], classes: int = 3
) -> tuple[NDArray[np.str_], NDArray[np.int32], NDArray[np.intp], NDArray[np.int32]]:
    """Splits, units, sets and classes of the pictures of people, each a set and a number of pictures."""
    source = np.repeat([one for one, _ in people], [n for _, n in people]).astype(np.intp)
    names = [f"{k}" for k, (_, n) in enumerate(people) for _ in range(n)]
    labels = np.concatenate([np.arange(n) % classes for _, n in people]).astype(np.int32)
    units = units_of(names, np.arange(len(names), dtype=np.int32))
    splits = divided(labels, np.full(len(names), "", "<U7"), units, source, SHARES, 20)
    return splits, units, source, labels


def test_each_split_shows_every_set() -> None:
    """Nine people with many pictures each beside a set of single ones: there is one for choosing, and one for judging."""
    splits, units, source, _ = deal([(0, 27)] * 9 + [(1, 1)] * 280)
    assert {split: len(np.unique(units[(splits == split) & (source == 0)])) for split in SPLITS} == {
        "train": 7,
        "public": 1,
        "private": 1,
    }
    assert [int(((splits == split) & (source == 1)).sum()) for split in SPLITS] == [224, 28, 28]


def test_one_person_with_half_of_all_pictures_teaches() -> None:
    """No small split is filled many times over."""
    splits, units, _, _ = deal([(0, 300)] + [(0, 10)] * 30)
    assert set(splits[units == units[0]]) == {"train"}
    assert all(0.05 < (splits == split).mean() < 0.15 for split in ("public", "private"))


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 12)), min_size=60, max_size=150))
def test_shares_hold_in_every_set(people: list[tuple[int, int]]) -> None:
    """As far as whole people allow: a split is off by no more pictures of a set than two people have, nobody on two sides."""
    splits, units, source, _ = deal(people)
    assert all(len(set(splits[units == unit])) == 1 for unit in np.unique(units))
    for one in np.unique(source):
        most = max(n for which, n in people if which == one)
        for split, share in zip(SPLITS, SHARES, strict=True):
            wanted = (source == one).sum() * share / 100
            assert abs(((source == one) & (splits == split)).sum() - wanted) <= 2 * most


def test_what_a_set_was_made_of_is_told_again_when_it_is_merged(tmp_path: Path) -> None:
    """Names of files and what labels were called, also through an npz in between."""
    folder = faces.class_folders(tmp_path / "set", each=20)
    _, _, one = made(tmp_path / "one.npz", folder, mapping={"happy": "glad"}, classes=("glad", "sad"))
    assert json.loads(one["made_with"][0])["map"] == {"happy": "glad"} and "row 0" not in one["names"]
    _, _, two = made(tmp_path / "two.npz", tmp_path / "one.npz", classes=("glad", "sad"))
    assert sorted(two["names"]) == sorted(one["names"])
