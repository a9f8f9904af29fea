"""`python -m gradcli`, and the installed command."""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Run the command line of this process and end it with the exit status."""
    gc.disable()  # a short run makes no garbage in cycles, and looking for it takes a twentieth of its time
    try:
        from gradcli.cli import run

        status = run(sys.argv[1:])
    except KeyboardInterrupt:  # while modules are still being read
        status = 130
    os._exit(status)  # everything is written; taking the modules apart would take another tenth


if __name__ == "__main__":
    main()
