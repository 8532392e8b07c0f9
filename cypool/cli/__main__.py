"""Run the command line as ``python -m cypool.cli``."""

import sys

from cypool.cli import main

sys.exit(main())
