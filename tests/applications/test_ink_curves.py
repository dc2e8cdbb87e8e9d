"""Curves through ink: those that were drawn come back, and no point is far from its own."""

from __future__ import annotations

import numpy as np
import pytest

from tests.applications.scribbles import write
from zoo.applications._ink import UP, pack
from zoo.applications._ink_curves import (
    _basis,
    curve_features,
    curves_of,
    ends,
    fit,
    polylines,
)
from zoo.applications._ink_features import normalise, resample

ARCH = np.array([[0.0, 0.0], [0.0, 1.0], [3.0, 1.0], [3.0, 0.0]])


def test_a_cubic_gives_its_control_points_back() -> None:
    generator = np.random.default_rng(2)
    hook = np.array([[0, 0], [2, 0.5], [2.5, 2], [1, 3.0]])
    for control in (ARCH, hook, ARCH * 0.2 - 7):
        steps = np.sort(np.append(generator.random(30), [0.0, 1.0]))
        found = fit([_basis(steps) @ control], bound=1e-6, rounds=40)[0]
        np.testing.assert_allclose(found, [control], atol=1e-4)


def test_no_point_is_farther_than_the_bound() -> None:
    ink = normalise(pack(write("lozv", size=30.0)))
    points, curves = resample(ink, 0.2), curves_of(ink, 0.2)
    drawn = [
        line for line, up in zip(polylines(curves, 200), curves[:, 0, UP], strict=True) if not up
    ]
    dense = np.concatenate(drawn)
    apart = np.linalg.norm(points[:, None, :2] - dense[None], axis=2).min(axis=1)
    assert 0 < apart.max() < 0.06 + 0.005
    assert len(curves) < len(points) / 3
    counts = [len(fit([points[:, :2]], bound)[0]) for bound in (1.0, 0.1, 0.01)]
    assert counts == sorted(counts) and counts[0] < counts[2]


def test_curves_of_a_stroke_join_and_end_in_its_points() -> None:
    ink = normalise(pack(write("oz")))
    curves = curves_of(ink, 0.2)
    np.testing.assert_allclose(curves[1:, 0, :2], curves[:-1, 3, :2], atol=1e-9)
    np.testing.assert_allclose(curves[0, 0, :2], ink[0, :2])
    last = ends(curves)
    assert last.shape == (len(curves), 3) and last[:, UP].sum() == 2
    np.testing.assert_allclose(last[last[:, UP] > 0, :2], ink[ink[:, UP] > 0, :2])


def test_features_by_hand() -> None:
    air = np.array([[3, 0, 1], [4, 0, 1], [5, 0, 1], [6, 0, 1.0]])
    drawn = np.concatenate([ARCH, np.zeros((4, 1))], axis=1)
    features = curve_features(np.stack([drawn, air]))
    right = np.pi / 2
    np.testing.assert_allclose(features[0], [3, 0, 1 / 3, 1 / 3, right, -right, 0], rtol=1e-6)
    np.testing.assert_allclose(features[1], [3, 0, 1 / 3, 1 / 3, 0, 0, 1], rtol=1e-6)


@pytest.mark.parametrize("strokes", [[], [[[3, 3]]], [[[1, 1]] * 40], [[[0, 0], [1, 0]], [[2, 2]]]])
def test_little_ink(strokes: list[list[list[float]]]) -> None:
    ink = pack([np.array(stroke) for stroke in strokes])
    curves = curves_of(ink, 0.2)
    assert np.isfinite(curve_features(curves)).all()
    assert len(ends(curves)) == len(curves) == max(0, 2 * len(strokes) - 1)
