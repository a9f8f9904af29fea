"""How many digits the formula keeps: balls carried through the whole graph, forward and backward.

Inputs and constants are exactly their doubles; every node is then a ball that surely holds the mathematical
result, and so is every gradient. Beside them stand the engine's numbers. `1-cos(x)` at 1e-8 computes right
at every node and still has no right digit: that is told here, and is no fault of the engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import floor, inf, isfinite, log10, ulp
from time import perf_counter

from flint import arb

from gradcli.autodiff import Gradients
from gradcli.notation import formula
from gradcli.ops.op import CONSTANT, INPUT
from gradcli.systems.balls import EVERYTHING, Balls, precision
from gradcli.systems.floats import FLOATS
from gradcli.systems.series import NAN, ZERO, ball

FEW, FULL = 6, 15
"""Right digits below which a warning is due, and more than which a double is not credited with."""

PRECISIONS = (128, 256, 640, 1280, 2560)
"""Bits to try until every ball says how many digits are right."""

CLEAR_BITS = 60
FARTHEST = 1_000_000
"""Binary exponent beyond which a magnitude is not followed: the doubles left it long ago."""

WIDE = 32
"""Parents of a node whose every edge looks at the clock: each slope takes them all."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The digits that are right: of the worst of output and gradients, and of each cell that has too few."""

    digits: int | None
    lost: dict[str, int]
    warnings: list[str]
    notes: list[str]
    others: int | None = None  # the digits of the cells that are not lost
    uncounted: tuple[str, ...] = ()


def enclose(gradients: Gradients, m: Balls, deadline: float, asked: bytearray) -> Kept:
    """Count the right digits of the output and of every gradient, at rising precision where needed.

    asked: 1 for each node whose gradient counts.
    """
    return counted(Enclosure(gradients, m, deadline, asked))


def counted(enclosure: Enclosure) -> Kept:
    """Run an enclosure at rising precision until every ball says how many digits are right."""
    complete, deadline = False, enclosure.deadline
    for bits in PRECISIONS:
        started = perf_counter()
        with precision(bits):
            if not enclosure.run():
                break
            complete = True
            if not enclosure.unclear:
                break
        if perf_counter() + 4 * (perf_counter() - started) > deadline:
            break
    if not complete:
        return Kept(None, {}, [], ["how many digits the formula keeps was not counted: the budget was used up"])
    return enclosure.kept()


class Enclosure:
    """The balls of one graph at one point."""

    def __init__(self, gradients: Gradients, m: Balls, deadline: float, asked: bytearray) -> None:
        self.gradients, self.m, self.deadline, self.asked = gradients, m, deadline, asked
        self.graph = gradients.graph
        self.values: list[arb] = []
        self.worst = 0.0  # relative error of the cells that are plainly right
        self.counted = False
        self.digits: dict[str, int] = {}  # of the other cells
        self.unclear: list[str] = []
        self.kinked = False

    def run(self) -> bool:
        """One pass at the present precision; False when time is up."""
        kinks = self.m.kinks
        values = self.forward()
        adjoints = self.backward(values) if values is not None else None
        if values is None or adjoints is None:
            return False
        self.values, self.kinked = values, self.m.kinks > kinks
        self.count(adjoints)
        return True

    def forward(self) -> list[arb] | None:
        """Every value that the output uses, as a ball."""
        graph, engine, functions = self.graph, self.gradients.trace.values, self.m.functions
        values: list[arb] = [NAN] * len(graph)
        ops, used, value = graph.ops, graph.used, values.__getitem__
        for i, parents in enumerate(graph.parents):
            if not used[i]:
                continue
            op = ops[i]
            if not parents and (op is INPUT or op is CONSTANT):
                # FLINT's powers end the process at a ball with infinite middle and radius: so no infinite leaf
                values[i] = arb(engine[i]) if isfinite(engine[i]) else NAN
                continue
            try:
                y = functions[op](*map(value, parents))
            except (ValueError, ZeroDivisionError):
                y = NAN
            number = engine[i]
            values[i] = y if type(y) is arb and number - number == 0 != number else near(ball(y))
            if not i & 127 and perf_counter() > self.deadline:
                return None
        return values

    def backward(self, values: list[arb]) -> list[arb | None] | None:
        """Every gradient as a ball; None where exactly nothing arrives."""
        graph, slope, rules_of, everywhere = self.graph, self.m.slope, FLOATS.locals, self.m.everywhere
        adjoints: list[arb | None] = [None] * len(graph)
        adjoints[graph.output] = arb(self.gradients.upstream)
        ops, tape, varied = graph.ops, graph.parents, self.asked
        for i in range(graph.output, -1, -1):
            g = adjoints[i]
            if g is None or not varied[i] or not tape[i]:
                continue
            if not i & 127 and perf_counter() > self.deadline:
                return None
            op, parents = ops[i], tape[i]
            rules, fixed = rules_of[op], everywhere[op]
            x, wide = None, len(parents) > WIDE
            for k, p in enumerate(parents):
                if wide and perf_counter() > self.deadline:
                    return None
                if not varied[p] or rules[k] is None:
                    continue
                d = fixed[k] if fixed else None
                if d is None:
                    if x is None:
                        x = [values[q] for q in parents]
                    d = slope(op, x, k)
                    if d.is_zero():
                        continue
                before = adjoints[p]
                adjoints[p] = d * g if before is None else before + d * g
        return adjoints

    def count(self, adjoints: list[arb | None]) -> None:
        """Compare the engine's numbers with their balls."""
        self.worst, self.counted, self.digits, self.unclear = 0.0, False, {}, []
        graph, engine = self.graph, self.gradients.adjoints
        self.compare("value", self.gradients.trace.value, self.values[graph.output])
        ops, used, asked, worst = graph.ops, graph.used, self.asked, self.worst
        for i, exact in enumerate(adjoints):
            claim = engine[i]
            if (claim is None and exact is None) or not used[i] or ops[i] is CONSTANT or not asked[i]:
                continue
            if exact is not None and claim is not None and exact.rel_accuracy_bits() >= CLEAR_BITS:
                middle = float(exact)
                error = abs(claim - middle)
                if error <= 1e-12 * abs(middle) < inf:
                    if middle:
                        worst = max(worst, error / abs(middle))
                    continue
            self.compare(f"grad.{graph.names[i]}", claim or 0.0, exact if exact is not None else ZERO)
        self.worst = max(worst, self.worst)

    def compare(self, cell: str, claim: float, exact: arb) -> None:
        """Count one cell with care."""
        if isfinite(claim):
            digits = right_digits(claim, exact)
            if digits is None:
                self.unclear.append(cell)
            else:
                self.digits[cell] = digits

    def kept(self) -> Kept:
        """What was found, in words."""
        lost = {cell: digits for cell, digits in self.digits.items() if digits < FEW}
        plain = FULL if self.worst == 0 else min(FULL, floor(-log10(self.worst)))
        skipped = bool(self.unclear) or not self.finite
        digits = min([plain, *self.digits.values()]) if self.digits or not skipped else None
        plain = min([plain, *(few for cell, few in self.digits.items() if cell not in lost)])
        others = None if digits is None else plain
        notes = []
        if self.unclear and self.finite and not self.kinked:
            named = ", ".join(self.called(cell) for cell in self.unclear[:4])
            more = f" and {len(self.unclear) - 4} more" if len(self.unclear) > 4 else ""
            notes.append(f"right digits not counted for {named}{more}: their enclosures are too wide")
        warnings = []
        if lost:
            at = next(self.losing(), None)
            where = f" at {at}" if at else ""
            for cell, few in lost.items():
                count = f"only {few}" if few else "none"
                right = f"{count} of the digits of {self.called(cell)} {'are' if few > 1 else 'is'} right"
                warnings.append(f"{right}: the formula loses {'the others' if few else 'them'}{where}")
        return Kept(digits, lost, warnings, notes, others, tuple(self.unclear))

    @property
    def finite(self) -> bool:
        """Whether the output is a number."""
        return isfinite(self.gradients.trace.value)

    def called(self, cell: str) -> str:
        """A cell's name for people: f, ∂f/∂x."""
        output = self.graph.names[self.graph.output]
        return output if cell == "value" else f"∂{output}/∂{cell.removeprefix('grad.')}"

    def losing(self) -> Iterator[str]:
        """The nodes whose value loses its digits although their inputs have theirs, in tape order."""
        graph, engine = self.graph, self.gradients.trace.values
        poor = bytearray(len(graph))
        for i, exact in enumerate(self.values):
            if graph.used[i] and graph.parents[i] and isfinite(engine[i]):
                digits = right_digits(engine[i], exact)
                poor[i] = digits is not None and digits < FEW
                if poor[i] and not any(poor[p] for p in graph.parents[i]):
                    yield f"{graph.names[i]} = {formula(graph, i)}"


def near(exact: arb) -> arb:
    """The ball, or a coarser one where its exponent has left all reason (x², squared again and again)."""
    if not exact.is_finite() or exact.is_zero():
        return exact
    mantissa, exponent = exact.mid().man_exp()
    if mantissa == 0:
        return exact
    size = int(exponent) + int(mantissa).bit_length()
    if size > FARTHEST:
        return EVERYTHING
    return exact.union(ZERO).union(arb(2) ** -FARTHEST) if size < -FARTHEST else exact


def right_digits(claim: float, exact: arb) -> int | None:
    """Decimal digits of a double that are surely right; None where the ball is too wide to say."""
    if not exact.is_finite():
        return None
    error = abs(exact - claim)
    if error <= ulp(claim):
        return FULL
    if exact.contains(0):
        lies = claim != 0 and error.abs_lower() >= exact.abs_upper() * 0.99
        return 0 if lies else None
    least = float(error.abs_lower() / exact.abs_upper())
    most = float(error.abs_upper() / exact.abs_lower())
    if most == 0:
        return FULL
    digits = min(FULL, places(most))
    if digits < FULL and least > 0 and places(least) > digits and most > 1.1 * least:
        return None
    return digits if least > 0 or digits >= FEW * 2 else None


def places(error: float) -> int:
    """Decimal digits that a relative error leaves: none where a ratio of doubles overflows."""
    return max(0, floor(-log10(error))) if isfinite(error) else 0
