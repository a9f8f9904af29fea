"""Mistakes with the chain rule itself: paths that add up, and edges that multiply; whatever the op."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from gradcli.autodiff import Value
from gradcli.homework.diagnosis.rows import Made, Row, at_edge
from gradcli.homework.diagnosis.scene import Scene
from gradcli.homework.sweeps import At, Change, Slot

MOST_PATHS = 12
"""Paths that leave a node, up to which each is tried by itself."""

# ── paths: a node that is used several times ────────────────────────────────────────────────────────────────────


def paths(scene: Scene, i: int) -> list[Slot]:
    """The edges that bring a node its gradient, where there are several."""
    slots = [slot for slot in scene.leaving.get(i, ()) if slot in scene.outcome.downs]
    return slots if len(slots) > 1 else []


def of_paths(scene: Scene, i: int, kept: Mapping[Slot, Any], lost: list[Slot]) -> Mapping[str, Any]:
    """The fields of a sentence about paths."""
    downs = scene.outcome.downs
    ways = named(scene, [*kept, *lost])
    return {
        "node": scene.name(i),
        "kept": tuple(ways[slot] for slot in kept),
        "kept_value": tuple(downs[slot] for slot in kept),
        "lost": tuple(ways[slot] for slot in lost),
        "lost_value": tuple(downs[slot] for slot in lost),
        "parts": tuple(downs[slot] for slot in (*kept, *lost)),
    }


def named(scene: Scene, slots: list[Slot]) -> dict[Slot, str]:
    """What paths are called; those that are written alike by their nodes too: n1 = exp(x)."""
    ways = {slot: scene.way(slot) for slot in slots}
    names = list(ways.values())
    return {slot: scene.gate(slot[0]) if names.count(name) > 1 else name for slot, name in ways.items()}


def one_path_kept(scene: Scene, i: int) -> Iterator[Made]:
    """= for +=: one path takes the place of the others. The first or the last one everywhere is one mistake."""
    slots = paths(scene, i)
    for at, slot in enumerate(slots[:MOST_PATHS]):
        change = Change(sums={i: partial(kept_of, (slot,))})
        lost = [other for other in slots if other != slot]
        variety = "first" if at == 0 else "last" if at == len(slots) - 1 else None
        yield Made(i, change, partial(of_paths, scene, i, {slot: None}, lost), variety=variety)


def one_path_left_out(scene: Scene, i: int) -> Iterator[Made]:
    """All paths but one."""
    slots = paths(scene, i)
    for slot in slots[:MOST_PATHS] if len(slots) > 2 else ():
        kept = dict.fromkeys(other for other in slots if other != slot)
        change = Change(sums={i: partial(kept_of, tuple(kept))})
        yield Made(i, change, partial(of_paths, scene, i, kept, [slot]), variety=None)


def kept_of(kept: tuple[Slot, ...], m: Any, arrived: Mapping[Slot, Value]) -> Value:
    """The sum of what some paths bring; at another point a path may bring nothing."""
    return total([arrived.get(slot, 0.0) for slot in kept])


def combined(how: Callable[[list[Value]], Value]) -> Callable[[Scene, int], Iterator[Made]]:
    """Paths put together in another way."""

    def made(scene: Scene, i: int) -> Iterator[Made]:
        slots = paths(scene, i)
        if slots:
            change = Change(sums={i: lambda m, arrived: how([arrived.get(slot, 0.0) for slot in slots])})
            yield Made(i, change, partial(of_paths, scene, i, dict.fromkeys(slots), []))

    return made


def total(parts: list[Value]) -> Value:
    """The sum of some gradients."""
    first, *others = parts
    return sum(others, first)


def product(parts: list[Value]) -> Value:
    """The product of some gradients."""
    result, *others = parts
    for part in others:
        result = result * part
    return result


def difference(parts: list[Value]) -> Value:
    """What the backward pass meets last, less the others."""
    *others, last = parts
    return last - total(others)


def started(scene: Scene, i: int) -> Iterator[Made]:
    """The chain begun at a node within: what lies beyond it, the outer derivative, forgotten."""
    if i == scene.graph.output or len(scene.entering.get(i, ())) < 2:
        return  # with one input it is the upstream gradient left out at that edge
    g = scene.g(i)
    one = scene.m.zeros(scene.shape(i)) + 1.0 if scene.tensorial else 1.0
    fields = {"gate": scene.gate(i), "upstream": scene.gradient(i), "g": g}
    yield Made(i, Change(sums={i: lambda m, arrived: one}), lambda: fields, variety=None)


# ── edges: local × upstream ─────────────────────────────────────────────────────────────────────────────────────


def on_edges(
    change: Callable[[Scene, Slot], Change | None], of: Callable[[Scene, Slot], bool] = lambda scene, slot: True
) -> Callable[[Scene, int], Iterator[Made]]:
    """A mistake with one edge, at every edge into a gate for which it is one."""

    def made(scene: Scene, i: int) -> Iterator[Made]:
        for k in scene.entering.get(i, ()):
            slot = i, k
            changed = change(scene, slot) if of(scene, slot) else None
            if changed is not None:
                yield Made(i, changed, partial(at_edge, scene, slot))

    return made


def passing(how: Callable[[Scene, Slot, At], Value | None]) -> Callable[[Scene, Slot], Change]:
    """Something else passed down an edge."""
    return lambda scene, slot: Change(passed={slot: lambda at: how(scene, slot, at)})


def fitted(scene: Scene, slot: Slot, g: Value) -> Value | None:
    """An upstream gradient in the shape of an input; None where it has none."""
    shape = scene.shape(scene.graph.parents[slot[0]][slot[1]])
    if not scene.tensorial or getattr(g, "shape", ()) == shape:
        return g
    if scene.op(slot[0]).structural:
        raise ValueError("an upstream gradient of another shape")
    import numpy as np

    from gradcli.shapes import unbroadcast

    return unbroadcast(np.asarray(g), shape)[()]


def ones(scene: Scene, slot: Slot) -> Value:
    """An upstream gradient of 1 in every entry."""
    return scene.m.zeros(scene.shape(slot[0])) + 1.0 if scene.tensorial else 1.0


def without_upstream(scene: Scene, slot: Slot, at: At) -> Value | None:
    """The local gradient alone."""
    return at.local if not scene.tensorial else pulled(scene, slot, at, ones(scene, slot))


def upstream_alone(scene: Scene, slot: Slot, at: At) -> Value | None:
    """The upstream gradient alone."""
    return fitted(scene, slot, at.g)


def pulled(scene: Scene, slot: Slot, at: At, g: Value) -> Value | None:
    """What an edge of tensors passes down of another upstream gradient."""
    passed = at.m.pull(scene.op(slot[0]), at.k, g, None, at.y, at.x)
    return None if passed is None else passed[0]


def upstream_squared(scene: Scene, slot: Slot, at: At) -> Value | None:
    """Local × upstream × upstream."""
    if at.down is None:
        return None
    return pulled(scene, slot, at, at.g * at.g) if scene.tensorial else at.down * at.g


def upstream_added(scene: Scene, slot: Slot, at: At) -> Value | None:
    """Local + upstream."""
    return None if at.local is None else fitted(scene, slot, at.local + at.g)


def divided(scene: Scene, slot: Slot, at: At) -> Value | None:
    """Upstream / local."""
    return None if at.local is None else fitted(scene, slot, at.g / at.local)


def entrywise(scene: Scene, slot: Slot) -> bool:
    """Whether the local gradient is a number, or one for each entry."""
    return scene.local(slot) is not None and not scene.op(slot[0]).reduces


def one_number(scene: Scene, slot: Slot) -> bool:
    """Whether the local gradient is a number, or one for each entry, and some other than 1 and -1."""
    local = scene.local(slot)
    return local is not None and entrywise(scene, slot) and some(abs(local) != 1)


def some(truth: Any) -> bool:
    """Whether something holds, of a number or of some entry."""
    return truth if isinstance(truth, bool) else bool(truth.any())


def upstream_counts(scene: Scene, slot: Slot) -> bool:
    """Whether the upstream gradient is other than 1."""
    return slot[0] != scene.graph.output or some(scene.g(slot[0]) != 1)


def by_constant(scene: Scene, slot: Slot) -> bool:
    """Whether a gate multiplies or divides by a constant, which leaving out changes something."""
    i, k = slot
    others = [p for at, p in enumerate(scene.graph.parents[i]) if at != k]
    return scene.op(i).name in FACTORS and all(p in scene.graph.numbers for p in others) and skipped(scene, slot)


FACTORS = ("mul", "div")
"""Ops that bring a factor into a gradient."""


def by_function(scene: Scene, slot: Slot) -> bool:
    """Whether leaving the local gradient out changes anything, and it is no constant factor."""
    return skipped(scene, slot) and not by_constant(scene, slot)


def skipped(scene: Scene, slot: Slot) -> bool:
    """Whether leaving the local gradient out changes anything that losing its sign does not."""
    local = scene.local(slot)
    return scene.tensorial if local is None else some(abs(local) != 1) and some(local != 0)


# ── signs ───────────────────────────────────────────────────────────────────────────────────────────────────────


def opposite(scene: Scene, slot: Slot) -> Change:
    """The local gradient with the other sign; of an op on whole tensors what it passes down."""
    i, k = slot
    op, m = scene.op(i), scene.m
    if scene.local(slot) is None:
        return Change(passed={slot: lambda at: None if at.down is None else -at.down})
    if scene.tensorial:
        return Change(locals={slot: lambda m, y, *x: -m.local(op, k, y, x)})
    rule = m.locals[op][k]
    return Change(locals={slot: lambda m, y, *x: 0.0 if (local := rule(y, *x)) is None else -local})


def constant(scene: Scene, slot: Slot, inputs: int) -> bool:
    """Whether the rule of an edge is the number -1, in an op with so many inputs."""
    op = scene.op(slot[0])
    if op.structural or op.variadic or op.body is not None or len(op.parameters) != inputs:
        return False
    from gradcli.systems import Constant
    from gradcli.systems.floats import FLOATS

    rule = FLOATS.locals[op][slot[1]]
    return isinstance(rule, Constant) and float(rule) == -1


def negative(scene: Scene, slot: Slot) -> bool:
    """Whether a local gradient is negative, in some entry, and not by a subtraction or a minus."""
    local = scene.local(slot)
    if local is None:
        return False
    return some(local < 0) and not constant(scene, slot, 1) and not constant(scene, slot, 2)


def positive(scene: Scene, slot: Slot) -> bool:
    """Whether a local gradient is positive everywhere, and not 0."""
    local = scene.local(slot)
    return local is not None and not some(local < 0) and some(local != 0)


PATHS = (
    Row("one_path_kept", 1.0, one_path_kept, says="kept"),
    Row("one_path_left_out", 1.0, one_path_left_out, says="left_out"),
    Row("paths_multiplied", 1.8, combined(product), says="combined"),
    Row("paths_averaged", 2.4, combined(lambda parts: total(parts) / len(parts)), says="combined"),
    Row("paths_subtracted", 2.2, combined(difference), says="combined"),
)

EDGES = (
    Row("minus_of_subtraction", 1.0, on_edges(opposite, partial(constant, inputs=2)), says="sign"),
    Row("minus_of_negation", 1.0, on_edges(opposite, partial(constant, inputs=1)), says="sign"),
    Row("sign_lost", 1.2, on_edges(opposite, negative), says="sign"),
    Row("sign_lost", 1.5, on_edges(opposite, lambda scene, slot: scene.local(slot) is None), says="sign"),
    Row("sign_added", 2.0, on_edges(opposite, positive), says="sign_added"),
    Row("upstream_dropped", 1.3, on_edges(passing(without_upstream), upstream_counts), says="dropped"),
    Row("inner_forgotten", 1.1, on_edges(passing(upstream_alone), by_constant), says="skipped_factor"),
    Row("inner_forgotten", 1.3, on_edges(passing(upstream_alone), by_function), says="skipped"),
    Row("outer_forgotten", 1.6, started, says="started"),
    Row("upstream_twice", 2.0, on_edges(passing(upstream_squared), upstream_counts), says="twice"),
    Row("upstream_added", 1.9, on_edges(passing(upstream_added), entrywise), says="added"),
    Row("upstream_divided", 2.2, on_edges(passing(divided), one_number), says="divided"),
)

ROWS = (*PATHS, *EDGES)
