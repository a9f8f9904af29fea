"""Graphviz: a text in its language becomes a picture, in a process of its own that is ended when it takes too long.

pygraphviz brings Graphviz with it; else a `dot` on the PATH does the work. Graphviz's layout may take minutes for a
small graph, and no signal reaches it while it runs within this process.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from html import escape
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import NamedTuple

from gradcli.errors import LimitError, UsageError, brief
from gradcli.layout import DPI, UNLOADED

FORMATS = ("svg", "png", "pdf")

MISSING = 'pip install "gradcli[draw]"'
"""How it is installed."""

LONGEST = 100
"""Characters of what a package that does not load says of it."""

SECONDS, WALL = 3.0, 10.0
"""How long one layout may work, and how long all of a drawing may take, whatever else the machine does.

Work is what decides, so that the same input gives the same picture on a busy machine too.
"""

FAMILY = "DejaVu Sans,Verdana,Helvetica,Arial,sans-serif"
"""What an SVG asks for: fonts as wide as the one that the layout measured, then any."""

MONO = "DejaVu Sans Mono,Consolas,Menlo,monospace"
"""The same for tensors, whose columns stand one below the other."""

ENDED = tuple(-getattr(signal, name) for name in ("SIGPROF", "SIGALRM") if hasattr(signal, name))
"""The exit statuses of a process whose time was over."""

EPOCH = "0"
"""The time that a PDF says it was made at, so that the same input gives the same bytes."""

DATE = re.compile(rb"/CreationDate \(D:[^)]*\)")
"""Where an older cairo writes the time all the same."""


def require() -> None:
    """Whether pictures can be made.

    Errors: UsageError with the command that installs what makes them.
    """
    if find_spec("pygraphviz") is None and shutil.which("dot") is None:
        raise UsageError("a picture is laid out by Graphviz, which is not installed: " + MISSING)


def picture(
    text: str,
    form: str,
    titles: Mapping[str, str] = MappingProxyType({}),
    *,
    seconds: float = SECONDS,
    wall: float = WALL,
) -> bytes:
    """The picture of a text in Graphviz's language, as svg, png or pdf.

    titles: what an SVG says of a node where the pointer rests; of all others, and of edges, it says nothing.
    seconds, wall: how long the layout may work, and take.
    Errors: UsageError where Graphviz is missing; LimitError where it took too long, or failed.
    """
    with fonts(text) as environment:
        done = drawn(text.encode(), form, Limits(seconds, wall), environment)
    return inert(done, titles) if form == "svg" else DATE.sub(undated, done) if form == "pdf" else done


def undated(match: re.Match[bytes]) -> bytes:
    """The date of a PDF, as long as it was, so that everything stays at its place."""
    return re.sub(rb"[1-9]", b"0", match[0])


class Limits(NamedTuple):
    """How long a layout may work, and take."""

    seconds: float
    wall: float


def drawn(text: bytes, form: str, limits: Limits, environment: Mapping[str, str]) -> bytes:
    """What Graphviz makes of a text; `dot` does the work where pygraphviz is there and does not load."""
    done = ran(command(form, limits), text, limits, environment)
    if done.returncode == UNLOADED and shutil.which("dot") is not None:
        done = ran(dot(form), text, limits, environment)
    elif done.returncode == UNLOADED:
        said = brief(done.stderr.decode(errors="replace").strip().rpartition("\n")[2], LONGEST)
        raise UsageError(f"a picture is laid out by pygraphviz, which does not load ({said}): {MISSING}")
    if done.returncode or not done.stdout:
        said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise LimitError(f"Graphviz failed{f': {said}' if said else ''}")
    return done.stdout


def ran(
    words: Sequence[str], text: bytes, limits: Limits, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[bytes]:
    """A process that has read the text and ended.

    Errors: LimitError.
    """
    try:
        done = subprocess.run(  # noqa: S603 - our own words
            words, input=text, env=environment, capture_output=True, timeout=max(limits.wall, 0.0), check=False
        )
    except subprocess.TimeoutExpired:
        raise LimitError(f"the layout took longer than {limits.wall:.2g} s") from None
    except OSError as error:
        raise LimitError(f"Graphviz did not start: {error.strerror or error}") from None
    if done.returncode in ENDED:
        raise LimitError(f"the layout took longer than {limits.seconds:g} s")
    return done


def command(form: str, limits: Limits) -> list[str]:
    """The words that start Graphviz."""
    if find_spec("pygraphviz") is not None and sys.executable:
        return [sys.executable, "-P", "-m", "gradcli.layout", form, *map(str, limits)]
    return dot(form)


def dot(form: str) -> list[str]:
    """The words that start the `dot` on the PATH."""
    return ["dot", f"-T{form}", *([f"-Gdpi={DPI}"] if form == "png" else [])]


@contextmanager
def fonts(text: str) -> Iterator[dict[str, str]]:
    """The environment of Graphviz: DejaVu as matplotlib brings it, so that text is text where no font is installed.

    The system's own fonts are beside it only for letters that DejaVu lacks: reading them all takes longer than drawing.
    """
    entries = [os.path.abspath(entry) for entry in sys.path]  # noqa: PTH100 - entries may be archives
    environment = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH, "TZ": "UTC", "PYTHONPATH": os.pathsep.join(entries)}
    environment.pop("PYTHONINSPECT", None)
    with ExitStack() as stack:
        with suppress(OSError):  # a system without room for temporary files has its own fonts alone
            found = bundled()
            if found:
                place = stack.enter_context(TemporaryDirectory(ignore_cleanup_errors=True))
                environment["FONTCONFIG_FILE"] = configured(found, Path(place), more=any(map(foreign, text)))
        yield environment


def bundled() -> list[Path]:
    """The fonts that matplotlib brings."""
    found = find_spec("matplotlib")
    folders = list(found.submodule_search_locations or ()) if found is not None else []
    paths = [Path(folder) / "mpl-data" / "fonts" / "ttf" / face for folder in folders for face in FACES]
    return [path for path in paths if path.is_file()]


def configured(files: Sequence[Path], place: Path, *, more: bool) -> str:
    """A file that tells fontconfig of these fonts, and of the system's where more are needed.

    Alone, they are read from a folder of their own, which is quick. Beside the system's they are read where they are:
    what fontconfig then keeps of its folders would pile up for folders that are gone.
    """
    folder = files[0].parent if more else place
    if not more:
        for path in files:
            link(path, place / path.name)
    config = place / "fonts.conf"
    system = SYSTEM.get(sys.platform, CONFIGURATION) if more else ""
    written = CONFIG.format(folder=escape(str(folder)), more=system, cache=escape(str(place)))
    config.write_text(written, encoding="utf-8")
    return str(config)


FACES = ("DejaVuSans.ttf", "DejaVuSansMono.ttf")

SYSTEM = {
    "win32": "<dir>WINDOWSFONTDIR</dir>",
    "darwin": "<dir>/System/Library/Fonts</dir><dir>/Library/Fonts</dir>",
}
"""Where fontconfig finds the system's fonts, if not where its own configuration says."""

CONFIGURATION = '<include ignore_missing="yes">/etc/fonts/fonts.conf</include>'

CONFIG = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{folder}</dir>{more}<cachedir>{cache}</cachedir></fontconfig>
"""


def link(path: Path, place: Path) -> None:
    """A file under another name; a copy where the system has no links."""
    try:
        place.symlink_to(path)
    except (OSError, NotImplementedError):
        shutil.copyfile(path, place)


def foreign(c: str) -> bool:
    """Whether DejaVu may lack a letter: it has Latin, Greek, Cyrillic and mathematics."""
    return not (c < "\u0590" or "\u1d00" <= c <= "\u1fff" or "\u2010" <= c <= "\u2bff")


def faced(match: re.Match[str]) -> str:
    """What stays of an attribute that names a font: that of a tensor, for any machine."""
    return f' font-family="{MONO}"' if "Mono" in match[0] else ""


def inert(svg: bytes, titles: Mapping[str, str]) -> bytes:
    """An SVG without what changes from version to version, with titles of our own, and fonts for any machine."""

    def titled(match: re.Match[str]) -> str:
        opening, _, _ = match[0].partition("<title>")
        told = titles.get(match[1], "")
        return f"{opening}<title>{escape(told)}</title>\n" if told else opening

    words = svg.decode("utf-8")
    words = re.sub(r"<!--.*?-->\n?", "", words, flags=re.DOTALL)
    words = re.sub(r"<!DOCTYPE[^>]*>\n?", "", words)
    words = re.sub(r' (?:xml:space|font-family|xmlns:xlink)="[^"]*"', faced, words)
    title = re.search(r"<title>([^<]*)</title>", words)
    label = f' role="img" aria-label="{title[1]}"' if title and '"' not in title[1] else ""
    words = words.replace("<svg ", f'<svg{label} font-family="{FAMILY}" ', 1)
    words = re.sub(r'<g id="[^"]*" class="(?:node|edge)">\n<title>([^<]*)</title>\n', titled, words)
    return words.encode("ascii", "xmlcharrefreplace")
