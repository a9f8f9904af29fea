"""Mistakes with the gates of the lecture: a product switches, a sum distributes, a router chooses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from gradcli.homework.diagnosis.chain import on_edges, some
from gradcli.homework.diagnosis.rows import Made, Row, at_edge
from gradcli.homework.diagnosis.scene import Scene
from gradcli.homework.sweeps import Change, Slot

# ── products and sums ───────────────────────────────────────────────────────────────────────────────────────────


def entrywise_gate(name: str, inputs: int = 2) -> Callable[[Scene, Slot], bool]:
    """Whether a gate is of this kind in the lecture's words, entry by entry, of so many inputs."""

    def of(scene: Scene, slot: Slot) -> bool:
        op = scene.op(slot[0])
        return op.gate == name and not op.structural and len(scene.graph.parents[slot[0]]) == inputs

    return of


SWITCHES = entrywise_gate("switcher")


def of_two_variables(scene: Scene, slot: Slot) -> bool:
    """Whether a product has a gradient in both of its factors."""
    return SWITCHES(scene, slot) and len(scene.entering[slot[0]]) == 2


def of_a_constant(scene: Scene, slot: Slot) -> bool:
    """Whether one factor of a product is constant."""
    return SWITCHES(scene, slot) and len(scene.entering[slot[0]]) == 1


def own_value(scene: Scene, slot: Slot) -> Change:
    """An input's own value in place of its local gradient."""
    return Change(locals={slot: lambda m, y, *x: x[slot[1]]})


def other_value(scene: Scene, slot: Slot) -> Change:
    """The other input's value in place of the local gradient."""
    return Change(locals={slot: lambda m, y, *x: x[1 - slot[1]]})


def output_value(scene: Scene, slot: Slot) -> Change:
    """The gate's output in place of the local gradient."""
    return Change(locals={slot: lambda m, y, *x: y})


def both_values(scene: Scene, slot: Slot) -> Change:
    """The sum of the inputs in place of the local gradient."""
    return Change(locals={slot: lambda m, y, *x: x[0] + x[1]})


def halved(scene: Scene, slot: Slot) -> Change:
    """The upstream gradient split between the inputs."""
    return Change(passed={slot: lambda at: None if at.down is None else at.down / len(at.x)})


# ── routers ─────────────────────────────────────────────────────────────────────────────────────────────────────


def routes(scene: Scene, slot: Slot) -> bool:
    """Whether a gate passes its upstream on, or not, as it is, by what it selects."""
    op, local = scene.op(slot[0]), scene.local(slot)
    if not op.selects or op.structural or op.reduces or local is None or len(scene.graph.parents[slot[0]]) == 0:
        return False
    return not some((local != 0) & (local != 1) & (local != 0.5))


def chosen(scene: Scene, slot: Slot) -> bool:
    """Whether a router passes its upstream on along this edge."""
    return routes(scene, slot) and some(scene.local(slot) != 0)


def blocked(scene: Scene, slot: Slot) -> bool:
    """Whether a router blocks its one input, in some entry."""
    return routes(scene, slot) and len(scene.entering[slot[0]]) == 1 and some(scene.local(slot) == 0)


def branching(scene: Scene, slot: Slot) -> bool:
    """Whether a router chooses between several inputs with gradients."""
    return routes(scene, slot) and len(scene.entering[slot[0]]) > 1


def masking(scene: Scene, slot: Slot) -> bool:
    """Whether a router lets its one input pass, or not."""
    return routes(scene, slot) and len(scene.graph.parents[slot[0]]) == 1


def always(scene: Scene, slot: Slot) -> Change:
    """The upstream gradient let through."""
    return Change(locals={slot: lambda m, y, *x: y * 0 + 1.0})


def inverted(scene: Scene, slot: Slot) -> Change:
    """1 where the local gradient is 0, and 0 elsewhere."""
    i, k = slot
    op = scene.op(i)
    if scene.tensorial:
        return Change(locals={slot: lambda m, y, *x: 1.0 * (m.local(op, k, y, x) == 0)})
    rule = scene.m.locals[op][k]
    return Change(locals={slot: lambda m, y, *x: 0.0 if rule(y, *x) else 1.0})


def by_gradient(scene: Scene, slot: Slot) -> Change:
    """The upstream gradient let through where it is positive itself."""
    return Change(passed={slot: lambda at: at.g * (at.g > 0)})


def to_the_loser(scene: Scene, i: int) -> Iterator[Made]:
    """The gradient routed to the input that was not chosen."""
    slots = [(i, k) for k in scene.entering.get(i, ())]
    if len(slots) > 1 and all(routes(scene, slot) for slot in slots):
        turned = Change()
        for slot in slots:
            turned = turned | inverted(scene, slot)
        yield Made(i, turned, partial(at_edge, scene, slots[0]))


def to_all(scene: Scene, i: int) -> Iterator[Made]:
    """The gradient routed to every input."""
    slots = [(i, k) for k in scene.entering.get(i, ())]
    if len(slots) > 1 and all(routes(scene, slot) for slot in slots):
        change = Change(locals={slot: always(scene, slot).locals[slot] for slot in slots})
        yield Made(i, change, partial(at_edge, scene, slots[0]))


GATES = (
    Row("not_switched", 1.1, on_edges(own_value, of_two_variables), says="not_switched"),
    Row("not_switched", 1.5, on_edges(own_value, of_a_constant), says="not_switched"),
    Row("product_passed", 1.9, on_edges(output_value, SWITCHES), says="product_passed"),
    Row("factors_added", 2.3, on_edges(both_values, SWITCHES), says="factors_added"),
    Row("sum_switched", 2.1, on_edges(other_value, entrywise_gate("distributor")), says="sum_switched"),
    Row("sum_own_value", 2.2, on_edges(own_value, entrywise_gate("distributor")), says="sum_switched"),
    Row("split_evenly", 2.1, on_edges(halved, entrywise_gate("distributor")), says="split"),
    Row("split_by_router", 1.8, on_edges(halved, branching), says="split"),
)

ROUTERS = (
    Row("routed_to_loser", 1.1, to_the_loser, says="routed"),
    Row("routed_to_all", 1.1, to_all, says="routed"),
    Row("mask_ignored", 1.1, on_edges(always, blocked), says="mask"),
    Row("mask_inverted", 1.2, on_edges(inverted, masking), says="mask"),
    Row("mask_of_gradient", 1.3, on_edges(by_gradient, masking), says="mask_of_gradient"),
    Row("value_routed", 1.7, on_edges(output_value, chosen), says="value_routed"),
)

ROWS = (*GATES, *ROUTERS)
