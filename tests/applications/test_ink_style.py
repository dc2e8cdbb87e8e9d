"""Ink in other styles: letters change in form, and stay where they are in the word."""

import numpy as np
import pytest

from zoo.applications._ink import UP, pack
from zoo.applications._ink_style import restyle

SEEDS = range(200)


def styled(ink: np.ndarray, strength: float = 1.0) -> list[np.ndarray]:
    return [restyle(ink, np.random.default_rng(seed), strength) for seed in SEEDS]


def line(x: float, y: float, count: int = 61) -> np.ndarray:
    return pack([np.linspace([0, 0], [x, y], count)])


def test_it_follows_from_the_generator() -> None:
    ink = pack([np.random.default_rng(n).normal(0, 2, (30, 2)) for n in range(3)])
    kept = ink.copy()
    one, same, other = (restyle(ink, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert one.shape == other.shape and np.abs(one - other).max() > 0.01
    np.testing.assert_array_equal(ink, kept)
    np.testing.assert_array_equal(restyle(ink, np.random.default_rng(1), 0.0), ink)
    assert len(restyle(np.zeros((0, 3)), np.random.default_rng(1))) == 0


@pytest.mark.parametrize("side", [-1, 1])
def test_what_reaches_beyond_the_small_letters_gets_longer_or_shorter(side: int) -> None:
    letter = line(0, 0.45 * side)
    assert all(abs(np.ptp(ink[:, 1]) - 0.45) < 0.13 for ink in styled(letter))  # its ends round off
    beyond = [np.abs(ink[:, 1]).max() - 0.5 for ink in styled(line(0, 2.5 * side))]
    assert 1.3 < min(beyond) < 1.5 and 2.6 < max(beyond) < 2.9


def test_no_letters_change_places() -> None:
    ways = [ink[:, 0] for ink in styled(line(12, 0, 241), 3.0)]
    assert all((np.diff(way) > 0).all() for way in ways)
    widths = [np.diff(way)[20:-20] for way in (ink[:, 0] for ink in styled(line(12, 0, 241)))]
    assert np.mean([width.max() / width.min() for width in widths]) > 1.3


def test_corners_get_rounder_or_sharper() -> None:
    zigzag = pack([[[x / 4, 0.3 * (-1) ** x] for x in range(20)]])
    heights = [np.ptp(ink[3:-3, 1]) / 0.6 for ink in styled(zigzag)]
    assert 0.4 < min(heights) < 0.85 and 1.1 < max(heights) < 1.5


def test_the_pen_is_lifted_and_left_down() -> None:
    long = [int(ink[:, UP].sum()) for ink in styled(line(5, 0))]
    assert set(long) == {1, 2} and 20 < long.count(2) < 65
    short = [int(ink[:, UP].sum()) for ink in styled(line(2, 0))]
    assert set(short) == {1}
    near = pack([[[0, 0], [1, 0]], [[1.2, 0], [2, 0]]])
    joined = [int(ink[:, UP].sum()) for ink in styled(near)]
    assert set(joined) == {1, 2} and 12 < joined.count(1) < 55
    away = pack([[[0, 0], [1, 0]], [[4, 0], [5, 0]]])
    assert {int(ink[:, UP].sum()) for ink in styled(away)} == {2}
    assert all(ink[-1, UP] == 1 for ink in styled(near))


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_strokes_of_few_points(count: int) -> None:
    inks = styled(pack([np.linspace([0, 0], [9, 1], count)]))
    assert all(np.isfinite(ink).all() and len(ink) == count for ink in inks)
    assert {int(ink[:, UP].sum()) for ink in inks} == ({1, 2} if count > 3 else {1})


def test_upright_lines_lean() -> None:
    upright = line(0, 0.45)
    leans = [
        np.degrees(np.arctan2(ink[0, 0] - ink[-1, 0], np.ptp(ink[:, 1]))) for ink in styled(upright)
    ]
    assert 2 < np.std(leans) < 9 and np.abs(leans).max() > 8
