"""The time of ``import cypool`` in a new interpreter."""


def timeraw_import() -> str:
    return "import cypool"


def timeraw_import_after_numpy() -> tuple[str, str]:
    """cypool's own share: NumPy is imported before the clock starts."""
    return "import cypool", "import numpy"
