"""ONNX's pooling operators, run by cypool.

`Backend` runs models made of them, and `reference_ops` puts them into ONNX's own reference
evaluator, which then runs any model with fast poolings.  ``pip install 'cypool[onnx]'`` installs
the onnx package, which this module needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

import cypool

try:
    from onnx import ModelProto, NodeProto, TensorProto, defs, helper, numpy_helper
    from onnx.backend import base
except ImportError as error:
    raise ImportError(f"cypool.onnx needs onnx: pip install 'cypool[onnx]' ({error})") from error

__all__ = [
    "Backend",
    "PreparedModel",
    "is_compatible",
    "prepare",
    "reference_ops",
    "run_model",
    "run_node",
    "supports_device",
]

Array = NDArray[Any]
Attributes = Mapping[str, Any]
Call = Callable[..., Any]

#: ONNX's operators of local windows, and the attributes they add to those of every window.
LOCAL: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "MaxPool": (cypool.max_pool, ()),
    "AveragePool": (cypool.avg_pool, ("count_include_pad",)),
    "LpPool": (cypool.lp_pool, ("p",)),
}

#: Its operators of whole planes, with the attributes they have.
GLOBAL: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "GlobalMaxPool": (cypool.global_max_pool, ()),
    "GlobalAveragePool": (cypool.global_avg_pool, ()),
    "GlobalLpPool": (cypool.global_lp_pool, ("p",)),
}

POOLINGS = (*LOCAL, *GLOBAL, "MaxUnpool")

#: Other operators, which models of poolings are given together with: they only pass arrays on.
OTHERS = ("Constant", "Identity", "Squeeze", "Unsqueeze")

#: `auto_pad` in cypool's words; NOTSET leaves it to `pads`.
AUTO_PAD = {"VALID": "valid", "SAME_UPPER": "same", "SAME_LOWER": "same_lower"}

#: How cypool takes the values of its keywords; ONNX has ints, of which any but 0 is true.
CONVERT: dict[str, Callable[[Any], Any]] = {"count_include_pad": bool, "p": float}


# From a node to a call ----------------------------------------------------------------------


def _operator(op: str, attributes: Attributes, opset: int, outputs: int) -> Call:
    """Return the function from a node's inputs to its output, or to a tuple of several."""
    if op in OTHERS:
        return _other(op, attributes)
    taken = _dtypes(op, opset)
    if op == "MaxUnpool":
        rank, call = _unpool(attributes)
    elif op in GLOBAL:
        rank, call = _global(op, attributes)
    else:
        rank, call = _local(op, attributes, outputs > 1)

    def checked(x: Array, *inputs: Any) -> Any:
        if x.dtype not in taken and x.dtype.newbyteorder("=") not in taken:
            raise TypeError(
                f"{op} of opset {opset} takes {', '.join(sorted(map(str, taken)))}, not {x.dtype}"
            )
        if x.ndim != rank and (rank or x.ndim < 3):
            raise ValueError(
                f"{op} takes an array of {rank or 'at least 3'} dimensions (N, C and the"
                f" {rank - 2 if rank else 'pooled'} of its windows), not of shape {x.shape}"
            )
        return call(x, *inputs)

    return checked


@cache
def _dtypes(op: str, opset: int) -> frozenset[Any]:
    """Return the dtypes an operator takes."""
    names = defs.get_schema(op, opset).inputs[0].types  # such as tensor(float)
    return frozenset(
        helper.tensor_dtype_to_np_dtype(TensorProto.DataType.Value(name[7:-1].upper()))
        for name in names
    )


def _local(op: str, attributes: Attributes, indices: bool) -> tuple[int, Call]:
    function, names = LOCAL[op]
    windows = _windows(op, attributes)
    windows["ceil_mode"] = bool(attributes.get("ceil_mode", 0))
    rank = 2 + len(windows["kernel_size"])
    keywords = {name: CONVERT[name](attributes[name]) for name in names if name in attributes}
    brief = {name: _brief(value) for name, value in windows.items()}
    pool = partial(function, **brief, **keywords, axis=tuple(range(2, rank)))
    if not indices:
        return rank, pool

    # ONNX counts indices through the whole array, and so does cypool if every axis is pooled.
    for name, of_a_plane in (("kernel_size", 1), ("stride", 1), ("dilation", 1), ("padding", 0)):
        if not isinstance(windows[name], str):
            windows[name] = (of_a_plane, of_a_plane, *windows[name])
    find = partial(function, **windows, return_indices=True)
    by_columns = bool(attributes.get("storage_order", 0))

    def with_indices(x: Array) -> tuple[Array, Array]:
        if not x.size:  # an axis without elements can be there, but cannot be pooled
            pooled = pool(x)
            return pooled, np.zeros(pooled.shape, np.int64)
        pooled, found = find(x)
        return pooled, _column_major(found, x.shape) if by_columns else found

    return rank, with_indices


def _windows(op: str, attributes: Attributes) -> dict[str, Any]:
    """Return the window's sizes, one for each spatial axis."""
    if "kernel_shape" not in attributes:
        raise ValueError(f"{op} needs its attribute kernel_shape")
    sizes = tuple(attributes["kernel_shape"])
    auto_pad = attributes.get("auto_pad", "NOTSET")
    if auto_pad not in ("NOTSET", *AUTO_PAD):
        raise ValueError(
            f"auto_pad of {op} is {auto_pad!r}; it must be NOTSET, {', '.join(AUTO_PAD)}"
        )
    given = {}
    for name, count, default in (("strides", 1, 1), ("dilations", 1, 1), ("pads", 2, 0)):
        # Some exporters write an empty list where others leave the attribute out.
        given[name] = tuple(attributes.get(name) or (default,) * (count * len(sizes)))
        if len(given[name]) != count * len(sizes):
            raise ValueError(
                f"{name} of {op} is {list(given[name])}; it must have {count * len(sizes)} values"
                f" for the {len(sizes)} of kernel_shape"
            )
    pads = zip(given["pads"][: len(sizes)], given["pads"][len(sizes) :], strict=True)
    return {
        "kernel_size": sizes,
        "stride": given["strides"],
        "dilation": given["dilations"],
        "padding": AUTO_PAD.get(auto_pad, tuple(pads)),
    }


def _brief(value: Any) -> Any:
    """Return the only int of a tuple, or of a tuple of pairs: cypool looks it up faster."""
    first = value
    while isinstance(first, tuple):
        if len(set(first)) != 1:
            return value
        first = first[0]
    return first


def _column_major(indices: Array, shape: tuple[int, ...]) -> Array:
    """Count through the spatial axes with the first one, not the last, as the fastest."""
    # Flat: NumPy 2.4 mistakes large arrays of them whose last axis has length 1.
    places = np.unravel_index(np.maximum(indices, 0).reshape(-1), shape)
    order = (0, 1, *range(len(shape) - 1, 1, -1))
    counted = np.ravel_multi_index([places[a] for a in order], tuple(shape[a] for a in order))
    return np.where(indices < 0, indices, counted.reshape(indices.shape))


def _global(op: str, attributes: Attributes) -> tuple[int, Call]:
    function, names = GLOBAL[op]
    keywords = {name: CONVERT[name](attributes[name]) for name in names if name in attributes}
    pool = partial(function, **keywords, keepdims=True)
    return 0, lambda x: pool(x, axis=tuple(range(2, x.ndim)))


def _unpool(attributes: Attributes) -> tuple[int, Call]:
    windows = _windows("MaxUnpool", attributes)
    strides, pads, sizes = windows["stride"], windows["padding"], windows["kernel_size"]

    def call(x: Array, indices: Array, output_shape: Array | None = None) -> Array:
        lengths = tuple(
            (n - 1) * s - sum(pad) + k
            for n, s, pad, k in zip(x.shape[2:], strides, pads, sizes, strict=True)
        )
        unpooled = cypool.max_unpool(x, indices, (*x.shape[:2], *lengths))
        if output_shape is None or unpooled.shape == (shape := tuple(output_shape.tolist())):
            return unpooled
        if len(shape) != x.ndim or any(map(int.__lt__, shape, unpooled.shape)):
            raise ValueError(
                f"output_shape of MaxUnpool is {shape}; it must be at least {unpooled.shape}"
            )
        # The indices stay those of the smaller array, which becomes a corner of the larger one.
        larger = np.zeros(shape, x.dtype)
        larger[tuple(map(slice, unpooled.shape))] = unpooled
        return larger

    return 2 + len(sizes), call


def _other(op: str, attributes: Attributes) -> Call:
    if op == "Constant":
        constant = _constant(attributes)
        return lambda: constant
    if op == "Identity":
        return lambda x: x
    # Before opset 13 the axes were an attribute, now they are an input.
    given = attributes.get("axes")
    if op == "Unsqueeze":
        return lambda x, axes=given: np.expand_dims(x, tuple(axes))
    return lambda x, axes=given: np.squeeze(x, None if axes is None else tuple(axes))


def _constant(attributes: Attributes) -> Array:
    for name, value in attributes.items():
        if name == "value":
            return _fixed(numpy_helper.to_array(value))
        if name in ("value_int", "value_ints"):
            return _fixed(np.array(value, np.int64))
        if name in ("value_float", "value_floats"):
            return _fixed(np.array(value, np.float32))
    raise ValueError(f"Constant with {', '.join(attributes)} is not served; give it a value")


def _fixed(array: Array) -> Array:
    """Return the array so that no caller who gets it from a model can change it."""
    array.flags.writeable = False
    return array


def _attributes(node: NodeProto) -> dict[str, Any]:
    values = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    return {n: v.decode() if isinstance(v, bytes) else v for n, v in values.items()}


def _outputs(node: NodeProto) -> list[str]:
    """Return the names of a node's outputs, without those that are left out."""
    return [name for name in node.output if name]


def _refused(nodes: Sequence[NodeProto]) -> list[str]:
    """Return the names of the operators that are not run here."""
    names = {n.op_type if n.domain in ("", "ai.onnx") else f"{n.domain}.{n.op_type}" for n in nodes}
    return sorted(names - {*POOLINGS, *OTHERS})


def _refuse(nodes: Sequence[NodeProto], device: str) -> None:
    if not supports_device(device):
        raise ValueError(f"device is {device!r}; cypool runs on the CPU only")
    if refused := _refused(nodes):
        raise ValueError(
            f"cypool runs {', '.join(sorted(POOLINGS))} (with {', '.join(OTHERS)}), not"
            f" {', '.join(refused)}; to run other operators too, give cypool.onnx.reference_ops()"
            " to onnx.reference.ReferenceEvaluator"
        )


def _opset(versions: Mapping[str, int]) -> int:
    return versions.get("", versions.get("ai.onnx", defs.onnx_opset_version()))


# ONNX's interface --------------------------------------------------------------------------


class PreparedModel(base.BackendRep):  # type: ignore[misc]
    """A model that is ready to run.

    Parameters
    ----------
    model : onnx.ModelProto
        A model that `Backend.is_compatible`.
    """

    def __init__(self, model: ModelProto) -> None:
        graph = model.graph
        opset = _opset({o.domain: o.version for o in model.opset_import})
        if graph.sparse_initializer:
            raise ValueError("sparse initializers are not served; store them as dense ones")
        # An optional input that is left out has the empty name.
        self._fixed: dict[Any, Any] = {
            i.name: _fixed(numpy_helper.to_array(i)) for i in graph.initializer
        } | {"": None}
        self._every = [i.name for i in graph.input]
        self._needed = [name for name in self._every if name not in self._fixed]
        self._outputs = [o.name for o in graph.output]
        self._steps = []
        for node in graph.node:
            outputs = _outputs(node)
            call = _operator(node.op_type, _attributes(node), opset, len(outputs))
            self._steps.append((call, tuple(node.input), outputs))

    def run(self, inputs: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Run the model.

        Parameters
        ----------
        inputs : sequence of array_like, or mapping of str to array_like
            The model's inputs, in its order or by name.  Those with an initializer can be left
            out.

        Returns
        -------
        tuple of ndarray
            The model's outputs.
        """
        values = self._fixed.copy()
        names: Sequence[str] = self._needed
        if type(inputs) is not list or len(inputs) != len(names):
            names, inputs = self._named(inputs)
        for i, name in enumerate(names):
            x = inputs[i]
            values[name] = x if type(x) is np.ndarray else np.asanyarray(x)
        for call, names, outputs in self._steps:
            results = call(*[values[name] for name in names])
            if len(outputs) == 1:
                values[outputs[0]] = results
            else:
                values.update(zip(outputs, results, strict=True))
        return tuple([values[name] for name in self._outputs])

    def _named(self, inputs: Any) -> tuple[Sequence[str], Sequence[Any]]:
        """Return the names of inputs and the inputs."""
        if isinstance(inputs, Mapping):
            if set(self._needed) <= set(inputs) <= set(self._every):
                return tuple(inputs), tuple(inputs.values())
            raise ValueError(f"inputs are {list(inputs)}; the model needs {self._needed}")
        if not isinstance(inputs, (list, tuple)):
            raise TypeError(
                f"inputs is a {type(inputs).__name__}; give a list of arrays, or a dict by name"
            )
        for names in (self._needed, self._every):
            if len(inputs) == len(names):
                return names, inputs
        raise ValueError(f"there are {len(inputs)} inputs; the model needs {self._needed}")


class Backend(base.Backend):  # type: ignore[misc]
    """ONNX's backend interface: run models of pooling operators.

    These are MaxPool, AveragePool, LpPool, GlobalMaxPool, GlobalAveragePool, GlobalLpPool and
    MaxUnpool of every opset, with Constant, Identity, Squeeze and Unsqueeze between them.

    Notes
    -----
    Where ONNX's text leaves something open, cypool's own rules hold: a NaN makes its window's
    result NaN, and a window without input gives -inf with the index -1 (MaxPool) or NaN
    (AveragePool).  Lengths are those of ONNX's shape inference.  `pads` is not looked at if
    `auto_pad` is set.

    Examples
    --------
    >>> import numpy as np
    >>> from onnx import helper
    >>> import cypool.onnx
    >>> node = helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[2], strides=[2])
    >>> x = np.array([[[1, 5, 2, 3]]], np.float32)
    >>> cypool.onnx.run_node(node, [x])
    (array([[[5., 3.]]], dtype=float32),)
    """

    @classmethod
    def is_compatible(cls, model: ModelProto, device: str = "CPU", **kwargs: Any) -> bool:
        """Tell whether every operator of a model can be run here.

        Parameters
        ----------
        model : onnx.ModelProto
            The model.
        device : str, optional
            The device: "CPU" is served.

        Returns
        -------
        bool
            Whether `prepare` takes it.
        """
        return cls.supports_device(device) and not _refused(model.graph.node)

    @classmethod
    def prepare(cls, model: ModelProto, device: str = "CPU", **kwargs: Any) -> PreparedModel:
        """Check a model and make it ready to run.

        Parameters
        ----------
        model : onnx.ModelProto
            The model.
        device : str, optional
            The device: "CPU" is served.

        Returns
        -------
        PreparedModel
            Its `run` takes the inputs and returns the outputs.

        Raises
        ------
        onnx.checker.ValidationError
            If it is not a valid model.
        ValueError
            If it has an operator that is not served, or `device` is not.
        """
        super().prepare(model, device, **kwargs)  # ONNX's checker
        _refuse(model.graph.node, device)
        return PreparedModel(model)

    @classmethod
    def run_node(
        cls,
        node: NodeProto,
        inputs: Sequence[Any],
        device: str = "CPU",
        outputs_info: Any = None,
        **kwargs: Any,
    ) -> tuple[Any, ...]:
        """Run one operator.

        Parameters
        ----------
        node : onnx.NodeProto
            The operator with its attributes.
        inputs : sequence of array_like
            Its inputs; None for an optional one that is left out.
        device : str, optional
            The device: "CPU" is served.
        outputs_info : optional
            Not looked at.
        **kwargs : optional
            `opset_version` is the opset whose rules hold, if not the newest one.

        Returns
        -------
        tuple of ndarray
            Its outputs.

        Raises
        ------
        onnx.checker.ValidationError
            If it is not a valid node.
        ValueError
            If the operator or `device` is not served, or the first input is left out.
        """
        super().run_node(node, inputs, device, outputs_info, **kwargs)  # ONNX's checker
        _refuse([node], device)
        opset = kwargs.get("opset_version", defs.onnx_opset_version())
        call = _operator(node.op_type, _attributes(node), opset, len(_outputs(node)))
        arrays = [None if x is None else np.asanyarray(x) for x in inputs]
        if not arrays or arrays[0] is None:
            raise ValueError(f"inputs are {inputs!r}; {node.op_type} needs the first one")
        results = call(*arrays)
        return results if isinstance(results, tuple) else (results,)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """Tell whether models run on a device.

        Parameters
        ----------
        device : str
            Such as "CPU" or "CUDA:1".

        Returns
        -------
        bool
            Whether it is the CPU.
        """
        return device.partition(":")[0] == "CPU"


is_compatible = Backend.is_compatible
prepare = Backend.prepare
run_model = Backend.run_model
run_node = Backend.run_node
supports_device = Backend.supports_device


def reference_ops() -> list[type[Any]]:
    """Return cypool's poolings as operators of ONNX's reference evaluator.

    Returns
    -------
    list of type
        Subclasses of `onnx.reference.op_run.OpRun`, one for each pooling.

    Examples
    --------
    >>> from onnx import parser
    >>> from onnx.reference import ReferenceEvaluator
    >>> import numpy as np
    >>> from cypool.onnx import reference_ops
    >>> model = parser.parse_model('''
    ...     <ir_version: 8, opset_import: ["" : 18]>
    ...     g (float[N, C, L] x) => (float[N, C, M] y) {
    ...         r = Relu(x)
    ...         y = AveragePool<kernel_shape = [2], strides = [2]>(r)
    ...     }''')
    >>> evaluator = ReferenceEvaluator(model, new_ops=reference_ops())
    >>> evaluator.run(None, {"x": np.array([[[1, 2, -3, 4]]], np.float32)})
    [array([[[1.5, 2. ]]], dtype=float32)]
    """
    from onnx.reference.op_run import OpRun

    def run(self: Any, *inputs: Any, **attributes: Any) -> tuple[Any, ...]:
        opset = _opset(self.run_params["opsets"])
        call = _operator(self.op_type, attributes, opset, len(_outputs(self.onnx_node)))
        results = call(*inputs)
        return results if isinstance(results, tuple) else (results,)

    return [type(op, (OpRun,), {"op_domain": "", "_run": run}) for op in POOLINGS]
