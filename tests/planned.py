"""The same calls by other plans, and by the kernels of other instruction sets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import pytest

from cypool import engine, kernels, norms, threads
from cypool.planning import arithmetic, at_once, axes, plan, tiling

#: What plans, and the parts of gradients of norms, depend on besides the call is looked up here.
HOMES = (threads, norms, arithmetic, at_once, axes, plan, tiling)


def change(patch: pytest.MonkeyPatch, **names: Any) -> None:
    """Let plans be made with other values of these names, from now on."""
    for name, value in names.items():
        homes = [home for home in HOMES if hasattr(home, name)]
        assert homes, f"no plan depends on {name}"
        for home in homes:
            patch.setattr(home, name, value)
    engine.planned.cache_clear()


@contextmanager
def changed(**names: Any) -> Iterator[None]:
    """Let plans be made with other values of these names here."""
    try:
        with pytest.MonkeyPatch.context() as patch:
            change(patch, **names)
            yield
    finally:
        engine.planned.cache_clear()


@contextmanager
def instruction_set(name: str) -> Iterator[None]:
    """Let calls be done by the kernels of an instruction set."""
    module = import_module(f"cypool.kernels.{name}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "route", module.route)
        patch.setattr(kernels, "strays", module.strays)
        with changed(Plan=module.Plan):
            yield
