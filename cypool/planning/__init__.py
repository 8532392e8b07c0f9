"""From what is asked of an array to a plan for the kernels: the path, and tiles that it goes by."""

from .plan import is_large, plan_for
from .request import Request

__all__ = ["Request", "is_large", "plan_for"]
