"""``python -m rostra``: the same as the command ``rostra``."""

from rostra.ops.cli import main

main()
