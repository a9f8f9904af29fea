"""Graphviz, the child's side: `python -m gradcli.layout FORMAT SECONDS` reads its language and writes a picture."""

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


def limit(seconds: float) -> None:
    """Bound this process's life and memory, where the system can: nothing reaches Graphviz once it runs."""
    alarm = getattr(signal, "alarm", None)  # not on Windows
    if alarm is not None:
        alarm(ceil(seconds) + 1)
    try:
        import resource
    except ImportError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard == resource.RLIM_INFINITY or hard > MEMORY:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, hard))


def main() -> None:
    """Read, lay out, write."""
    form, seconds = sys.argv[1], float(sys.argv[2])
    limit(seconds)
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
