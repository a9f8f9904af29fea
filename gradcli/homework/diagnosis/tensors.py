"""Mistakes that only tensors invite: sums over a batch, means, transposed answers, entries beside the right one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from gradcli.autodiff import Edge, Value
from gradcli.cells import Cell
from gradcli.homework.diagnosis.answers import told
from gradcli.homework.diagnosis.chain import on_edges
from gradcli.homework.diagnosis.rows import Confusion, Made, Row, Slip
from gradcli.homework.diagnosis.scene import Scene
from gradcli.homework.sweeps import At, Change, Slot

# ── edges ───────────────────────────────────────────────────────────────────────────────────────────────────────


def over(scene: Scene, slot: Slot) -> int:
    """Over how many entries or rows a gate takes the mean; 1 where it takes none."""
    if not scene.tensorial:
        return 1
    op = scene.op(slot[0])
    if op.labels or op.reduces == "rows":
        shape = scene.shape(scene.graph.parents[slot[0]][0])
        rows = 1
        for length in shape[:-1]:
            rows *= length
        return rows
    return Edge(scene.gradients, *slot).averaged or 1


def averages(scene: Scene, slot: Slot) -> bool:
    """Whether a gate takes a mean of several."""
    return over(scene, slot) > 1


def sums(scene: Scene, slot: Slot) -> bool:
    """Whether a gate adds up several entries, and takes no mean."""
    op, parent = scene.op(slot[0]), scene.graph.parents[slot[0]][slot[1]]
    added = op.gate == "distributor" or op.reduces == "sum"
    return scene.tensorial and added and scene.shape(slot[0]) != scene.shape(parent) and over(scene, slot) == 1


def times(factor: Callable[[Scene, Slot], float]) -> Callable[[Scene, Slot], Change]:
    """What is passed down, times a number."""

    def change(scene: Scene, slot: Slot) -> Change:
        number = factor(scene, slot)
        return Change(passed={slot: lambda at: None if at.down is None else at.down * number})

    return change


def entries(scene: Scene, slot: Slot) -> float:
    """How many entries of an input become one of the output."""
    count = 1.0
    for length in scene.shape(scene.graph.parents[slot[0]][slot[1]]):
        count *= length
    for length in scene.shape(slot[0]):
        count /= length or 1
    return count


def spread(scene: Scene, slot: Slot) -> bool:
    """Whether an input was broadcast, so that its gradient is a sum."""
    op, parent = scene.op(slot[0]), scene.graph.parents[slot[0]][slot[1]]
    if not scene.tensorial or op.structural or op.reduces:
        return False
    return scene.shape(parent) != scene.shape(slot[0])


def broadcast(how: str) -> Callable[[Scene, Slot], Change]:
    """The gradient of an input that was broadcast, not summed: its first entry, its last, or the mean of all."""

    def change(scene: Scene, slot: Slot) -> Change:
        shape = scene.shape(scene.graph.parents[slot[0]][slot[1]])

        def passed(at: At) -> Value | None:
            if at.down is None or at.local is None:
                return None
            import numpy as np

            whole = np.broadcast_to(np.asarray(at.local * at.g), scene.shape(slot[0]))
            if how == "mean":
                return at.down * (max(1, int(np.prod(shape))) / whole.size)
            lead = whole.ndim - len(shape)
            picked = whole[(0 if how == "first" else -1,) * lead]
            for axis, length in enumerate(shape):
                if length == 1 != picked.shape[axis]:
                    picked = picked.take([0 if how == "first" else -1], axis=axis)
            return picked.reshape(shape)[()]

        return Change(passed={slot: passed})

    return change


def square(scene: Scene, slot: Slot) -> bool:
    """Whether what is passed down is a square matrix, so that it may have been transposed unnoticed."""
    shape = scene.shape(scene.graph.parents[slot[0]][slot[1]])
    return len(shape) == 2 and shape[0] == shape[1] > 1


def transposed(scene: Scene, slot: Slot) -> Change:
    """What is passed down, transposed."""
    return Change(passed={slot: lambda at: None if at.down is None else at.down.T})


def scores_of(scene: Scene, slot: Slot) -> bool:
    """Whether an edge brings a loss its scores, which labels say the right one of."""
    return bool(scene.op(slot[0]).labels) and slot[1] == 0


def at_labels(kept: bool) -> Callable[[Scene, Slot], Change]:
    """The gradient of scores at the right classes alone, or everywhere but there."""

    def change(scene: Scene, slot: Slot) -> Change:
        def passed(at: At) -> Value | None:
            from gradcli.ops.scores import one_hot

            hot = one_hot(at.m, at.x[1], at.x[0])
            return None if at.down is None else at.m.where(hot, at.down, 0) if kept else at.m.where(hot, 0, at.down)

        return Change(passed={slot: passed})

    return change


def forward_transposed(scene: Scene, i: int) -> Iterator[Made]:
    """A forward value that is a square matrix, transposed."""
    shape = scene.shape(i)
    if not scene.graph.parents[i] or len(shape) != 2 or shape[0] != shape[1] or shape[0] < 2:
        return
    function = scene.m.functions[scene.op(i)]
    wrong = scene.values[i].T
    fields = {"gate": scene.gate(i), "given": f"({scene.name(i)})ᵀ", "wrong": wrong, "right": scene.values[i]}
    yield Made(i, Change(values={i: lambda m, *x: function(*x).T}), lambda: fields)


ROWS = (
    Row("batch_not_divided", 1.1, on_edges(times(lambda s, e: float(over(s, e))), averages), says="scaled"),
    Row("batch_divided_twice", 1.2, on_edges(times(lambda s, e: 1.0 / over(s, e)), averages), says="scaled"),
    Row("sum_averaged", 1.3, on_edges(times(lambda s, e: 1.0 / entries(s, e)), sums), says="scaled"),
    Row("batch_first_row", 1.3, on_edges(broadcast("first"), spread), says="broadcast"),
    Row("batch_last_row", 1.4, on_edges(broadcast("last"), spread), says="broadcast"),
    Row("batch_averaged", 1.2, on_edges(broadcast("mean"), spread), says="broadcast"),
    Row("right_class_alone", 1.3, on_edges(at_labels(kept=True), scores_of), says="scaled"),
    Row("right_class_forgotten", 1.3, on_edges(at_labels(kept=False), scores_of), says="scaled"),
    Row("product_transposed", 1.2, on_edges(transposed, square), says="transposed"),
    Row("value_transposed", 1.6, forward_transposed, says="forward"),
)

# ── answers ─────────────────────────────────────────────────────────────────────────────────────────────────────


def whole(how: Callable[[Value], Value | None]) -> Callable[[Scene, Cell], Iterator[Slip]]:
    """The right array, and one step too many."""

    def made(scene: Scene, cell: Cell) -> Iterator[Slip]:
        right = scene.outcome.read(cell)
        if right is None or isinstance(right, float):
            return
        value = how(right)
        if value is not None:
            yield Slip(value, lambda: told("", value))

    return made


def rolled(right: Value) -> Iterator[Value]:
    """The entries, each one place on."""
    import numpy as np

    for axis in range(right.ndim):
        if right.shape[axis] > 1:
            yield np.roll(right, 1, axis)
            yield np.roll(right, -1, axis)


def shifted(scene: Scene, cell: Cell) -> Iterator[Slip]:
    """The right numbers in the wrong order: each entry where its neighbour belongs."""
    right = scene.outcome.read(cell)
    if right is not None and not isinstance(right, float):
        for value in rolled(right):
            yield Slip(value, partial(told, "", value))


def entries_beside(scene: Scene, cell: Cell) -> Iterator[Slip]:
    """Another entry of the same array: the one beside it, or the one with the indices exchanged."""
    if not cell.key or not all(isinstance(index, int) for index in cell.key):
        return
    array = scene.outcome.read(cell._replace(key=()))
    if array is None or len(cell.key) != array.ndim:
        return
    key = [index % length for index, length in zip(cell.key, array.shape, strict=True)]
    places = [key[::-1]]
    for axis in range(len(key)):
        places += [[*key[:axis], key[axis] + step, *key[axis + 1 :]] for step in (-1, 1)]
    for place in places:
        if place != key and all(0 <= index < length for index, length in zip(place, array.shape, strict=True)):
            value = float(array[tuple(place)])
            yield Slip(value, partial(told, f"[{','.join(map(str, place))}]", value))


def along_batch(how: str) -> Callable[[Value], Value | None]:
    """A batch's gradients, added up or averaged over the first axis."""
    return lambda right: None if right.ndim < 2 else getattr(right, how)(axis=0)


ANSWERS = (
    Confusion(
        "answer_transposed",
        1.1,
        ("value", "grad", "local", "down"),
        whole(lambda v: v.T if v.ndim > 1 else None),
        "transposed_answer",
    ),
    Confusion("entries_shifted", 1.6, ("value", "grad", "local", "down"), shifted, "shifted"),
    Confusion("entry_beside", 1.2, ("value", "grad", "local", "down"), entries_beside, "beside"),
    Confusion("answer_summed", 1.5, ("value", "grad", "down"), whole(along_batch("sum")), "summed"),
    Confusion("answer_averaged", 1.5, ("value", "grad", "down"), whole(along_batch("mean")), "summed"),
)
