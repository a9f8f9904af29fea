"""The values that a student gets: drawn so that the arithmetic stays short and every slip leads to another number.

    candidates of drawing.py ─Judge→ the first one that is good enough = the student's values

`worksheet` prints these values and `grade` computes them again, perhaps years later with a newer gradcli, so what is
"good enough" belongs to the schema gradcli.assignment/1 and never changes within it. Hence the judge rests on nothing
that may grow: not on the table of misconceptions, but on the slips of slips.py; not on the clock; not on which cells
are asked, on points or on decimals, so that an assignment can be mended after its sheets were printed: every number
that may be asked for keeps two digits among its first two decimals, where the problem allows. Whether numbers differ is
asked with a margin that no short decimal meets exactly, so that no last digit of a platform decides.

The values do depend on a problem's id, `expr`, `defs`, `upstream`, `at` and `draw`, on the assignment's seed, and on
the student's id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from itertools import islice, pairwise
from math import inf, isfinite, isnan, nan
from typing import TYPE_CHECKING, Any, NamedTuple

from gradcli.autodiff import Value
from gradcli.errors import GradcliError
from gradcli.homework.files.shortness import APART, CLOSE, FAINT, NOUGHT, digits, faint, near
from gradcli.homework.files.slips import Slip, slips_on
from gradcli.ops.op import CONSTANT
from gradcli.systems.floats import FLOATS

if TYPE_CHECKING:
    from gradcli.graph import Graph
    from gradcli.homework.files.assignment import Assignment, Problem

Values = Mapping[str, Value]

ATTEMPTS = 120
"""Candidates that are looked at for one student; of these at least the best."""

SAMPLE = 64
"""Candidates by which it is known what can be asked of a problem's values."""

LARGEST, MOST_ENTRIES = 120, 2000
"""Nodes of a graph, and entries of its tensors, that are judged; of a larger one the first values are taken at which
all is finite."""

SPOILT, RIGHT, TRIVIAL, ALIKE = 10_000, 10, 10, 1
"""What counts against values: a node at a kink, a faint number or a tensor of zeros; a slip that leads to the right
number; a 0 or 1; two slips alike."""

NOWHERE = (nan,) * 5
"""Slips on the edge of an input that is not chosen: nobody makes them."""


def values(problem: Problem, assignment: Assignment, student: str) -> dict[str, Value]:
    """What a student's variables are: those of `at`, and of `draw` as drawn for this student; the same for ever."""
    from gradcli.homework.files.drawing import candidates

    drawn = candidates(problem, assignment.seed, student)
    if not problem.draw:
        return next(drawn)
    return _judge(problem, assignment.seed).choose(islice(drawn, ATTEMPTS))


def _judge(problem: Problem, seed: int) -> Judge:
    """The judge of a problem; made once, for as long as the same problem is asked for."""
    known = _judges.get(problem.id)
    if known is not None and known[0] is problem and known[1] == seed:
        return known[2]
    from gradcli.homework.files.drawing import candidates

    judge = Judge(problem.graph, islice(candidates(problem, seed, ""), SAMPLE), problem.upstream)
    _judges[problem.id] = (problem, seed, judge)
    return judge


_judges: dict[str, tuple[Problem, int, Judge]] = {}


class Link(NamedTuple):
    """An edge as the judge sees it: child, which input of it, parent, all inputs of the child, its rule, its slips."""

    i: int
    k: int
    p: int
    x: tuple[int, ...]
    rule: Any
    slips: tuple[Slip, ...]


class Bounds(NamedTuple):
    """What values must not exceed to be taken at once: what counts against them, and digits to be written."""

    faults: int
    digits: int


class Point(NamedTuple):
    """Forward values and gradients in tape order; nothing stands in the lists where they are not judged.

    spoilt: nodes at a kink, faint numbers, tensors of zeros.   zeros: what counts against tensors besides.
    """

    y: list[Any]
    g: list[float]
    spoilt: int = 0
    zeros: int = 0


class Judge:
    """Judges the values of one problem.

    sample: values as others would get, by which it is known what can be asked: which slips no values show, and how
    short the arithmetic can be.   upstream: what backward starts from.
    """

    def __init__(self, graph: Graph, sample: Iterable[Values], upstream: Value | None = None) -> None:
        self.graph, self.upstream = graph, upstream
        self.at = list(graph.inputs.values())
        self.nodes = [i for i, op in enumerate(graph.ops) if op is not CONSTANT]
        active = [varied and used for varied, used in zip(graph.varied, graph.used, strict=True)]
        self.edges = [
            Link(i, k, p, graph.parents[i], FLOATS.locals[op][k], slips_on(op.name, k))
            for i, op in enumerate(graph.ops)
            if active[i]
            for k, p in enumerate(graph.parents[i])
            if graph.varied[p] and op.passes(k)
        ]
        uses = Counter(edge.p for edge in self.edges)
        self.fans = [uses[edge.p] > 1 for edge in self.edges]
        kinked = [(i, op.predicate("kinks")) for i, op in enumerate(graph.ops) if op.kinks and active[i]]
        self.kinked = [(i, rule) for i, rule in kinked if rule is not None]
        self.heard = [i for i, on in enumerate(active) if on]  # nodes at which a gradient may arrive
        self.telling = self._reaching()
        self.bounds = self._calibrated(list(sample))

    def choose(self, candidates: Iterable[Values]) -> dict[str, Value]:
        """The first of the candidates that is good enough, else the best of them."""
        put_off: list[tuple[Values, tuple[float, float] | None]] = []
        for candidate in candidates:
            if self._long(candidate):  # known before the slips are worked out
                put_off.append((candidate, None))
                continue
            found = self.judged(candidate)
            if found[0] <= self.bounds.faults:
                return dict(candidate)
            put_off.append((candidate, found))
        judged = [(found or self.judged(candidate), n) for n, (candidate, found) in enumerate(put_off)]
        return dict(put_off[min(judged)[1]][0]) if judged else {}

    def _long(self, given: Values) -> bool:
        """Whether there are too many digits to write for these values to be taken at once."""
        point = self._point(given)
        return point is not None and sum(map(digits, self._numbers(point.y, point.g))) > self.bounds.digits

    def judged(self, given: Values) -> tuple[float, float]:
        """(what counts against these values, digits they make people write); infinite where something is undefined."""
        point = self._point(given)
        try:
            return (inf, inf) if point is None else self._weighed(point)
        except (ArithmeticError, ValueError, TypeError):
            return inf, inf

    def _point(self, given: Values) -> Point | None:
        """Forward values and gradients, where all are finite."""
        try:
            trace = self.graph.forward(given)
            gradients = trace.backward(self.upstream)
        except (GradcliError, ArithmeticError, ValueError, TypeError):
            return None
        if trace.tensorial or len(self.graph) > LARGEST:
            cells = [trace.value, *(gradient for _, gradient in gradients.items())]
            finite: Any = trace.m.finite if trace.tensorial else isfinite
            if not all(map(finite, cells)):
                return None
            judged = trace.tensorial and len(self.graph) <= LARGEST
            return Point([], [], *self._entries(trace, gradients.adjoints)) if judged else Point([], [])
        y, g = trace.values, [each or 0.0 for each in gradients.adjoints]
        if not (all(map(isfinite, y)) and all(map(isfinite, g))):
            return None
        spoilt = sum(map(faint, (y[i] for i in self.nodes))) + sum(map(faint, g))
        spoilt += sum(bool(rule(FLOATS, *[round(y[p], 9) for p in self.graph.parents[i]])) for i, rule in self.kinked)
        return Point(y, g, spoilt)

    def _entries(self, trace: Any, adjoints: list[Any]) -> tuple[int, int]:
        """The same faults of tensors: of all their entries; and the zeros among them."""
        import numpy as np

        tensors = [np.asarray(value, dtype=float) for value in (*trace.values, *adjoints) if value is not None]
        if sum(tensor.size for tensor in tensors) > MOST_ENTRIES:
            return 0, 0
        spoilt = zeros = 0
        for tensor in tensors:
            size = np.abs(tensor)
            nought = int((size < NOUGHT).sum())
            spoilt += int((size < FAINT).sum()) - nought + (nought == tensor.size)
            zeros += nought
            if (
                tensor.ndim == 2
                and tensor.shape[0] == tensor.shape[1] > 1
                and (np.abs(tensor - tensor.T) < NOUGHT).all()
            ):
                zeros += RIGHT  # nothing tells its transpose from it
        with trace.m.quiet(), suppress(GradcliError, ArithmeticError, ValueError, TypeError):
            for i, rule in self.kinked:
                inputs = [np.round(np.asarray(trace.values[p], dtype=float), 9) for p in self.graph.parents[i]]
                spoilt += int((np.asarray(rule(trace.m, *inputs)) != 0).sum())
        return spoilt, zeros

    def _numbers(self, y: list[Any], g: list[float]) -> list[float]:
        """What has to be written: the forward values, and the gradients of the inputs."""
        return [y[i] for i in self.nodes] + [g[i] for i in self.at] if y else []

    def _weighed(self, point: Point) -> tuple[float, float]:
        """The faults and the digits of forward values and gradients."""
        y, g, spoilt, zeros = point
        faults = SPOILT * spoilt + ALIKE * zeros
        if not y:
            return faults, 0
        numbers, right = self._numbers(y, g), [g[i] for i in self.at]
        faults += SPOILT * sum(abs(g[i]) < NOUGHT for i in self.heard)
        faults += TRIVIAL * sum(abs(number) < CLOSE or abs(abs(number) - 1) < CLOSE for number in numbers)
        margin = APART * min(1.0, max(map(abs, right), default=0.0))
        for gradient, led in zip(right, self._led(y, g), strict=True):
            told = sorted(wrong for wrong in led if not isnan(wrong))
            faults += RIGHT * sum(near(gradient, wrong, margin) for wrong in told)
            faults += ALIKE * sum(near(a, b, margin) for a, b in pairwise(told))
        return faults, sum(map(digits, numbers))

    def _led(self, y: list[Any], g: list[float]) -> list[list[float]]:
        """For every input, the numbers that the slips lead to; its own value and the other gradients among them."""
        rules = [rule(y[i], *[y[q] for q in x]) for i, _, _, x, rule, _ in self.edges]
        locals_ = [0.0 if local is None else float(local) for local in rules]
        moves: list[float] = []
        for (i, _, _, x, _, slips), local, chosen, fan in zip(self.edges, locals_, rules, self.fans, strict=True):
            above, down = g[i], local * g[i]
            moves += (
                NOWHERE
                if chosen is None
                else (-2 * down, above - down, local - down, local * above * above - down, -down if fan else 0.0)
            )
            if slips:
                inputs = [y[q] for q in x]
                moves += [slip(y[i], *inputs) * above - down for slip in slips]
        found = []
        for at, telling in zip(self.at, self.telling, strict=True):
            column = [0.0] * len(y)  # ∂node/∂input
            column[at] = 1.0
            for (i, _, p, _, _, _), local in zip(self.edges, locals_, strict=True):
                column[i] += local * column[p]
            fixed = [y[at], *(g[other] for other in self.at if other != at)]
            found.append([fixed[j] if p < 0 else g[at] + moves[j] * column[p] for j, p in telling])
        return found

    def _reaching(self) -> list[list[tuple[int, int]]]:
        """For every input the slips on edges that it reaches: (number of the slip, where its edge begins).

        The input's value, and the gradients of the others, begin nowhere: -1.
        """
        found = []
        for at in self.at:
            reached = {at}
            told = [(j, -1) for j in range(len(self.at))]
            j = 0
            for edge, fan in zip(self.edges, self.fans, strict=True):
                if edge.p in reached:
                    reached.add(edge.i)
                    told += [(j + n, edge.p) for n in range(4 + fan)] + [
                        (j + 5 + n, edge.p) for n in range(len(edge.slips))
                    ]
                j += 5 + len(edge.slips)
            found.append(told)
        return found

    def _calibrated(self, sample: list[Values]) -> Bounds:
        """What the best tenth of a sample keeps to: its faults; and the digits of two thirds of those with no more.

        Where only a few of the sample are not spoilt, or as little as can be, the best quarter of those is what others
        are measured by.
        Slips that hardly any values of the sample tell from the right number, or from another slip, are left out first.
        """
        self._drop_untellable(sample)
        judged = sorted(found for found in map(self.judged, sample) if found[0] < inf)
        if not judged:
            return Bounds(0, 0)
        least = judged[0][0] // SPOILT if judged[0][1] else 0  # of many entries some are spoilt, now more, now fewer
        sound = sum(faults < (least + 1) * SPOILT for faults, _ in judged)
        faults = judged[min(len(judged) // 10, sound // 4) if sound else len(judged) // 10][0]
        long = sorted(length for each, length in judged if each <= faults)
        return Bounds(int(faults), int(long[2 * len(long) // 3]))

    def _drop_untellable(self, sample: list[Values]) -> None:
        """Leave out slips that nine in ten of the sample's values do not tell from the right number or another slip."""
        rows = []
        for y, g, *_ in filter(None, map(self._point, sample)):
            with suppress(ArithmeticError, ValueError, TypeError):
                rows.append((g, self._led(y, g) if y else [[] for _ in self.at]))
        gradients = [g for g, _ in rows if g]
        self.heard = [i for i in self.heard if 10 * sum(abs(g[i]) < NOUGHT for g in gradients) < 9 * len(gradients)]
        kept = []
        for n, (at, telling) in enumerate(zip(self.at, self.telling, strict=True)):
            columns = [[g[at] for g, _ in rows if g]]  # the right number is told apart first
            slips = []
            for j, slip in enumerate(telling):
                column = [led[n][j] for _, led in rows if led[n]]
                if all(10 * sum(map(_same, column, known)) < 9 * len(column) for known in columns):
                    columns.append(column)
                    slips.append(slip)
            kept.append(slips)
        self.telling = kept


def _same(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-9 * max(abs(a), abs(b))
