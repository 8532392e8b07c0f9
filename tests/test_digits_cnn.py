"""The example network: its gradients are right, and it learns."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

PROGRAM = Path(__file__).resolve().parents[1] / "examples" / "digits_cnn.py"


@pytest.fixture(scope="module")
def digits_cnn():
    if not PROGRAM.is_file():
        pytest.skip("the examples lie elsewhere")
    spec = importlib.util.spec_from_file_location("digits_cnn", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_gradients_are_the_slopes_of_the_loss(digits_cnn):
    rng = np.random.default_rng(0)
    network = digits_cnn.Network(rng)
    network.parameters = [weights.astype(np.float64) for weights in network.parameters]
    x, digits = digits_cnn.draw_digits(rng, 4)
    x = x.astype(np.float64)
    _, gradients = network.gradients(x, digits)
    for weights, gradient in zip(network.parameters, gradients, strict=True):
        assert gradient.shape == weights.shape
        direction = rng.standard_normal(weights.shape)
        losses = []
        for step in (1e-6, -2e-6):
            weights += step * direction
            losses.append(network.gradients(x, digits)[0])
        weights += 1e-6 * direction
        slope = (losses[0] - losses[1]) / 2e-6
        assert slope == pytest.approx((gradient * direction).sum(), rel=1e-4)


def test_the_loss_falls(digits_cnn, tmp_path, capsys):
    losses, right = digits_cnn.main(["--steps", "60", "--output", str(tmp_path / "maps.png")])
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])
    assert right > 0.3  # of ten digits, one in ten is chance
    assert capsys.readouterr().out.count("  loss ") == 11
    picture = digits_cnn.Image.open(tmp_path / "maps.png")
    assert picture.size == (9 * (4 * digits_cnn.SIDE + 4), 2 * (4 * digits_cnn.SIDE + 4))
    assert len(np.unique(np.asarray(picture))) > 50


def test_digits_are_drawn_inside(digits_cnn):
    x, digits = digits_cnn.draw_digits(np.random.default_rng(0), 200)
    assert x.shape == (200, 1, digits_cnn.SIDE, digits_cnn.SIDE)
    assert set(digits) == set(range(10))
    assert (x.max((1, 2, 3)) > 0.7).all()
