"""Graphviz, the child's side: `python -m gradcli.layout FORMAT SECONDS WALL` reads and writes.

SECONDS of work are what it may take, and WALL on the clock.
"""

from __future__ import annotations

import os
import signal
import sys
from math import ceil

MEMORY = 2 << 30
"""Bytes of address space."""

UNLOADED = 69
"""The exit status where pygraphviz is there and cannot be loaded."""

DPI = 144
"""Dots per inch of a picture in pixels."""


def limit(seconds: float, wall: float) -> None:
    """Bound this process's work, life and memory, where the system can: nothing reaches Graphviz once it runs."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_PROF, seconds)
        signal.alarm(ceil(wall) + 1)
    try:
        import resource
    except ImportError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard == resource.RLIM_INFINITY or hard > MEMORY:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, hard))


def main() -> None:
    """Read, lay out, write."""
    form, seconds, wall = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
    limit(seconds, wall)
    text = sys.stdin.buffer.read().decode("utf-8")
    try:
        from pygraphviz import AGraph
    except ImportError as error:
        print(" ".join(str(error).split()), file=sys.stderr, flush=True)
        os._exit(UNLOADED)
    graph = AGraph(string=text)
    if form == "png":
        graph.graph_attr["dpi"] = str(DPI)
    picture = graph.draw(format=form, prog="dot")
    sys.stdout.buffer.write(picture)
    sys.stdout.buffer.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
