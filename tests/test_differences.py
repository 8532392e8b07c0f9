"""What docs/differences.md says of other libraries, shown with those that are installed.

Each row of its tables is a test here, of the same name. A test holds cypool against the exact
reference or an exact number, then shows that the other library gives what the row says. A library
that has become right since fails its test, with the advice to take the row out.
"""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import numpy as np
import pytest

import cypool
import reference

DIFFERENCES = Path(__file__).resolve().parent.parent / "docs" / "differences.md"

INF, NAN = math.inf, math.nan
LEAST = float(np.finfo(np.float32).min)  # what stands for "nothing yet" where -inf should

GONE = "is as right as cypool now: take its row out of docs/differences.md, and this test with it"


def peer(name):
    """Import a library or skip the test; its own deprecations are not ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name)


def floats(*values):
    return np.array(values, np.float32)


def exact(name, x, *sizes, **options):
    """Return the exact reference's result, rounded to x's dtype."""
    if name in ("avg_pool", "sum_pool", "lp_pool"):
        options.setdefault("dtype", x.dtype.name)
    result = getattr(reference, name)(x.tolist(), *sizes, **options)
    return np.array(result, float).astype(options.get("dtype", x.dtype))


def same(a, b):
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and np.array_equal(a.astype(float), b.astype(float), equal_nan=True)


def differs(ours, right, theirs, seen):
    """Hold cypool against what is right, and the other library against what was seen of it."""
    np.testing.assert_array_equal(ours, right)
    theirs = np.asarray(theirs).reshape(np.shape(right))
    assert not same(theirs, right), f"the library {GONE}"
    np.testing.assert_allclose(theirs, seen, rtol=1e-6)


def loses_nans(maximum):
    """Find a NaN that a maximum over a window of three does not give back."""
    results = []
    for place in range(3):
        x = floats(1, 2, 3)
        x[place] = NAN
        assert np.isnan(cypool.max_pool(x, 3)).all()
        results.append(float(np.asarray(maximum(x)).item()))
    assert not np.isnan(results).all(), f"the library {GONE}"


def refuses(call, *errors):
    """Find that the other library does not take what cypool does."""
    try:
        call()
    except errors:
        return
    pytest.fail(f"the library takes this now, and {GONE}")


def agree_that_many_ones_have_mean_one(axes=(0, 1), shape=(5000, 5000)):
    """Return ones in float32, after cypool has found their mean: beyond 2**24, 1 is too small."""
    ones = np.ones(shape, np.float32)
    mean = cypool.avg_pool(ones, 5000, axis=axes)
    np.testing.assert_array_equal(mean, np.ones_like(mean))
    return ones


def not_one(mean, seen=0.67108864):
    """Find a mean of ones that is not 1."""
    mean = np.asarray(mean).astype(float).ravel()
    assert not (mean == 1.0).all(), f"the library {GONE}"
    np.testing.assert_allclose(mean, seen, rtol=1e-6)


# ------------------------------------------------------------------------------------ PyTorch


def in_torch(torch, x):
    return torch.from_numpy(x)[None, None]


def test_torch_mean_of_many_ones():
    torch = peer("torch")
    ones = agree_that_many_ones_have_mean_one()
    not_one(torch.nn.functional.avg_pool2d(in_torch(torch, ones), 5000))


def test_torch_mean_that_cancels():
    torch = peer("torch")
    for x in (floats(1e8, 1, -1e8, 0), np.array([1e17, 1, -1e17, 0])):
        theirs = torch.nn.functional.avg_pool1d(in_torch(torch, x), 4)
        differs(cypool.avg_pool(x, 4), exact("avg_pool", x, 4), theirs, [0])


def test_torch_mean_that_overflows():
    torch = peer("torch")
    x = floats(3e38, 3e38, 3e38)
    theirs = torch.nn.functional.avg_pool1d(in_torch(torch, x), 3)
    differs(cypool.avg_pool(x, 3), exact("avg_pool", x, 3), theirs, [INF])


def test_torch_mean_of_integers():
    torch = peer("torch")
    x = np.array([-1, -2, 2**62, 2**62])
    theirs = torch.nn.functional.avg_pool1d(in_torch(torch, x), 2)
    right = exact("avg_pool", x, 2, dtype="float64")
    differs(cypool.avg_pool(x, 2), right, theirs, [-1, -(2**62)])


def test_torch_index_of_a_nan():
    torch = peer("torch")
    x = floats(NAN, 1, NAN, 2)
    _, ours = cypool.max_pool(x, 4, return_indices=True)
    _, right = reference.max_pool(x.tolist(), 4, return_indices=True)
    _, theirs = torch.nn.functional.max_pool1d(in_torch(torch, x), 4, return_indices=True)
    differs(ours, right, theirs, [2])


def test_torch_index_of_a_window_without_input():
    torch = peer("torch")
    x = floats(5)
    y, ours = cypool.max_pool(x, 2, 1, 1, 2, return_indices=True)
    _, right = reference.max_pool(x.tolist(), 2, 1, 1, 2, return_indices=True)
    assert y.tolist() == [-INF]
    _, theirs = torch.nn.functional.max_pool1d(in_torch(torch, x), 2, 1, 1, 2, return_indices=True)
    differs(ours, right, theirs, [1])  # the only element has the index 0


@pytest.mark.parametrize(("p", "seen"), [(1, 1), (3, NAN)])
def test_torch_norm_of_negative_numbers(p, seen):
    torch = peer("torch")
    x = floats(-3, 4) if p == 1 else floats(-3, 1)
    theirs = torch.nn.functional.lp_pool1d(in_torch(torch, x), p, 2)
    differs(cypool.lp_pool(x, 2, p=p), exact("lp_pool", x, 2, p=p), theirs, [seen])


def test_torch_norm_with_ceil_mode():
    torch = peer("torch")
    x = floats(3, 4, 6)
    theirs = torch.nn.functional.lp_pool1d(in_torch(torch, x), 2, 2, ceil_mode=True)
    right = exact("lp_pool", x, 2, ceil_mode=True)
    differs(cypool.lp_pool(x, 2, ceil_mode=True), right, theirs, [5, 6 * 2**0.5])


def test_torch_norm_that_overflows():
    torch = peer("torch")
    x = floats(3e30, 4e30, 3e-30, 4e-30)
    theirs = torch.nn.functional.lp_pool1d(in_torch(torch, x), 2, 2)
    differs(cypool.lp_pool(x, 2), exact("lp_pool", x, 2), theirs, [INF, 0])


def test_torch_gradient_in_16_bits():
    torch = peer("torch")
    x = np.zeros(4096, np.float16)
    x[2000] = 1
    y, indices = cypool.max_pool(x, 3000, 1, 1500, return_indices=True)
    assert y.sum(dtype=float) == 3000  # of its windows see the 1
    ours = cypool.max_pool_backward(np.ones_like(y), indices, x.shape)
    tensor = torch.tensor(x[None, None], requires_grad=True)
    theirs = torch.nn.functional.max_pool1d(tensor, 3000, 1, 1500)
    theirs.backward(torch.ones_like(theirs))
    differs(ours[2000], 3000, tensor.grad[0, 0, 2000], 2048)


# ------------------------------------------------------------------------------- ONNX Runtime


def onnxruntime(operator, x, outputs=1, **attributes):
    """Run one operator on x, as N = C = 1."""
    onnx, runtime = peer("onnx"), peer("onnxruntime")
    helper = onnx.helper
    x = x[None, None]
    names = ["y", "indices"][:outputs]
    dtype = helper.np_dtype_to_tensor_dtype(x.dtype)
    types = [dtype, onnx.TensorProto.INT64]
    graph = helper.make_graph(
        [helper.make_node(operator, ["x"], names, **attributes)],
        "pooling",
        [helper.make_tensor_value_info("x", dtype, x.shape)],
        [
            helper.make_tensor_value_info(name, t, None)
            for name, t in zip(names, types, strict=False)
        ],
    )
    opset = [helper.make_opsetid("", 19)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=9)
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    session = runtime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    results = session.run(None, {"x": x})
    return results[0] if outputs == 1 else results


def test_onnxruntime_nan_in_a_maximum():
    loses_nans(lambda x: onnxruntime("MaxPool", x, kernel_shape=[3]))
    loses_nans(lambda x: onnxruntime("GlobalMaxPool", x))


def test_onnxruntime_maximum_of_nans():
    x = floats(NAN, NAN)
    theirs = onnxruntime("MaxPool", x, kernel_shape=[2])
    differs(cypool.max_pool(x, 2), exact("max_pool", x, 2), theirs, [LEAST])


def test_onnxruntime_maximum_of_minus_infinity():
    x = floats(-INF, -INF)
    theirs = onnxruntime("MaxPool", x, kernel_shape=[2])
    differs(cypool.max_pool(x, 2), exact("max_pool", x, 2), theirs, [LEAST])


def test_onnxruntime_window_without_input():
    x = floats(5)
    windows = {"kernel_shape": [2], "strides": [1], "pads": [1, 1], "dilations": [2]}
    for name, operator, seen in (("max_pool", "MaxPool", LEAST), ("avg_pool", "AveragePool", 0)):
        theirs = onnxruntime(operator, x, **windows)
        differs(getattr(cypool, name)(x, 2, 1, 1, 2), exact(name, x, 2, 1, 1, 2), theirs, [seen])


def test_onnxruntime_mean_of_many_ones():
    peer("onnxruntime")
    ones = agree_that_many_ones_have_mean_one()
    not_one(onnxruntime("AveragePool", ones, kernel_shape=[5000, 5000]))


def test_onnxruntime_mean_that_cancels():
    x = floats(1e8, 1, -1e8, 0)
    theirs = onnxruntime("AveragePool", x, kernel_shape=[4])
    differs(cypool.avg_pool(x, 4), exact("avg_pool", x, 4), theirs, [0])


def test_onnxruntime_mean_that_overflows():
    x = floats(3e38, 3e38)
    theirs = onnxruntime("AveragePool", x, kernel_shape=[2])
    differs(cypool.avg_pool(x, 2), exact("avg_pool", x, 2), theirs, [INF])


def test_onnxruntime_norm_that_overflows():
    x = floats(3e30, 4e30, 3e-30, 4e-30)
    theirs = onnxruntime("LpPool", x, kernel_shape=[2], strides=[2], p=2)
    differs(cypool.lp_pool(x, 2), exact("lp_pool", x, 2), theirs, [INF, 0])


# ----------------------------------------------------------------------------------- OpenVINO


def openvino(x, pooling):
    """Run a pooling of OpenVINO's opset on x, as N = C = 1."""
    ov = peer("openvino")
    opset = peer("openvino.opset14")
    x = x.reshape((1,) * (4 - x.ndim) + x.shape)
    given = opset.parameter(list(x.shape), x.dtype)
    model = ov.Model([pooling(opset, given)], [given])
    return ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})([x])[0]


def openvino_max(x):
    sizes = [1, 1], [1, 1], [0, 0], [0, 0], [1, x.size]
    return openvino(x, lambda opset, given: opset.max_pool(given, *sizes))


def openvino_avg(x):
    sizes = [1, 1], [0, 0], [0, 0], list(x.shape) if x.ndim == 2 else [1, x.size], True
    return openvino(x, lambda opset, given: opset.avg_pool(given, *sizes))


def test_openvino_nan_in_a_maximum():
    loses_nans(openvino_max)


def test_openvino_maximum_of_minus_infinity():
    x = floats(-INF, -INF)
    differs(cypool.max_pool(x, 2), exact("max_pool", x, 2), openvino_max(x), [LEAST])


def test_openvino_mean_of_many_ones():
    peer("openvino")
    not_one(openvino_avg(agree_that_many_ones_have_mean_one()))


def test_openvino_mean_that_cancels():
    x = floats(1e8, 1, -1e8, 0)
    differs(cypool.avg_pool(x, 4), exact("avg_pool", x, 4), openvino_avg(x), [0])


# -------------------------------------------------------------------------- TensorFlow, Keras


def test_tensorflow_nan_in_a_maximum():
    tf = peer("tensorflow")
    loses_nans(lambda x: tf.nn.max_pool1d(x[None, :, None], 3, 1, "VALID"))


def test_tensorflow_maximum_of_minus_infinity():
    tf = peer("tensorflow")
    x = floats(-INF, -INF)
    theirs = tf.nn.max_pool1d(x[None, :, None], 2, 1, "VALID")
    differs(cypool.max_pool(x, 2), exact("max_pool", x, 2), theirs, [LEAST])


def test_tensorflow_maximum_of_integers():
    tf = peer("tensorflow")
    x = np.array([2**24, 2**24 + 1])
    theirs = tf.nn.max_pool2d(x[None, None, :, None], (1, 2), 1, "VALID")
    differs(cypool.max_pool(x, 2), exact("max_pool", x, 2), theirs, [2**24])


def test_tensorflow_mean_that_cancels():
    tf = peer("tensorflow")
    x = floats(1e8, 1, -1e8, 0)
    theirs = tf.nn.avg_pool1d(x[None, :, None], 4, 1, "VALID")
    differs(cypool.avg_pool(x, 4), exact("avg_pool", x, 4), theirs, [0])


def test_tensorflow_mean_that_overflows():
    tf = peer("tensorflow")
    for x in (floats(3e38, 3e38), np.array([60000, 60000], np.float16)):
        theirs = tf.nn.avg_pool1d(x[None, :, None], 2, 1, "VALID")
        differs(cypool.avg_pool(x, 2), exact("avg_pool", x, 2), theirs, [INF])


def test_keras_mean_of_many_ones():
    peer("tensorflow")
    keras = peer("keras")
    ones = agree_that_many_ones_have_mean_one(shape=(5000, 5000, 2))[None]
    not_one(keras.layers.AveragePooling2D(5000)(ones))
    not_one(keras.layers.GlobalAveragePooling2D()(ones))


# ------------------------------------------------------------------------------------- OpenCV


def test_opencv_nan_in_a_maximum():
    cv2 = peer("cv2")
    loses_nans(lambda x: cv2.dilate(x[None], np.ones((1, 3)))[0, 1])


def test_opencv_maximum_of_minus_infinity():
    cv2 = peer("cv2")
    x = floats(-INF, -INF, -INF)
    theirs = cv2.dilate(x[None], np.ones((1, 3)))
    right = exact("max_pool", x, 3, 1, 1)
    differs(cypool.max_pool(x, 3, 1, 1), right, theirs, [LEAST, -INF, LEAST])


@pytest.mark.parametrize(("value", "seen"), [(INF, NAN), (NAN, NAN), (1e17, 1 / 3)])
def test_opencv_running_mean(value, seen):
    cv2 = peer("cv2")
    x = np.ones(9)
    x[2] = value
    ours, right = cypool.avg_pool(x, 3, 1), exact("avg_pool", x, 3, 1)
    assert (right[3:] == 1).all()  # the value is not in these windows
    theirs = cv2.blur(x[:, None], (1, 3))[1:-1, 0]
    differs(ours[3:], right[3:], theirs[3:], np.full(4, seen))


def test_opencv_rounds_halves_of_2_by_2_up():
    cv2 = peer("cv2")
    for size, seen in ((2, 1), (4, 0)):
        x = np.zeros((size, size), np.uint8)
        x[::2] = 1  # the mean is a half
        theirs = cv2.resize(x, (1, 1), interpolation=cv2.INTER_AREA)
        ours = cypool.avg_pool(x, size, dtype=np.uint8)
        if size == 2:
            differs(ours, exact("avg_pool", x, size), theirs, [[seen]])
        else:
            assert ours == theirs == seen


# ------------------------------------------------------- Pillow, scikit-image, SciPy and NumPy


def test_pillow_mean_of_odd_boxes():
    Image = peer("PIL.Image")
    x = np.zeros((3, 3), np.uint8)
    x.flat[:5] = 1  # five ninths are nearer to 1 than to 0
    theirs = np.asarray(Image.fromarray(x).reduce(3))
    ours = cypool.avg_pool(x, 3, dtype=np.uint8)
    differs(ours, exact("avg_pool", x, 3), theirs, [[0]])


def test_scikit_image_windows_at_the_edge():
    measure = peer("skimage.measure")
    x = floats(-1, -2, -3)
    for name, reduce, seen in (("max_pool", np.max, 0), ("avg_pool", np.mean, -1.5)):
        ours = getattr(cypool, name)(x, 2, ceil_mode=True)[1:]
        right = exact(name, x, 2, ceil_mode=True)[1:]
        differs(ours, right, measure.block_reduce(x, 2, reduce)[1:], [seen])


def test_scikit_image_mean_of_many_ones():
    measure = peer("skimage.measure")
    ones = agree_that_many_ones_have_mean_one(shape=(5000, 5000, 2))
    not_one(measure.block_reduce(ones, (5000, 5000, 1), np.mean))


def test_scipy_nan_in_a_maximum():
    ndimage = peer("scipy.ndimage")
    loses_nans(lambda x: ndimage.maximum_filter1d(x, 3)[1])


@pytest.mark.parametrize(("value", "seen"), [(INF, NAN), (NAN, NAN), (1e17, 0)])
def test_scipy_running_mean(value, seen):
    ndimage = peer("scipy.ndimage")
    x = np.ones(9)
    x[2] = value
    ours, right = cypool.avg_pool(x, 3, 1), exact("avg_pool", x, 3, 1)
    assert (right[3:] == 1).all()  # the value is not in these windows
    theirs = ndimage.uniform_filter1d(x, 3)[1:-1]
    differs(ours[3:], right[3:], theirs[3:], np.full(4, seen))


def test_scipy_mean_of_integers():
    ndimage = peer("scipy.ndimage")
    x = np.array([0, 1, 1])
    ours = cypool.avg_pool(x, 3, dtype=int)
    differs(ours, exact("avg_pool", x, 3), ndimage.uniform_filter1d(x, 3)[1:2], [0])


def test_numpy_mean_of_many_ones():
    ones = agree_that_many_ones_have_mean_one(shape=(5000, 5000, 2))
    not_one(ones.mean(axis=(0, 1)))


def test_numpy_mean_that_cancels():
    x = floats(1e8, 1, -1e8, 0)
    differs(cypool.global_avg_pool(x), exact("avg_pool", x, 4)[0], x.mean(), 0)


def test_numpy_sum_in_16_bits():
    x = np.ones((4096, 2), np.float16)
    ours = cypool.global_sum_pool(x, axis=0)
    differs(ours, [4096, 4096], x.sum(axis=0), [2048, 2048])


def test_numpy_mean_of_bfloat16():
    x = np.ones(4096, peer("ml_dtypes").bfloat16)
    differs(cypool.global_avg_pool(x).astype(float), 1.0, x.mean().astype(float), 0.0625)


# -------------------------------------------------------------------------------- conventions


def test_tensorflow_indices():
    tf = peer("tensorflow")
    x = floats(*range(16)).reshape(1, 2, 4, 2)
    _, ours = cypool.max_pool(x, 2, axis=(1, 2), return_indices=True)
    _, right = reference.max_pool(x.tolist(), 2, axis=(1, 2), return_indices=True)
    _, theirs = tf.nn.max_pool_with_argmax(x, 2, 2, "VALID")
    differs(ours, right, theirs, [[[[10, 11], [14, 15]]]])
    np.testing.assert_array_equal(ours * 2 + [0, 1], theirs)


def test_keras_gradient_of_equal_maxima():
    tf = peer("tensorflow")
    keras = peer("keras")
    x = np.zeros((1, 2, 2, 1), np.float32)
    _, indices = cypool.global_max_pool(x, axis=(1, 2), return_indices=True)
    grad = np.ones((1, 1), np.float32)
    ours = cypool.global_max_pool_backward(grad, indices, x.shape, axis=(1, 2))
    variable = tf.Variable(x)
    with tf.GradientTape() as tape:
        y = keras.layers.GlobalMaxPooling2D()(variable)
    right = floats(1, 0, 0, 0).reshape(x.shape)
    differs(ours, right, tape.gradient(y, variable), np.full(x.shape, 0.25))


def test_opencv_borders():
    cv2 = peer("cv2")
    x = floats(1, 2, 3)
    theirs = cv2.blur(x[None], (3, 1))
    right = exact("avg_pool", x, 3, 1, 1)
    differs(cypool.avg_pool(x, 3, 1, 1), right, theirs, [5 / 3, 2, 7 / 3])


def test_pillow_rounds_halves_up():
    Image = peer("PIL.Image")
    x = np.array([[0, 1], [0, 1]], np.uint8)
    theirs = np.asarray(Image.fromarray(x).reduce(2))
    differs(cypool.avg_pool(x, 2, dtype=np.uint8), exact("avg_pool", x, 2), theirs, [[1]])


# ----------------------------------------------------------------------------------- refusals


def test_torch_padding_beyond_half_a_window():
    torch = peer("torch")
    x = floats(1, 2)
    ours = cypool.max_pool(x, 2, 1, 2)
    np.testing.assert_array_equal(ours, exact("max_pool", x, 2, 1, 2))
    refuses(lambda: torch.nn.functional.max_pool1d(in_torch(torch, x), 2, 1, 2), RuntimeError)


@pytest.mark.parametrize("dtype", ["bool", "uint16", "uint32", "uint64"])
def test_torch_maximum_of_bool_and_unsigned(dtype):
    torch = peer("torch")
    x = np.array([[0, 1], [1, 0]], dtype)
    assert cypool.max_pool(x, 2) == [[True]]
    refuses(lambda: torch.nn.functional.max_pool2d(in_torch(torch, x), 2), RuntimeError)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32"])
def test_torch_mean_of_short_integers(dtype):
    torch = peer("torch")
    x = np.array([1, 2], dtype)
    assert cypool.avg_pool(x, 2) == [1.5]
    refuses(lambda: torch.nn.functional.avg_pool1d(in_torch(torch, x), 2), RuntimeError)


def test_torch_unpooling_of_nothing():
    torch = peer("torch")
    x, indices = floats(-INF, 7), np.array([-1, 3])
    assert cypool.max_unpool(x, indices, (4,)).tolist() == [0, 0, 0, 7]
    given = [in_torch(torch, array) for array in (x, indices)]
    refuses(lambda: torch.nn.functional.max_unpool1d(*given, 2), RuntimeError)


def test_onnxruntime_padding_of_a_whole_window():
    runtime = peer("onnxruntime")
    x = floats(1, 2)
    ours = cypool.max_pool(x, 2, 1, 2)
    np.testing.assert_array_equal(ours, exact("max_pool", x, 2, 1, 2))
    error = runtime.capi.onnxruntime_pybind11_state.Fail
    refuses(lambda: onnxruntime("MaxPool", x, kernel_shape=[2], pads=[2, 2]), error)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
def test_tensorflow_mean_of_integers(dtype):
    tf = peer("tensorflow")
    x = tf.constant([1, 2], dtype)[None, None, :, None]
    assert cypool.avg_pool(np.array([1, 2], dtype), 2) == [1.5]
    error = tf.errors.InvalidArgumentError
    refuses(lambda: tf.nn.avg_pool2d(x, (1, 2), 1, "VALID"), error, TypeError)


@pytest.mark.parametrize("dtype", ["int8", "int32", "uint32", "int64"])
def test_opencv_maximum_of_integers(dtype):
    cv2 = peer("cv2")
    x = np.array([[1, 2, 3]], dtype)
    assert cypool.max_pool(x, 3, 1, 1).tolist() == [[2, 3, 3]]
    refuses(lambda: cv2.dilate(x, np.ones((1, 3))), cv2.error, TypeError)


# ---------------------------------------------------------------------------------- the tables


def rows():
    """Return the last cell of each row of the tables, but for their headings."""
    lines = DIFFERENCES.read_text(encoding="utf-8").splitlines()
    cells = [line.strip("| ").rpartition("|")[2].strip() for line in lines if line[:1] == "|"]
    return [cell for cell in cells if cell != "test" and cell.strip("-")]


def test_every_row_has_a_test_and_every_test_a_row():
    if not DIFFERENCES.is_file():
        pytest.skip("the tests lie by themselves, without the documentation")
    own = "test_every_row_has_a_test_and_every_test_a_row"
    tests = [name for name in globals() if name.startswith("test_") and name != own]
    assert rows() == [f"`{name.removeprefix('test_')}`" for name in tests]
