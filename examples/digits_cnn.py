"""A small convolutional network that learns to read digits, in NumPy and cypool alone.

The digits are drawn, each one shifted, turned and noisy, so that nothing has to be downloaded:

    python examples/digits_cnn.py

It prints the loss as it falls, and writes feature maps before and after pooling to a picture. The
network is two convolutions of 3 x 3, each followed by a ReLU and a pooling, and a linear layer;
`Network.gradients` goes back through all of them.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image, ImageDraw, ImageFont

import cypool
import cypool.functional as F

SIDE = 20


def draw_digits(rng, count):
    """Return pictures of shape (count, 1, SIDE, SIDE) from 0 to 1, and the digits on them."""
    digits = rng.integers(0, 10, count)
    pictures = np.empty((count, 1, SIDE, SIDE), np.float32)
    fonts = [ImageFont.load_default(size) for size in (14, 16, 18)]
    for digit, picture in zip(digits, pictures, strict=True):
        canvas = Image.new("L", (SIDE, SIDE))
        middle = SIDE / 2 + rng.uniform(-2, 2, 2)
        font = fonts[rng.integers(len(fonts))]
        ImageDraw.Draw(canvas).text(tuple(middle), str(digit), fill=255, font=font, anchor="mm")
        canvas = canvas.rotate(rng.uniform(-15, 15), Image.Resampling.BILINEAR)
        picture[0] = np.asarray(canvas) / 255
    return pictures + rng.normal(0, 0.1, pictures.shape).astype(np.float32), digits


def convolve(x, weights):
    """Correlate (N, C, H, W) with (out, C, 3, 3), padded to the same size."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = sliding_window_view(padded, (3, 3), axis=(2, 3))
    # (N, C, H, W, 3, 3) and (out, C, 3, 3) give (N, H, W, out).
    return np.tensordot(windows, weights, ((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2), windows


def convolve_backward(grad, windows, weights):
    """Return the gradients of `convolve`'s input and weights."""
    turned = weights[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
    grad_weights = np.tensordot(grad, windows, ((0, 2, 3), (0, 2, 3)))
    return convolve(grad, turned)[0], grad_weights


class Network:
    def __init__(self, rng):
        def weights(*shape):
            return rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape).astype(np.float32)

        inputs = 16 * (SIDE // 4) ** 2
        self.parameters = [weights(8, 1, 3, 3), weights(16, 8, 3, 3), weights(10, inputs)]

    def forward(self, x):
        """Return the scores of the ten digits, and all that the way back needs."""
        first, second, linear = self.parameters
        a, windows_a = convolve(x, first)
        a = np.maximum(a, 0)
        pooled_a, indices = F.max_pool2d(a, 2, return_indices=True)
        b, windows_b = convolve(pooled_a, second)
        b = np.maximum(b, 0)
        pooled_b = F.avg_pool2d(b, 2)
        flat = pooled_b.reshape(len(x), -1)
        return flat @ linear.T, (a, windows_a, pooled_a, indices, b, windows_b, pooled_b, flat)

    def gradients(self, x, digits):
        """Return the mean loss of a batch, and its gradient for each of the parameters."""
        _, second, linear = self.parameters
        scores, kept = self.forward(x)
        a, windows_a, _, indices, b, windows_b, pooled_b, flat = kept
        odds = np.exp(scores - scores.max(1, keepdims=True))
        odds /= odds.sum(1, keepdims=True)
        each = np.arange(len(x))
        loss = -np.log(odds[each, digits]).mean()

        grad = odds
        grad[each, digits] -= 1
        grad /= len(x)
        grad_linear = grad.T @ flat
        grad = (grad @ linear).reshape(pooled_b.shape)
        grad = cypool.avg_pool_backward(grad, b.shape, 2, axis=(2, 3))
        grad, grad_second = convolve_backward(grad * (b > 0), windows_b, second)
        grad = cypool.max_pool_backward(grad, indices, a.shape, axis=(2, 3))
        grad_first = np.tensordot(grad * (a > 0), windows_a, ((0, 2, 3), (0, 2, 3)))
        return loss, [grad_first, grad_second, grad_linear]


def train(network, rng, steps, batch=64, rate=0.12, momentum=0.9):
    """Descend along the gradients of fresh digits; return the losses."""
    speeds = [np.zeros_like(weights) for weights in network.parameters]
    losses = []
    for step in range(steps):
        loss, gradients = network.gradients(*draw_digits(rng, batch))
        for weights, speed, gradient in zip(network.parameters, speeds, gradients, strict=True):
            speed *= momentum
            speed -= rate * gradient
            weights += speed
        losses.append(float(loss))
        if step % max(steps // 10, 1) == 0 or step == steps - 1:
            print(f"step {step:4}  loss {loss:.3f}")
    return losses


def feature_picture(network, x, scale=4):
    """Return a picture of one digit and its eight feature maps, with the pooled ones below."""
    _, (maps, _, pooled, *_) = network.forward(x)

    def row(tiles, size):
        # The same grey for the same value before and after pooling.
        tiles = np.clip(tiles / maps.max(), 0, 1)
        enlarged = np.kron(tiles, np.ones((1, size, size)))
        return np.concatenate(list(np.pad(enlarged, ((0, 0), (2, 2), (2, 2)))), axis=1)

    digit = np.clip(x[0], 0, 1) * maps.max()
    top = row(np.concatenate([digit, maps[0]]), scale)
    bottom = row(np.concatenate([F.max_pool2d(digit, 2), pooled[0]]), 2 * scale)
    return Image.fromarray((255 * np.concatenate([top, bottom])).astype(np.uint8))


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=200, help="batches to learn from")
    parser.add_argument("--output", default="feature_maps.png", help="the picture to write")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(options.seed)
    network = Network(rng)
    losses = train(network, rng, options.steps)
    x, digits = draw_digits(rng, 1000)
    right = float((network.forward(x)[0].argmax(1) == digits).mean())
    print(f"{right:.1%} of 1000 new digits are read right")
    feature_picture(network, x[:1]).save(options.output)
    print(f"wrote {options.output}")
    return losses, right


if __name__ == "__main__":
    main()
