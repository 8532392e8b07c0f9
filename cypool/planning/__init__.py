"""From what is asked of an array to a plan for the kernels: the path, and tiles that it goes by."""

from .plan import LARGE_INPUT, plan_for
from .request import Request

__all__ = ["LARGE_INPUT", "Request", "plan_for"]
