"""`cypool.layers` beside Keras: the same names, arguments, configurations and results."""

from __future__ import annotations

import inspect
import itertools
import os
import warnings

import numpy as np
import pytest

from cypool import layers

LAYERS = [getattr(layers, name) for name in layers.__all__]
LOCAL = [cls for cls in LAYERS if issubclass(cls, layers.Local)]
GLOBAL = [cls for cls in LAYERS if issubclass(cls, layers.Global)]
ADAPTIVE = [cls for cls in LAYERS if issubclass(cls, layers.Adaptive)]
FORMATS = ["channels_last", "channels_first"]


def each(classes):
    return pytest.mark.parametrize("cls", classes, ids=lambda cls: cls.__name__)


@pytest.fixture(scope="module")
def keras():
    os.environ.setdefault("KERAS_BACKEND", "jax")
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("jax")
        return pytest.importorskip("keras")


def image(rng, rank, data_format, dtype="float32"):
    """Return integers, whose sums are exact in any order."""
    inner = tuple(int(n) for n in rng.integers(3, 8, rank))
    shape = (2, *inner, 3) if data_format == "channels_last" else (2, 3, *inner)
    return rng.integers(-9, 10, shape).astype(dtype)


def required(cls):
    return (3,) if cls in ADAPTIVE else ()


def compare(keras, cls, x, *arguments, **options):
    """Compare a layer with Keras's: results, shapes beforehand, configurations."""
    theirs = getattr(keras.layers, cls.__name__)(*arguments, **options)
    ours = cls(*arguments, **options)
    expected = np.asarray(theirs(x))
    result = ours(x)
    assert type(result) is np.ndarray
    np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-6, strict=True)
    for shape in (x.shape, (None, *x.shape[1:])):
        assert ours.compute_output_shape(shape) == tuple(theirs.compute_output_shape(shape))
    assert ours.compute_output_shape(x.shape) == result.shape
    config, given = theirs.get_config(), ours.get_config()
    assert {key: config[key] for key in given if key != "name"} == {
        key: value for key, value in given.items() if key != "name"
    }
    again = cls.from_config(config)
    assert again.get_config() == {**given, "name": config["name"]}


@each(LOCAL)
@pytest.mark.parametrize("data_format", FORMATS)
def test_local(keras, cls, data_format):
    rng = np.random.default_rng(cls.rank)
    # Each new size is compiled, which takes its time.
    some = [(2, None), (3, 1), (3, 2), (2, 3)] if data_format == "channels_last" else []
    for (size, strides), padding in itertools.product(some, ["valid", "same"]):
        x = image(rng, cls.rank, data_format)
        compare(keras, cls, x, size, strides, padding, data_format)
    sizes, strides = (2, 3, 1)[: cls.rank], (1, 2, 3)[: cls.rank]
    for padding in ("valid", "same"):
        x = image(rng, cls.rank, data_format)
        compare(keras, cls, x, sizes, strides, padding, data_format)


@each(GLOBAL)
@pytest.mark.parametrize("data_format", FORMATS)
@pytest.mark.parametrize("keepdims", [False, True])
def test_global(keras, cls, data_format, keepdims):
    rng = np.random.default_rng(cls.rank)
    compare(keras, cls, image(rng, cls.rank, data_format), data_format, keepdims)


@each(ADAPTIVE)
@pytest.mark.parametrize("data_format", FORMATS)
def test_adaptive(keras, cls, data_format):
    rng = np.random.default_rng(cls.rank)
    for size in (1, 2, 3, (3, 2, 1)[: cls.rank]):
        compare(keras, cls, image(rng, cls.rank, data_format), size, data_format)


@each(LAYERS)
def test_parameters_are_kerass(keras, cls):
    ours = list(inspect.signature(cls).parameters.values())
    theirs = inspect.signature(getattr(keras.layers, cls.__name__)).parameters.values()
    named = [p for p in theirs if p.kind is not p.VAR_KEYWORD]
    assert [p.name for p in ours if p.name != "name"] == [p.name for p in named if p.name != "name"]
    for our, their in zip(ours, named, strict=False):
        if our.name != "pool_size":  # 2, or a 2 for each axis
            assert our.default == their.default or their.default is inspect.Parameter.empty


@each(LAYERS)
def test_names_are_kerass(keras, cls):
    size = () if cls in GLOBAL else (2,)
    assert getattr(keras.layers, cls.__name__)(*size).name.startswith(cls(*size).name)
    assert cls(*size, name="p").name == "p"


def test_every_pooling_layer_of_keras_is_here(keras):
    pooling = {
        name for name in dir(keras.layers) if name.endswith(("Pooling1D", "Pooling2D", "Pooling3D"))
    }
    assert pooling == set(layers.__all__)
    for short in (
        name for name in dir(keras.layers) if name.endswith(("Pool1D", "Pool2D", "Pool3D"))
    ):
        assert getattr(layers, short).__name__ == getattr(keras.layers, short).__name__


# ----------------------------------------------------------------------- what needs no Keras


@each(LAYERS)
def test_the_defaults(cls):
    layer = cls(*required(cls))
    shape = (2,) + (6,) * cls.rank + (3,)
    result = layer(np.ones(shape, np.float32))
    inner = () if cls in GLOBAL else (3,) * cls.rank
    assert result.shape == layer.compute_output_shape(shape) == (2, *inner, 3)
    assert result.dtype == np.float32
    assert (result == 1).all()


@each(LAYERS)
def test_a_layer_is_made_again_of_its_repr_and_configuration(cls):
    layer = cls(*required(cls), data_format="channels_first", name="a")
    for again in (eval(repr(layer), vars(layers)), cls.from_config(layer.get_config())):
        assert type(again) is cls
        assert vars(again) == vars(layer)


def test_maxima_and_averages():
    x = np.array([1, 5, 2, 4, 3], np.float32).reshape(1, 5, 1)
    assert layers.MaxPooling1D()(x).ravel().tolist() == [5, 4]
    assert layers.MaxPooling1D(padding="same")(x).ravel().tolist() == [5, 4, 3]
    assert layers.AveragePooling1D()(x).ravel().tolist() == [3, 3]
    assert layers.AveragePooling1D(padding="SAME")(x).ravel().tolist() == [3, 3, 3]
    assert layers.GlobalMaxPooling1D()(x).tolist() == [[5]]
    assert layers.GlobalAveragePooling1D()(x).tolist() == [[3]]
    assert layers.AdaptiveMaxPooling1D(2)(x).ravel().tolist() == [5, 4]
    assert layers.AdaptiveAveragePooling1D(5)(x).tolist() == x.tolist()


def test_unknown_lengths_stay_unknown():
    layer = layers.MaxPooling2D(2, padding="same")
    assert layer.compute_output_shape((None, None, 5, 3)) == (None, None, 3, 3)
    assert layers.GlobalMaxPooling2D().compute_output_shape((None, None, None, 3)) == (None, 3)


@each(LAYERS)
def test_another_number_of_axes_is_refused(cls):
    layer = cls(*required(cls))
    message = rf"{cls.__name__} takes arrays of {cls.rank + 2} axes.*shape"
    for shape in [(2,) * (cls.rank + 1), (2,) * (cls.rank + 3)]:
        with pytest.raises(ValueError, match=message):
            layer(np.ones(shape))
        with pytest.raises(ValueError, match=message):
            layer.compute_output_shape(shape)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: layers.MaxPooling2D(0), ValueError, "pool_size is 0 for axis 1"),
        (lambda: layers.MaxPooling2D(2.0), TypeError, "pool_size takes integers, not 2.0"),
        (lambda: layers.MaxPooling2D((2, 2, 2)), ValueError, "pool_size .* 3 values"),
        (lambda: layers.MaxPooling2D(2, 0), ValueError, "strides is 0 for axis 1"),
        (
            lambda: layers.MaxPooling2D(2, padding="full"),
            ValueError,
            "padding is 'full'; .* 'same'",
        ),
        (lambda: layers.MaxPooling2D(2, padding=1), ValueError, "padding is 1; .* 'same'"),
        (lambda: layers.GlobalMaxPooling1D("NCW"), ValueError, "data_format is 'NCW'; .*_first'"),
        (lambda: layers.AdaptiveMaxPooling2D((1,)), ValueError, "output_size .* 1 value"),
        (lambda: layers.MaxPooling1D(9)(np.ones((1, 4, 1))), ValueError, "axis 1 has length 4"),
        (
            lambda: layers.MaxPooling1D(9).compute_output_shape((1, 4, 1)),
            ValueError,
            "axis 1 has length 4",
        ),
        (
            lambda: layers.MaxPooling1D(2).compute_output_shape(5),
            TypeError,
            "input_shape is 5; .* sequence of ints",
        ),
        (
            lambda: layers.MaxPooling1D(2).compute_output_shape((1, 4.0, 1)),
            TypeError,
            r"input_shape is \(1, 4.0, 1\); .* sequence of ints",
        ),
        (lambda: layers.MaxPooling1D.from_config(3), TypeError, "config is 3; .* dict"),
    ],
)
def test_errors_say_what_is_wrong(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("data_format", FORMATS)
def test_averages_of_masked_steps(keras, data_format, keepdims):
    rng = np.random.default_rng(7)
    x = rng.integers(-9, 10, (4, 6, 6)).astype(np.float32)
    mask = rng.random((4, 6)) < 0.6
    mask[:, 0] = True
    options = {"data_format": data_format, "keepdims": keepdims}
    expected = np.asarray(keras.layers.GlobalAveragePooling1D(**options)(x, mask=mask))
    result = layers.GlobalAveragePooling1D(**options)(x, mask=mask)
    np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-6, strict=True)


def test_masks():
    average = layers.GlobalAveragePooling1D()
    x = np.array([[[1], [2], [np.nan]], [[4], [np.nan], [6]]])
    assert average(x, mask=[[True, True, False], [True, False, True]]).tolist() == [[1.5], [5]]
    np.testing.assert_array_equal(average(x, mask=[[1, 0, 1], [0, 0, 0]]), [[np.nan], [np.nan]])
    assert average(np.ones((1, 2, 1), np.uint8), mask=[[1, 0]]).dtype == np.float32
    assert average(np.ones((0, 2, 3)), mask=np.ones((0, 2))).shape == (0, 3)
    with pytest.raises(ValueError, match=r"mask has shape \(2, 2\); it must have .* \(2, 3\)"):
        average(x, mask=np.ones((2, 2)))
    with pytest.raises(TypeError, match="complex128"):
        average(x + 1j, mask=np.ones((2, 3)))


def test_masked_averages_are_as_exact_as_others():
    layer = layers.GlobalAveragePooling1D()
    great = np.full((1, 4, 1), 1e308)
    assert layer(great, mask=np.ones((1, 4), bool)).item() == 1e308
    x = np.random.default_rng(0).integers(-(2**63), 2**63 - 1, (200, 9, 3))
    np.testing.assert_array_equal(layer(x, mask=np.ones((200, 9), bool)), layer(x))
    kept = np.arange(9) < np.arange(200)[:, None] % 10
    averages = layer(x, mask=kept)
    for i in range(200):
        if kept[i].any():
            np.testing.assert_array_equal(averages[i : i + 1], layer(x[i : i + 1, kept[i]]))
        else:
            assert np.isnan(averages[i]).all()
    with pytest.raises(ValueError, match="axis 1 has length 0"):
        layer(np.ones((2, 0, 3)), mask=np.ones((2, 0), bool))
