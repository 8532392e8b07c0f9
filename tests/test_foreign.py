"""Arrays of other libraries: taken without a copy, or refused with a way out."""

from __future__ import annotations

import array
import os

import numpy as np
import pytest

import cypool
from cypool import max_pool
from cypool.arrays import plain_array

EXPECTED = np.array([[5, 7], [13, 15]], np.float32)


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


class Exporter:
    """An array that offers one protocol only."""

    def __init__(self, x):
        self.x = x


class WithDLPack(Exporter):
    def __dlpack__(self, **options):
        return self.x.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.x.__dlpack_device__()

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        raise AssertionError("the elements are asked for one by one")


class WithArray(Exporter):
    def __array__(self, dtype=None, copy=None):
        return self.x


class WithInterface(Exporter):
    @property
    def __array_interface__(self):
        return self.x.__array_interface__


@pytest.mark.parametrize("wrapper", [WithDLPack, WithArray, WithInterface, memoryview])
def test_protocols_are_taken_without_a_copy(wrapper):
    x = np.arange(16, dtype=np.float32).reshape(4, 4)
    assert np.shares_memory(plain_array(wrapper(x)), x)
    result = max_pool(wrapper(x), 2)
    assert type(result) is np.ndarray
    np.testing.assert_array_equal(result, EXPECTED, strict=True)


def test_buffers_of_the_standard_library():
    assert max_pool(array.array("d", [3, 1, 4, 1]), 2).tolist() == [3, 4]
    assert max_pool(bytearray([3, 1, 4, 1]), 2).tolist() == [3, 4]


def test_torch_tensors_share_their_memory(torch):
    x = torch.arange(16, dtype=torch.float32).reshape(4, 4)
    assert np.shares_memory(plain_array(x), x.numpy())
    result = max_pool(x, 2)
    assert type(result) is np.ndarray
    np.testing.assert_array_equal(result, EXPECTED, strict=True)
    np.testing.assert_array_equal(max_pool(x.T, 2), EXPECTED.T)
    np.testing.assert_array_equal(cypool.global_max_pool(x.expand(2, 4, 4), axis=(1, 2)), [15, 15])


@pytest.mark.parametrize(
    ("make", "way_out"),
    [
        (lambda torch: torch.ones(4, requires_grad=True), "requires grad.*detach"),
        (lambda torch: torch.ones(4, device="meta"), r"meta.*cpu\(\)"),
        (lambda torch: torch.ones(4, dtype=torch.bfloat16), r"BFloat16; use x\.float\(\), or x\."),
        (lambda torch: torch.eye(4).to_sparse(), "Sparse.*to_dense"),
    ],
)
def test_other_torch_tensors_are_refused_with_a_way_out(torch, make, way_out):
    with pytest.raises(TypeError, match=rf"x is a torch\.Tensor.*{way_out}"):
        max_pool(make(torch), 2)


def test_bfloat16_by_the_way_out(torch):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    x = torch.arange(4, dtype=torch.bfloat16)
    seen = plain_array(x.view(torch.int16).numpy().view(ml_dtypes.bfloat16))
    assert seen.dtype == ml_dtypes.bfloat16
    assert seen.tolist() == [0, 1, 2, 3]


def test_dlpack_that_numpy_does_not_take(torch):
    x = WithDLPack(torch.ones(4, dtype=torch.bfloat16))
    with pytest.raises(TypeError, match=r"x is a .*WithDLPack that NumPy does not take"):
        max_pool(x, 2)


def test_jax_arrays_share_their_memory(monkeypatch):
    monkeypatch.setitem(os.environ, "JAX_PLATFORMS", "cpu")
    jnp = pytest.importorskip("jax.numpy")
    x = jnp.arange(16, dtype=jnp.float32).reshape(4, 4)
    assert np.shares_memory(plain_array(x), np.asarray(x))
    result = max_pool(x, 2)
    assert type(result) is np.ndarray
    np.testing.assert_array_equal(result, EXPECTED, strict=True)
    x.delete()
    with pytest.raises(TypeError, match="deleted"):
        max_pool(x, 2)


def test_errors_of_lists_are_numpys():
    with pytest.raises(ValueError, match="inhomogeneous"):
        max_pool([[1, 2], [3]], 1)
