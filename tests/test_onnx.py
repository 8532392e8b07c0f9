"""ONNX's own backend tests, and random nodes against ONNX Runtime and the reference evaluator."""

from __future__ import annotations

import importlib
import math
import pkgutil
import random
import re
import subprocess
import sys
from unittest import mock

import numpy as np
import pytest

pytest.importorskip("onnx")

from onnx import TensorProto, checker, defs, helper, parser, shape_inference
from onnx.backend.test import BackendTest
from onnx.reference import ReferenceEvaluator

import cypool
import cypool.onnx
from cypool.onnx import GLOBAL, LOCAL, POOLINGS, reference_ops

try:
    import onnxruntime
except ImportError:
    onnxruntime = None
else:
    onnxruntime.set_default_logger_severity(4)

NEWEST = defs.onnx_opset_version()

#: Every version of every pooling operator.
SCHEMAS = {
    (schema.name, schema.since_version): schema
    for schema in defs.get_all_schemas_with_history()
    if schema.domain == "" and schema.name in POOLINGS
}


def make_model(op, shape, attributes, opset=NEWEST, outputs=1, dtype=TensorProto.FLOAT):
    """Return a model of one node with the input x."""
    names = ["y", "indices"][:outputs]
    values = [
        helper.make_tensor_value_info(name, kind, [None] * len(shape))
        for name, kind in zip(names, (dtype, TensorProto.INT64), strict=False)
    ]
    graph = helper.make_graph(
        [helper.make_node(op, ["x"], names, **attributes)],
        "graph",
        [helper.make_tensor_value_info("x", dtype, shape)],
        values,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def run(op, x, attributes, opset=NEWEST, outputs=1):
    dtype = helper.np_dtype_to_tensor_dtype(x.dtype)
    model = make_model(op, x.shape, attributes, opset, outputs, dtype)
    results = cypool.onnx.run_model(model, [x])
    assert isinstance(results, tuple) and len(results) == outputs
    return results if outputs > 1 else results[0]


# --------------------------------------------------------------------- ONNX's own test suite


def import_poolings(package):
    """Import the modules of a package's pooling cases; all of them would take ten seconds."""
    for module in pkgutil.iter_modules(package.__path__):
        if "pool" in module.name:
            importlib.import_module(f"{package.__name__}.{module.name}")


def cases_of_onnx():
    with mock.patch("onnx.backend.test.loader.import_recursive", import_poolings, create=True):
        suite = BackendTest(cypool.onnx, __name__)
    return {
        name: case
        for case in suite.test_cases.values()
        for name in dir(case)
        if re.search(r"(?i)pool.*_cpu$", name)
    }


CASES = cases_of_onnx()


@pytest.mark.parametrize("name", CASES)
def test_case_of_onnx(name):
    CASES[name](name).debug()


def test_no_case_of_onnx_is_lost():
    parts = ["Node", "PyTorchConverted", "PyTorchOperator"]
    counts = [sum(c.__name__ == f"OnnxBackend{p}ModelTest" for c in CASES.values()) for p in parts]
    # Of onnx 1.23.  A newer one may have more; fewer would mean that some are not run.
    assert all(map(int.__ge__, counts, [53, 15, 1])), counts
    assert len(CASES) == sum(counts)


# ----------------------------------------------------------------- random nodes, two judges


def draw_attributes(op, opset, rng):
    """Return a shape and attributes of a node whose windows fit it."""
    known = SCHEMAS[op, opset].attributes
    while True:
        lengths = [rng.randint(2, 7) for _ in range(rng.choice([1, 2, 2, 3]))]
        sizes = [rng.randint(1, 4) for _ in lengths]
        attributes = {"kernel_shape": sizes}
        if rng.random() < 0.7:
            attributes["strides"] = [rng.randint(1, 3) for _ in sizes]
        if rng.random() < 0.4:
            attributes["pads"] = [rng.randint(0, k - 1) for k in sizes + sizes]
        elif rng.random() < 0.6:
            attributes["auto_pad"] = rng.choice(["SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"])
        if "dilations" in known and rng.random() < 0.5:
            attributes["dilations"] = [rng.randint(1, 2) for _ in sizes]
        for name in ("ceil_mode", "count_include_pad", "storage_order"):
            if name in known and rng.random() < 0.5:
                attributes[name] = 1
        if "p" in known and rng.random() < 0.7:
            attributes["p"] = rng.choice([1, 2, 3]) if opset > 1 else rng.choice([0.5, 1.0, 2.5])
        pads = attributes.get("pads", [0, 0] * len(sizes))
        dilations = attributes.get("dilations", [1] * len(sizes))
        room = [
            n + before + after - d * (k - 1)
            for n, before, after, d, k in zip(
                lengths, pads, pads[len(sizes) :], dilations, sizes, strict=False
            )
        ]
        if "SAME" in attributes.get("auto_pad", "") or min(room) > 0:
            return (rng.randint(1, 2), rng.randint(1, 3), *lengths), attributes


def traits(attributes):
    """Return auto_pad, whether a dilation or stride is not 1, and whether a stride jumps."""
    sizes = attributes["kernel_shape"]
    strides = attributes.get("strides", [1])
    return (
        attributes.get("auto_pad", "NOTSET"),
        max(attributes.get("dilations", [1])) > 1,
        max(strides) > 1,
        any(s > k for s, k in zip(strides, sizes, strict=False)),
    )


def runtime_is_right(op, opset, attributes, outputs):
    """Tell whether ONNX Runtime keeps to ONNX's text, by what was seen of version 1.31.

    With SAME_UPPER and SAME_LOWER it leaves the dilation out of the padding, and pads by less than
    nothing where a stride is larger than its window.
    """
    auto_pad, dilated, _, jumps = traits(attributes)
    return not (auto_pad.startswith("SAME") and (dilated or jumps))


def evaluator_is_right(op, opset, attributes, outputs):
    """Tell whether ONNX's reference evaluator keeps to its text, by what was seen of version 1.23.

    * MaxPool without stride and dilation takes the four `pads` in another order, and counts its
      indices from each channel's own beginning, always by rows.  With them, SAME_LOWER is as
      SAME_UPPER, with a length rounded down.  A NaN is passed over in the one and not the other.
    * AveragePool before opset 7 counts the padding.
    * With `ceil_mode`, AveragePool and LpPool move every window if the last sticks out by two or
      more, and LpPool makes up for missing elements by the mean of the others.
    * With `auto_pad`, AveragePool and LpPool leave the dilation out of the lengths, and refuse
      `ceil_mode` and a stride larger than its window; MaxPool overlooks `ceil_mode`.
    """
    auto_pad, dilated, strided, jumps = traits(attributes)
    ceil = "ceil_mode" in attributes
    if op == "MaxPool":
        explicit = auto_pad == "NOTSET" or (auto_pad == "VALID" and not ceil)
        return explicit and (strided or dilated)
    if op == "AveragePool" and opset < 7:
        return False
    return not ceil and (auto_pad == "NOTSET" or not (dilated or jumps))


def run_runtime(model, x):
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"x": x})


def run_evaluator(model, x):
    return ReferenceEvaluator(model).run(None, {"x": x})


JUDGES = {
    "evaluator": (evaluator_is_right, run_evaluator),
    "runtime": (runtime_is_right, run_runtime),
}


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize(("op", "opset"), [key for key in SCHEMAS if key[0] in LOCAL])
def test_random_nodes(op, opset, judge):
    if judge == "runtime":
        pytest.importorskip("onnxruntime")
        if opset < 2 and op != "MaxPool":
            pytest.skip(f"ONNX Runtime has no {op} of opset {opset}")
    elif op == "AveragePool" and opset < 7:
        pytest.skip("the evaluator counts padding there")
    is_right, judged_by = JUDGES[judge]
    rng = random.Random(f"{op} {opset}")
    judged = 0
    while judged < 40:
        shape, attributes = draw_attributes(op, opset, rng)
        outputs = rng.randint(1, SCHEMAS[op, opset].max_output)
        if not is_right(op, opset, attributes, outputs):
            continue
        judged += 1
        model = make_model(op, shape, attributes, opset, outputs)
        # Few values, so that there are ties.
        x = np.array([rng.randint(-4, 4) for _ in range(math.prod(shape))], np.float32)
        x = x.reshape(shape)
        expected = judged_by(model, x)
        for result, wanted in zip(cypool.onnx.run_model(model, [x]), expected, strict=True):
            assert result.dtype == wanted.dtype
            np.testing.assert_allclose(result, wanted, rtol=1e-5, atol=1e-7, err_msg=str(model))


@pytest.mark.parametrize(("op", "opset"), [key for key in SCHEMAS if key[0] in LOCAL])
def test_lengths_are_those_of_shape_inference(op, opset):
    rng = random.Random(f"lengths of {op} {opset}")
    for _ in range(100):
        shape, attributes = draw_attributes(op, opset, rng)
        if "ceil_mode" in attributes and (op == "LpPool" or opset < 22):
            continue  # it keeps windows that start behind the input; ONNX Runtime never does
        model = make_model(op, shape, attributes, opset)
        inferred = shape_inference.infer_shapes(model, strict_mode=True).graph.output[0]
        lengths = [d.dim_value for d in inferred.type.tensor_type.shape.dim]
        x = np.zeros(shape, np.float32)
        if lengths != [0] * len(shape):  # LpPool of opset 1 has no inference
            assert list(cypool.onnx.run_model(model, [x])[0].shape) == lengths, attributes


# ------------------------------------------------------------------------------ translation


def test_every_pooling_of_onnx_is_there():
    """But MaxRoiPool, whose windows are an input."""
    names = {s.name for s in defs.get_all_schemas_with_history() if re.search("[Pp]ool", s.name)}
    assert names == {*POOLINGS, "MaxRoiPool"}


TYPES = sorted({name[7:-1] for s in SCHEMAS.values() for name in s.inputs[0].types} | {"int32"})


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize(("op", "opset"), SCHEMAS)
def test_dtypes_of_an_opset(op, opset, name):
    dtype = helper.tensor_dtype_to_np_dtype(TensorProto.DataType.Value(name.upper()))
    x = np.array([[[3, 1, 4, 1, 5]]], dtype)
    attributes = {} if op in GLOBAL else {"kernel_shape": [1]}
    inputs = [x, np.arange(5).reshape(x.shape)] if op == "MaxUnpool" else [x]
    node = helper.make_node(op, ["x", "i"][: len(inputs)], ["y"], **attributes)

    def run_node():
        (y,) = cypool.onnx.run_node(node, inputs, opset_version=opset)
        assert y.dtype == dtype
        return y.astype(np.float64)

    if f"tensor({name})" in SCHEMAS[op, opset].inputs[0].types:
        expected = {
            "GlobalMaxPool": 5,
            "GlobalAveragePool": float(dtype.type(2.8)),
            "GlobalLpPool": float(dtype.type(math.sqrt(52))),
        }
        np.testing.assert_allclose(run_node(), expected.get(op, x.astype(np.float64)), rtol=1e-6)
        inputs[0] = x.astype(dtype.newbyteorder()) if name != "bfloat16" else x
        np.testing.assert_allclose(run_node(), expected.get(op, x.astype(np.float64)), rtol=1e-6)
    else:
        with pytest.raises(TypeError, match=f"{op} of opset {opset} takes .*, not {dtype}"):
            run_node()


@pytest.mark.parametrize("lengths", [(9,), (4, 5), (3, 4, 2), (2, 3, 2, 3), (2, 2, 3, 1, 2)])
@pytest.mark.parametrize("storage_order", [0, 1])
def test_indices_count_through_the_whole_tensor(lengths, storage_order):
    x = np.random.default_rng(1).permutation(6 * math.prod(lengths)).astype(np.float32)
    x = x.reshape(2, 3, *lengths)
    attributes = {
        "kernel_shape": [2] * len(lengths),
        "pads": [1, 0] * len(lengths),
        "storage_order": storage_order,
    }
    y, indices = run("MaxPool", x, attributes, outputs=2)
    assert indices.dtype == np.int64 and indices.shape == y.shape
    order = range(x.ndim) if storage_order == 0 else (0, 1, *range(2, x.ndim)[::-1])
    assert np.array_equal(x.transpose(order).ravel()[indices], y)
    assert np.array_equal(y, run("MaxPool", x, attributes))


def test_ties_and_nans():
    x = np.array([[[1, 2, 2, 1, np.nan, 5, np.nan, 0]]], np.float32)
    y, indices = run("MaxPool", x, {"kernel_shape": [4], "strides": [4]}, outputs=2)
    assert np.array_equal(y, [[[2, np.nan]]], equal_nan=True)
    assert indices.tolist() == [[[1, 4]]]
    # Column-major indices, but the first of equal elements by rows, as ONNX Runtime has it.
    attributes = {"kernel_shape": [2, 2], "storage_order": 1}
    _, indices = run("MaxPool", np.array([[[[0, 1], [1, 0]]]], np.float32), attributes, outputs=2)
    assert indices.tolist() == [[[[2]]]]


def test_columns_of_length_one_are_counted_alike():
    x = np.random.default_rng(0).permutation(20000).reshape(1, 1, 20000, 1).astype(np.float32)
    attributes = {"kernel_shape": [2, 1], "strides": [2, 1]}
    found = [
        run("MaxPool", x, attributes | {"storage_order": order}, outputs=2)[1] for order in (0, 1)
    ]
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("storage_order", [0, 1])
def test_windows_without_input(storage_order):
    x = np.array([[[[4]], [[5]]]], np.float32)
    attributes = {"kernel_shape": [1, 1], "pads": [1, 0, 0, 0]}
    y, indices = run("MaxPool", x, attributes | {"storage_order": storage_order}, outputs=2)
    assert y.ravel().tolist() == [-np.inf, 4, -np.inf, 5]
    assert indices.ravel().tolist() == [-1, 0, -1, 1]
    assert np.isnan(run("AveragePool", x, attributes)[0, 0, 0, 0])
    assert run("LpPool", x, attributes).ravel().tolist() == [0, 4, 0, 5]


@pytest.mark.parametrize("shape", [(0, 3, 4, 4), (2, 0, 4, 4)])
def test_empty_batches(shape):
    x = np.zeros(shape, np.float32)
    y, indices = run("MaxPool", x, {"kernel_shape": [2, 2], "storage_order": 1}, outputs=2)
    assert y.shape == indices.shape == (*shape[:2], 3, 3)
    assert indices.dtype == np.int64


def test_an_output_that_is_left_out():
    node = helper.make_node("MaxPool", ["x"], ["y", ""], kernel_shape=[3])
    (y,) = cypool.onnx.run_node(node, [np.array([[[1, 3, 2]]], np.float32)])
    assert y.tolist() == [[[3]]]


@pytest.mark.parametrize("inputs", [[], [None]])
def test_a_first_input_that_is_left_out(inputs):
    node = helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[3])
    with pytest.raises(ValueError, match="MaxPool needs the first one"):
        cypool.onnx.run_node(node, inputs)


def test_defaults_and_empty_lists():
    x = np.arange(6, dtype=np.float32).reshape(1, 1, 6)
    node = helper.make_node("AveragePool", ["x"], ["y"], kernel_shape=[2])
    for name in ("strides", "pads", "dilations"):
        node.attribute.append(helper.make_attribute(name, [], attr_type=helper.AttributeProto.INTS))
    assert cypool.onnx.run_node(node, [x])[0].ravel().tolist() == [0.5, 1.5, 2.5, 3.5, 4.5]


@pytest.mark.parametrize("lengths", [(5,), (3, 4), (2, 3, 4), (2, 3, 1, 2)])
@pytest.mark.parametrize("op", GLOBAL)
def test_global_pools_of_any_rank(op, lengths):
    x = np.random.default_rng(2).normal(size=(2, 3, *lengths)).astype(np.float32)
    planes = x.astype(np.float64).reshape(2, 3, -1)
    expected = {
        "GlobalMaxPool": planes.max(2),
        "GlobalAveragePool": planes.mean(2),
        "GlobalLpPool": (abs(planes) ** 3).sum(2) ** (1 / 3),
    }[op]
    y = run(op, x, {"p": 3} if op == "GlobalLpPool" else {})
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, expected.reshape(2, 3, *[1] * len(lengths)), rtol=1e-6)


@pytest.mark.parametrize("lengths", [(9,), (4, 6), (3, 5, 4)])
def test_unpool_puts_the_pooled_elements_back(lengths):
    rng = np.random.default_rng(3)
    x = rng.permutation(6 * math.prod(lengths)).reshape(2, 3, *lengths).astype(np.float32) + 1
    windows = {"kernel_shape": [3] * len(lengths), "strides": [1] * len(lengths)}
    y, indices = run("MaxPool", x, windows, outputs=2)
    node = helper.make_node("MaxUnpool", ["y", "i"], ["x"], **windows)
    (unpooled,) = cypool.onnx.run_node(node, [y, indices])
    assert np.array_equal(unpooled, np.where(np.isin(x, y), x, 0))
    assert np.array_equal(unpooled, ReferenceEvaluator(node).run(None, {"y": y, "i": indices})[0])


@pytest.mark.parametrize("seed", range(20))
def test_unpool_as_the_evaluator(seed):
    rng = np.random.default_rng(seed)
    spatial = rng.integers(1, 4)
    sizes = rng.integers(1, 4, spatial)
    strides = rng.integers(1, 4, spatial)
    pads = rng.integers(0, 2, 2 * spatial) * np.tile(sizes > 1, 2)
    shape = (2, 3, *rng.integers(3, 5, spatial))
    inferred = [
        (n - 1) * s - a - b + k
        for n, s, a, b, k in zip(
            shape[2:], strides, pads[:spatial], pads[spatial:], sizes, strict=True
        )
    ]
    x = rng.normal(size=shape).astype(np.float32)
    indices = rng.permutation(6 * math.prod(inferred) + x.size)[: x.size] % (
        6 * math.prod(inferred)
    )
    feeds = {"x": x, "i": indices.reshape(shape)}
    if seed % 2:
        feeds["output_shape"] = np.array([2, 3, *rng.integers(0, 3, spatial) + inferred])
    attributes = {"kernel_shape": sizes.tolist(), "strides": strides.tolist()}
    node = helper.make_node("MaxUnpool", list(feeds), ["y"], pads=pads.tolist(), **attributes)
    (expected,) = ReferenceEvaluator(node).run(None, feeds)
    (y,) = cypool.onnx.run_node(node, list(feeds.values()))
    assert y.dtype == expected.dtype
    assert np.array_equal(y, expected)


def test_unpool_refuses_what_does_not_fit():
    x, indices = np.ones((1, 1, 2), np.float32), np.array([[[0, 3]]])
    node = helper.make_node("MaxUnpool", ["x", "i", "s"], ["y"], kernel_shape=[2], strides=[2])
    (y,) = cypool.onnx.run_node(node, [x, indices, None])
    assert y.tolist() == [[[1, 0, 0, 1]]]
    for shape in ([1, 1, 3], [1, 4], [1, 1, 4, 4]):
        with pytest.raises(ValueError, match=r"at least \(1, 1, 4\)"):
            cypool.onnx.run_node(node, [x, indices, np.array(shape)])
    with pytest.raises(ValueError):
        cypool.onnx.run_node(node, [x, indices + 1, None])


# ----------------------------------------------------------------------------------- models


def parse(text, opset=18):
    model = parser.parse_model(f'<ir_version: 8, opset_import: ["" : {opset}]>\n{text}')
    checker.check_model(model)
    return model


TWO_POOLS = """
    g (float[C, L] x, float[1] unused = {3}) => (float[C, M] y, float[N, C, 1] z)
    <int64[1] first = {0}>
    {
        axes = Constant<value_ints = [0]>()
        batch = Unsqueeze(x, first)
        kept = Identity(batch)
        p = MaxPool<kernel_shape = [2], strides = [2]>(kept)
        y = Squeeze(p, axes)
        z = GlobalAveragePool(p)
    }"""


def test_a_model_of_several_nodes():
    model = parse(TWO_POOLS)
    assert cypool.onnx.is_compatible(model)
    prepared = cypool.onnx.prepare(model)
    x = np.array([[1, 5, 2, 3], [0, 0, 8, 1]], np.float32)
    unused = np.ones(1, np.float32)
    for inputs in ([x], (x,), [x, unused], {"x": x}, {"unused": unused, "x": x}):
        y, z = prepared.run(inputs)
        assert y.tolist() == [[5, 3], [0, 8]]
        assert z.tolist() == [[[4], [4]]]


def test_axes_as_attributes():
    model = parse(
        """g (float[C, L] x) => (float[C, M] y) {
            u = Unsqueeze<axes = [0, 3]>(x)
            p = AveragePool<kernel_shape = [2, 1]>(u)
            y = Squeeze<axes = [0, 3]>(p)
        }""",
        opset=6,
    )
    x = np.array([[1, 5, 2], [0, 1, 8]], np.float32)
    assert cypool.onnx.run_model(model, [x])[0].tolist() == [[3, 3.5], [0.5, 4.5]]


def test_an_optional_input_that_is_left_out():
    model = parse(
        """g (float[N, C, L] x, int64[N, C, L] i) => (float[N, C, M] y) {
            y = MaxUnpool<kernel_shape = [2], strides = [2]>(x, i)
        }"""
    )
    model.graph.node[0].input.append("")
    y = cypool.onnx.run_model(model, [np.array([[[5, 6]]], np.float32), np.array([[[0, 3]]])])
    assert y[0].tolist() == [[[5, 0, 0, 6]]]


def test_constants_stay_as_they_are():
    model = parse(
        """g () => (float[3] a, float[1] b, int64 c, float[2] d) <float[3] a = {1, 2, 3}> {
            b = Constant<value = float[1] {4}>()
            c = Constant<value_int = 5>()
            d = Constant<value_floats = [6.0, 7.0]>()
        }"""
    )
    prepared = cypool.onnx.prepare(model)
    a, b, c, d = prepared.run([])
    assert [v.tolist() for v in (a, b, c, d)] == [[1, 2, 3], [4], 5, [6, 7]]
    assert [v.dtype for v in (a, b, c, d)] == ["float32", "float32", "int64", "float32"]
    for value in (a, b, c, d):
        with pytest.raises(ValueError, match="read-only"):
            value[...] = 0


def test_other_operators_are_refused_by_name():
    model = parse(
        """g (float[N, C, L] x) => (float[N, C, M] y) {
            s = Relu(x)
            t = MaxPool<kernel_shape = [2]>(s)
            y = Abs(t)
        }"""
    )
    assert not cypool.onnx.is_compatible(model)
    with pytest.raises(ValueError, match=r"not Abs, Relu;.*reference_ops"):
        cypool.onnx.prepare(model)
    with pytest.raises(ValueError, match="not Relu;"):
        cypool.onnx.run_node(helper.make_node("Relu", ["x"], ["y"]), [np.ones(3)])
    foreign = make_model("MaxPool", (1, 1, 4), {"kernel_shape": [2]})
    foreign.graph.node[0].domain = "com.microsoft"
    foreign.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    assert not cypool.onnx.is_compatible(foreign)
    with pytest.raises(ValueError, match=r"not com\.microsoft\.MaxPool;"):
        cypool.onnx.prepare(foreign)


def test_devices():
    model = make_model("GlobalMaxPool", (1, 1, 4), {})
    assert cypool.onnx.supports_device("CPU") and cypool.onnx.supports_device("CPU:0")
    assert not cypool.onnx.supports_device("CUDA") and not cypool.onnx.supports_device("CUDA:1")
    assert not cypool.onnx.is_compatible(model, "CUDA")
    with pytest.raises(ValueError, match="device is 'CUDA'"):
        cypool.onnx.prepare(model, "CUDA")
    with pytest.raises(ValueError, match="device is 'CUDA'"):
        cypool.onnx.run_node(model.graph.node[0], [np.ones((1, 1, 4), np.float32)], "CUDA")


def test_inputs_that_do_not_fit_the_model():
    prepared = cypool.onnx.prepare(parse(TWO_POOLS))
    x = np.ones((2, 4), np.float32)
    for inputs, kind, message in [
        ([], ValueError, r"there are 0 inputs; the model needs \['x'\]"),
        ([x, x, x], ValueError, "there are 3 inputs"),
        ({"z": x}, ValueError, r"inputs are \['z'\]; the model needs \['x'\]"),
        ({"x": x, "z": x}, ValueError, "inputs are"),
        (x, TypeError, "inputs is a ndarray; give a list"),
    ]:
        with pytest.raises(kind, match=message):
            prepared.run(inputs)


def test_arrays_and_attributes_that_do_not_fit():
    def run_it(op="MaxPool", shape=(1, 1, 4), **attributes):
        x = np.ones(shape, np.float32)
        cypool.onnx.run_node(helper.make_node(op, ["x"], ["y"], **attributes), [x])

    with pytest.raises(ValueError, match=r"MaxPool takes .* 3 dimensions .*\(1, 1, 4, 4\)"):
        run_it(kernel_shape=[2], shape=(1, 1, 4, 4))
    with pytest.raises(ValueError, match=r"MaxPool takes .* 4 dimensions .*\(1, 1, 4\)"):
        run_it(kernel_shape=[2, 2])
    with pytest.raises(ValueError, match=r"GlobalMaxPool takes .* at least 3 dimensions"):
        run_it("GlobalMaxPool", shape=(2, 3))
    with pytest.raises(ValueError, match=r"auto_pad of MaxPool is 'SAME'; it must be NOTSET, V"):
        run_it(kernel_shape=[2], auto_pad="SAME")
    with pytest.raises(ValueError, match=r"pads of MaxPool is \[1\]; it must have 2 values"):
        run_it(kernel_shape=[2], pads=[1])
    for name in ("strides", "dilations"):
        with pytest.raises(ValueError, match=rf"{name} of MaxPool is \[1, 2\]; .* 1 values"):
            run_it(kernel_shape=[2], **{name: [1, 2]})
    with pytest.raises(ValueError, match="padding"):
        run_it(kernel_shape=[2], pads=[-1, 0])
    with pytest.raises(checker.ValidationError):
        run_it()
    node = helper.make_node("LpPool", ["x"], ["y"])  # which opset 1 allows
    with pytest.raises(ValueError, match="LpPool needs its attribute kernel_shape"):
        cypool.onnx.run_node(node, [np.ones((1, 1, 4), np.float32)], opset_version=1)
    model = make_model("MaxPool", (1, 1, 4), {"kernel_shape": [2], "ceil_mode": 1}, opset=8)
    with pytest.raises(checker.ValidationError, match="ceil_mode"):
        cypool.onnx.prepare(model)


def test_masked_arrays_are_refused():
    x = np.ma.masked_equal(np.ones((1, 1, 4), np.float32), 0)
    with pytest.raises(TypeError, match="mask"):
        run("MaxPool", x, {"kernel_shape": [2]})


# --------------------------------------------------------------------- reference evaluator


def test_evaluator_runs_cypool():
    text = """g (float[N, C, L] x) => (float[N, C, M] y, int64[N, C, M] i, float[N, C, K] z) {
        r = Relu(x)
        y, i = MaxPool<kernel_shape = [2], storage_order = 1>(r)
        z = MaxUnpool<kernel_shape = [2]>(y, i)
    }"""
    evaluator = ReferenceEvaluator(parse(text), new_ops=reference_ops())
    x = np.array([[[1, -5, 2], [3, 4, -1]]], np.float32)
    y, i, z = evaluator.run(None, {"x": x})
    assert y.tolist() == [[[1, 2], [4, 4]]]
    assert i.tolist() == [[[0, 2], [4, 4]]]  # which ONNX's own has as 0, 2, 1, 1
    assert z.tolist() == [[[1, 0, 2], [0, 4, 0]]]


def test_evaluator_runs_cypool_in_functions():
    text = """g (float[N, C, L] x) => (float[N, C, M] y) {
        y = own.halve<width = [2]>(x)
    }
    <domain: "own", opset_import: ["" : 18]>
    halve<width>(x) => (y) {
        y = AveragePool<kernel_shape: ints = @width, strides: ints = @width>(x)
    }"""
    model = parser.parse_model(f'<ir_version: 8, opset_import: ["" : 18, "own" : 1]>\n{text}')
    evaluator = ReferenceEvaluator(model, new_ops=reference_ops())
    assert evaluator.run(None, {"x": np.array([[[1, 2, 3, 6]]], np.float32)})[0].tolist() == [
        [[1.5, 4.5]]
    ]


def test_evaluator_keeps_to_the_opset():
    model = make_model("MaxPool", (1, 1, 3), {"kernel_shape": [3]}, 11, dtype=TensorProto.INT8)
    x = np.array([[[1, 3, 2]]], np.int8)
    with pytest.raises(TypeError) as raised:
        ReferenceEvaluator(model, new_ops=reference_ops()).run(None, {"x": x})
    assert "MaxPool of opset 11 takes float16, float32, float64, not int8" in str(
        raised.value.__cause__
    )
    model.opset_import[0].version = 12
    assert ReferenceEvaluator(model, new_ops=reference_ops()).run(None, {"x": x})[0] == 3


def test_every_pooling_has_an_operator():
    assert {(c.op_domain, c.__name__) for c in reference_ops()} == {("", op) for op in POOLINGS}


@pytest.mark.parametrize("op", [op for op in POOLINGS if op != "MaxUnpool"])
def test_evaluator_is_as_the_backend(op):
    rng = random.Random(op)
    versions = [version for name, version in SCHEMAS if name == op]
    for version in versions * 3:
        shape, attributes = (2, 3, 4, 5), {}
        if op in LOCAL:
            shape, attributes = draw_attributes(op, version, rng)
        outputs = SCHEMAS[op, version].max_output
        model = make_model(op, shape, attributes, version, outputs)
        x = np.random.default_rng(version).normal(size=shape).astype(np.float32)
        results = ReferenceEvaluator(model, new_ops=reference_ops()).run(None, {"x": x})
        for result, wanted in zip(results, cypool.onnx.run_model(model, [x]), strict=True):
            assert result.dtype == wanted.dtype
            assert np.array_equal(result, wanted)


# --------------------------------------------------------------------------- without onnx


def test_without_onnx_the_error_names_the_extra():
    code = "import sys; sys.modules['onnx'] = None; import cypool, cypool.onnx"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "ImportError: cypool.onnx needs onnx: pip install 'cypool[onnx]'" in done.stderr


def test_cypool_does_not_import_onnx():
    code = "import sys, cypool; sys.exit('onnx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
