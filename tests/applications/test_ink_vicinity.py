"""The features of Graves et al. 2009, by hand."""

from __future__ import annotations

import numpy as np

from zoo.applications._ink import pack
from zoo.applications._ink_vicinity import VICINITY_FEATURES, vicinity_features


def test_a_corner() -> None:
    """Four steps to the right, then four down, points 1 apart; the pen was twice as fast first."""
    ink = pack([np.array([[0, 0], [2, 0], [4, 0], [4, 1], [4, 2], [4, 3], [4, 4.0]])])
    points, features = vicinity_features(ink, 1.0)
    assert features.shape == (9, VICINITY_FEATURES) and len(points) == 9
    named = dict(
        pen=features[:, 0],
        speed=features[:, 2],
        x=features[:, 3],
        y=features[:, 4],
        direction=features[:, 5:7],
        curvature=features[:, 7:9],
        aspect=features[:, 9],
        slope=features[:, 10:12],
        curliness=features[:, 12],
        linearity=features[:, 13],
        over=features[:, 14],
        under=features[:, 15],
    )
    expected = dict(
        pen=[0] * 8 + [1],
        y=[0] * 5 + [1, 2, 3, 4],
        x=points[:, 0] - points[:, 0].mean(),  # all are within ten points
        direction=[[1, 0]] * 4 + [[0, 1]] * 5,
        over=[0] * 9,
        under=[0, 0, 0, 4, 4, 4, 4, 4, 4],
    )
    for name, values in expected.items():
        np.testing.assert_allclose(named[name], values, atol=1e-6, err_msg=name)
    speed = named["speed"]
    np.testing.assert_allclose(speed[1] / speed[7], 2, rtol=1e-6)
    np.testing.assert_allclose(speed.mean(), 1, rtol=1e-6)
    np.testing.assert_allclose(named["curvature"][2], [-1, 0], atol=1e-6)
    # At the corner the one before lies to the left, the one after below.
    np.testing.assert_allclose(named["curvature"][4], [0, -1], atol=1e-6)
    # Around the corner: three to the right and three down.
    half = 0.5**0.5
    assert named["aspect"][4] == 0 and named["aspect"][0] == -1 and named["aspect"][8] == 1
    np.testing.assert_allclose(named["slope"][4], [half, half], rtol=1e-6)
    np.testing.assert_allclose(named["curliness"][[0, 4]], [1, 2], rtol=1e-6)
    squares = np.array([0, 1, 2, 3, 2, 1, 0]) ** 2 / 2
    np.testing.assert_allclose(named["linearity"][[0, 4]], [0, squares.mean()], atol=1e-6)


def test_the_map_around_a_point() -> None:
    ink = pack([np.array([[0, 0], [3, 0]]), np.array([[3, 1], [3, 2]])])
    points, features = vicinity_features(ink, 0.5)
    here = int(np.flatnonzero((points[:, :2] == [3, 1]).all(1))[0])
    # Above: 2.5 and 3 lie in the middle column, 1.5 and 2 to the left; below: 2; itself and 1.5
    # (at a limit, the square to the right and below has it).
    around = features[here, 16:].reshape(3, 3) / 0.5
    np.testing.assert_array_equal(around, [[2, 2, 0], [0, 1, 0], [0, 2, 0]])
    assert features[:, 1].sum() == 0


def test_a_dot_that_comes_late_is_a_hat() -> None:
    stem, more = np.array([[0, -0.5], [0, 0.5]]), np.array([[1, 0.0], [2, 0.0]])
    dot = np.array([[0.05, -1.2]])
    points, features = vicinity_features(pack([stem, dot, more]), 0.25)
    assert (points[:, 1] > -1).all()
    np.testing.assert_array_equal(features[:, 1] == 1, points[:, 0] < 0.3)
    points, features = vicinity_features(pack([dot, stem, more]), 0.25)
    assert len(points) > 0 and (features[:, 1] == 0).all() and points[0, 1] < -1


def test_little_ink() -> None:
    for strokes in ([], [np.array([[3, 3]])], [np.zeros((40, 2))]):
        points, features = vicinity_features(pack(strokes), 0.2)
        assert len(points) == len(features) == len(strokes) and np.isfinite(features).all()


def test_long_ink_is_read_in_parts() -> None:
    generator = np.random.default_rng(0)
    ink = pack([np.cumsum(generator.normal(0, 1, (700, 2)), axis=0)])
    points, features = vicinity_features(ink, 0.7)
    assert len(points) > 600
    place = points[500, :2]
    offsets = points[:, :2] - place
    inside = (np.abs(offsets) < 0.5).all(axis=1).sum()
    np.testing.assert_allclose(features[500, 20], 0.7 * inside, rtol=1e-6)
