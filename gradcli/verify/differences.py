"""The textbook's gradient check: central differences of the engine's forward values.

    (f(x+h) - f(x-h)) / 2h      compared by |a - n| / max(|a|, |n|), in CS231n's bands

One h never suits all: a large one truncates, a small one drowns in rounding. So a ladder of h is tried:
where neighbours on it agree, and no finer step contradicts them, truncation is small; what rounding can do
to f is its radius in ball arithmetic at double precision. A gradient fails only beyond both.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from math import inf, isfinite, log, ulp
from time import perf_counter

from gradcli.autodiff import Gradients
from gradcli.notation import number
from gradcli.systems.floats import FLOATS
from gradcli.verify import BUDGET, asked_for
from gradcli.verify.verdicts import DifferencesVerdict, Kink

BANDS = (
    (1e-7, "happy"),
    (1e-4, "okay with kinks"),
    (1e-2, "uncomfortable"),
    (inf, "usually wrong"),
)
"""Largest relative error → CS231n's word for it. Source: CS231n, Neural Networks 3, "Gradient Checks"."""

HAPPY = BANDS[0][0]

WIDEST, NARROWEST, RATIO = 2.0**-6, 2.0**-36, 8
"""The ladder of steps, as a share of the scale on which f may vary: that of 1, or of |x|."""

SAFETY = 4
"""How many times its estimated error a difference must be off before that is held against a gradient."""

CLEAR = 16
"""How many times the rounding noise a gap between left and right slope must be to count as a kink's."""

CROSSED = "a node between is at a kink, where the gradient keeps to one side and differences cross it"

KINK_BITS = 320
"""Precision at which it is told whether a node is at a kink."""


@dataclass(frozen=True, slots=True)
class Slope:
    """A numerical derivative and how far it may be off; at a kink, the slopes on both sides."""

    value: float
    error: float
    sides: tuple[float, float] | None = None
    jump: bool = False


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the ladder: h, and the slopes of f to the left and to the right."""

    h: float
    left: float
    right: float

    @property
    def central(self) -> float:
        """The central difference."""
        return (self.left + self.right) / 2

    @property
    def gap(self) -> float:
        """How far the slopes lie apart: h·f″ where f is smooth."""
        return abs(self.right - self.left)


def check_differences(
    gradients: Gradients, budget: float = BUDGET, *, wrt: Collection[str] | None = None
) -> DifferencesVerdict:
    """Compare every input's gradient with central differences.

    budget: seconds; inputs that are left over are named, and the verdict is `partial`.
    wrt: the names whose gradients count; None for every variable.
    """
    deadline = perf_counter() + budget
    check = checking(gradients, deadline)
    names = [name for name in gradients.graph.inputs if wrt is None or name in wrt]
    check.run(names)
    worst = max(check.errors.values(), default=0.0)
    return DifferencesVerdict(
        status="failed" if check.failures else "partial" if check.unchecked else "passed" if names else "skipped",
        errors=check.errors,
        band=next(word for bound, word in BANDS if worst < bound or bound == inf) if check.errors else "",
        failures=tuple(check.failures),
        unchecked=tuple(check.unchecked),
        notes=tuple(check.notes),
        kinks=tuple(check.kinks),
        along=check.along,
        together=check.together,
    )


def checking(gradients: Gradients, deadline: float) -> Check:
    """The check of numbers, or of tensors."""
    if not gradients.trace.tensorial:
        return Check(gradients, deadline)
    from gradcli.verify.tensor_differences import TensorCheck

    return TensorCheck(gradients, deadline)


class Check:
    """The inputs compared so far, and what was found."""

    along = 0  # random directions; 0 where every number is moved by itself
    together = False

    def __init__(self, gradients: Gradients, deadline: float) -> None:
        self.gradients, self.graph, self.deadline = gradients, gradients.graph, deadline
        self.noise = self.rounding()
        self.errors: dict[str, float] = {}
        self.failures: list[str] = []
        self.unchecked: list[str] = []
        self.notes: list[str] = []
        self.kinks: list[Kink] = []

    def rounding(self) -> float:
        """How far rounding may move the output."""
        return rounding(self.gradients)

    def off(self, name: str, error: float) -> None:
        """The relative error of a gradient, the largest of several."""
        self.errors[name] = max(error, self.errors.get(name, 0.0))

    def output(self, index: int, value: float) -> float:
        """The output with one input moved."""
        at = {i: self.gradients.trace.values[i] for i in self.graph.inputs.values()}
        at[index] = value
        found: float = self.graph.evaluate(FLOATS, at)[self.graph.output] * self.gradients.upstream
        return found

    def run(self, names: Sequence[str]) -> None:
        """Check the gradients of some inputs, while there is time."""
        for done, name in enumerate(names):
            if perf_counter() > self.deadline:
                self.late(names[done:])
                break
            self.compare(name)

    def late(self, names: Sequence[str]) -> None:
        """There was no time for these."""
        left = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
        self.unchecked.append(f"{left}: the time for verification was used up")

    def compare(self, name: str) -> None:
        """Check the gradient of one input."""
        index = self.graph.inputs[name]
        at, claim = self.gradients.trace.values[index], self.gradients[name]
        label = f"∂{self.graph.names[self.graph.output]}/∂{name}"
        place = f"{name} = {number(at)}"
        slope = derivative(lambda value: self.output(index, value), at, self.noise) if isfinite(at) else None
        self.judge(name, label, place, claim, slope)

    def judge(self, name: str, label: str, place: str, claim: float, slope: Slope | None) -> None:
        """Compare a gradient with a numerical derivative.

        name: whose gradient it is.   label: how it is called.   place: where.
        """
        if not isfinite(claim):
            self.unchecked.append(f"{label} is {number(claim)}: differences cannot check that")
        elif slope is None:
            self.unchecked.append(f"{label}: the function is not finite on both sides of {place}")
        elif slope.jump:
            self.unchecked.append(f"{label}: the function jumps, or is infinitely steep, at {place}")
        elif slope.sides is not None:
            self.at_kink(name, label, place, claim, slope)
        else:
            self.smooth(name, label, claim, slope)

    def at_kink(self, name: str, label: str, place: str, claim: float, slope: Slope) -> None:
        """Any number between the one-sided slopes is right."""
        left, right = slope.sides or (slope.value, slope.value)
        sides = f"{place} is at a kink, the slope is {short(left)} on its left and {short(right)} on its right"
        room = SAFETY * slope.error
        if min(left, right) - room <= claim <= max(left, right) + room:
            self.off(name, 0.0)
            self.kinks.append(Kink(None, f"{sides}: {label} = {number(claim)} lies between"))
        else:
            if self.chosen(name, claim):
                self.unchecked.append(f"{label} is {number(claim)}, but {sides}: {CROSSED}")
                return
            self.off(name, min(relative(claim, left), relative(claim, right)))
            self.failures.append(f"{label} is {number(claim)}, but {sides}")

    def smooth(self, name: str, label: str, claim: float, slope: Slope) -> None:
        """The textbook's comparison."""
        error, off = relative(claim, slope.value), abs(claim - slope.value)
        measured = f"{short(slope.value)} ± {slope.error:.0e}"
        explained = off <= SAFETY * slope.error
        if error > HAPPY and not explained and self.chosen(name, claim):
            self.unchecked.append(f"{label} is {number(claim)}, but differences give {measured}: {CROSSED}")
        elif error > HAPPY and not explained:
            self.off(name, error)
            self.failures.append(
                f"{label} is {number(claim)}, but differences give {measured}: relative error {error:.0e}"
            )
        elif error <= HAPPY or SAFETY * slope.error < BANDS[2][0] * abs(slope.value):
            self.off(name, error)
        elif claim == 0:
            self.off(name, 0.0)
        else:
            self.notes.append(f"{label} is {number(claim)}; differences say no more than {measured}")

    def chosen(self, name: str, claim: float) -> bool:
        """Whether a node between is at a kink, and the claim is a gradient that its one-sided slopes allow."""
        from gradcli.systems.balls import Balls, precision
        from gradcli.systems.series import ZERO
        from gradcli.verify.enclosures import Enclosure
        from gradcli.verify.judge import touches

        graph, m = self.graph, Balls()
        enclosure = Enclosure(self.gradients, m, inf, asked_for(graph, [name]))
        moves = bytearray(len(graph))
        moves[graph.inputs[name]] = 1
        with precision(KINK_BITS):
            values = enclosure.forward() or []
            before = m.kinks, m.straddles
            adjoint = (enclosure.backward(values) or [])[graph.inputs[name]]
            for i, parents in enumerate(graph.parents):  # what has no gradient has kinks too: a condition's jump
                moves[i] |= any(moves[p] for p in parents)
                rules = FLOATS.locals[graph.ops[i]] if parents and graph.used[i] and moves[i] else ()
                for k, p in enumerate(parents):
                    if rules and rules[k] is None and moves[p]:
                        m.slope(graph.ops[i], [values[q] for q in parents], k)
            return before != (m.kinks, m.straddles) and touches(claim, ZERO if adjoint is None else adjoint)


def relative(a: float, n: float) -> float:
    """|a - n| / max(|a|, |n|); 0 where they are equal.

    >>> relative(0.9, 1.0), relative(0, 0)
    (0.09999999999999998, 0.0)
    """
    return abs(a - n) / max(abs(a), abs(n)) if a != n else 0.0


def short(value: float) -> str:
    """As many digits of a numerical derivative as anybody should read."""
    return number(float(f"{value:.6g}"))


def rounding(gradients: Gradients) -> float:
    """How far rounding may move the output: its radius in ball arithmetic at double precision."""
    from flint import arb

    from gradcli.systems.balls import Balls, precision
    from gradcli.systems.series import ball

    graph, values = gradients.graph, gradients.trace.values
    value = gradients.trace.value * gradients.upstream
    radius = inf
    with precision(53):
        try:
            leaves = {i: arb(values[i]) for i in graph.inputs.values()}
            exact = ball(graph.evaluate(Balls(), leaves)[graph.output]) * gradients.upstream
        except (ValueError, ZeroDivisionError):
            exact = arb("nan")
        if exact.is_finite():
            radius = float(exact.rad().upper()) + float(abs(exact.mid() - value).upper()) if isfinite(value) else inf
    floor = ulp(value) if isfinite(value) else inf
    return max(radius, floor) if isfinite(radius) else 64 * floor


def derivative(f: Callable[[float], float], x: float, noise: float, ratio: float = RATIO) -> Slope | None:
    """The slope of f at x from a ladder of steps; None where f is not finite around x.

    noise: what rounding may do to a value of f.   ratio: of one step to the next.
    """
    middle = f(x)
    if not isfinite(middle):
        return None
    rungs: list[Rung] = []
    for step in ladder(x, ratio):
        low, high = x - step, x + step
        if x in (low, high):
            break
        left, right = (middle - f(low)) / (x - low), (f(high) - middle) / (high - x)
        if isfinite(left) and isfinite(right):
            rungs.append(Rung((high - low) / 2, left, right))
        else:
            rungs.clear()  # this step, and so every wider one, leaves the domain
    if len(rungs) < 3:
        return None
    h = [rung.h for rung in rungs]
    return broken(rungs, noise) or Slope(*settled([rung.central for rung in rungs], h, noise))


def ladder(x: float, ratio: float = RATIO) -> Iterator[float]:
    """Steps from wide to narrow, on the scale of 1 and on that of x."""
    large, small = max(1.0, abs(x)), min(1.0, abs(x)) or 1.0
    apart = small < large * NARROWEST
    for scale, end in ((large, large), (small, small)) if apart else ((large, small),):
        step = WIDEST * scale
        while step >= NARROWEST * end:
            yield step
            step /= ratio


def settled(estimates: Sequence[float], h: Sequence[float], noise: float) -> tuple[float, float]:
    """The estimate that its neighbours on the ladder agree with best, and how far it may be off.

    Truncation falls with h: an estimate is off by at least what a finer step contradicts beyond its rounding.
    """
    best, least = estimates[-1], inf
    low, high = -inf, inf  # where the finer steps, rounding granted, put the slope
    for j in range(len(h) - 1, 0, -1):
        rounding_error = 2 * noise / h[j]
        around = [abs(estimates[j] - estimates[i]) for i in (j - 1, j + 1) if i < len(h)]
        error = max(*around, low - estimates[j], estimates[j] - high, 0.0) + rounding_error
        if error < least:
            best, least = estimates[j], error
        low, high = max(low, estimates[j] - rounding_error), min(high, estimates[j] + rounding_error)
    return best, least


def broken(rungs: Sequence[Rung], noise: float) -> Slope | None:
    """A kink or a jump at the point: the slopes left and right stay apart, however small the step."""
    clear = [j for j, rung in enumerate(rungs) if rung.gap > CLEAR * noise / rung.h]
    if len(clear) < 3:
        return None
    wide, narrow, narrowest = (rungs[j] for j in clear[-3:])
    hidden = all(2 * CLEAR * noise / rung.h > narrowest.gap for rung in rungs[clear[-1] + 1 :])
    before, last = order(wide, narrow), order(narrow, narrowest)
    if not hidden or max(before, last) > 1 / 2:
        return None
    if max(before, last) < -1 / 4:
        return Slope(narrowest.central, inf, jump=True)
    h = [rung.h for rung in rungs]
    left, left_error = settled([rung.left for rung in rungs], h, noise)
    right, right_error = settled([rung.right for rung in rungs], h, noise)
    return Slope((left + right) / 2, max(left_error, right_error), sides=(left, right))


def order(wide: Rung, narrow: Rung) -> float:
    """The power of h with which the gap falls: 1 where f is smooth, 0 at a kink, -1 at a jump."""
    return log(wide.gap / narrow.gap) / log(wide.h / narrow.h)
