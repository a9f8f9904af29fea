"""The mistakes that a search tries: each at every place, the same one at all places of its kind, two at a time, and
other numbers of the right work written as the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import combinations, islice
from typing import Any, NamedTuple

from gradcli.autodiff import Gradients, Value
from gradcli.cells import Cell
from gradcli.homework.diagnosis.misconceptions import CONFUSIONS, mistakes_at
from gradcli.homework.diagnosis.rows import Later, Made, Row, label
from gradcli.homework.diagnosis.scene import LARGEST, Scene, distances
from gradcli.homework.numbers.steps import half_up
from gradcli.homework.sweeps import NOTHING, Change
from gradcli.words import Said

LARGEST_ENTRIES = 50_000
"""Entries of all tensors together up to which mistakes are looked for within the sweeps."""

KEPT, KEPT_ENTRIES = 120, 600
"""Nodes, and entries of all tensors, of a problem whose changed passes are kept for the next search."""

LIKELY = 1.45
"""The cost up to which a mistake is thought of as one of two."""

MOST_PAIRS = 1200
"""Pairs of mistakes that are tried."""

MOST_COMBINED = 4000
"""Combinations of mistakes of a problem that are kept for the next search."""

REPEATED, ROUNDING, TWICE = 0.6, 0.8, 1.5
"""What is added to a cost: for the same mistake everywhere; for steps that were rounded; for a second mistake."""

ROUNDED = (
    (2, (True, True, True)),
    (2, (True, False, False)),
    (2, (False, False, True)),
    (3, (True, True, True)),
    (4, (True, True, True)),
)
"""How steps are rounded beside a mistake: to so many decimals; forward values, local gradients, gradients."""


class Candidate(NamedTuple):
    """A mistake, or several, as the search tries it.

    said: the sentence for one who asks about a cell.   confusion: the sweeps are right, and another number of theirs is
    written as the answer.
    """

    name: str
    cost: float
    sites: tuple[int, ...]
    change: Change
    said: Callable[[Cell], Said]
    confusion: bool = False


# ── problems ────────────────────────────────────────────────────────────────────────────────────────────────────

SCENES: list[Scene] = []
"""The problems looked at last: a class works on the same ones."""

MOST_SCENES = 12


def scene_of(gradients: Gradients, base: Change) -> Scene:
    """A problem as misconceptions see it; the one that was made before, if it was."""
    if base is not NOTHING:
        return Scene(gradients, base)
    for scene in SCENES:
        if scene.gradients is gradients:
            return scene
    scene = Scene(gradients)
    SCENES.insert(0, scene)
    del SCENES[MOST_SCENES:]
    return scene


def fits_in(scene: Scene) -> bool:
    """Whether a problem is small enough to run its sweeps again and again."""
    return len(scene.graph) <= LARGEST and entries(scene) <= LARGEST_ENTRIES


def entries(scene: Scene) -> int:
    """How many numbers the tensors of a problem have together."""
    return sum(getattr(value, "size", 1) for value in scene.values) if scene.tensorial else 0


def attempts(scene: Scene, cells: Sequence[Cell]) -> Iterator[tuple[Candidate, Any]]:
    """Every candidate and both passes after it. Of a small problem they are kept for the next search."""
    graph = scene.graph
    if scene.base is not NOTHING or len(graph) > KEPT or entries(scene) > KEPT_ENTRIES:
        near, steps = nearest(scene, cells)
        if scene.base is not NOTHING:
            reached = since(scene, cells)
            near = [i for i in near if i in reached]
        needed = bytearray(len(graph))
        for i in steps:
            needed[i] = 1
        for candidate in single(scene, near):
            yield candidate, scene.after(candidate.change, needed)
        return
    if scene.source is None:
        places = range(len(graph) - 1, -1, -1)
        scene.source = ((candidate, scene.after(candidate.change)) for candidate in single(scene, places))
    at = 0
    while True:
        if at == len(scene.kept):
            following = next(scene.source, None)
            if following is None:
                return
            scene.kept.append(following)
        yield scene.kept[at]
        at += 1


def nearest(scene: Scene, cells: Sequence[Cell]) -> tuple[list[int], dict[int, int]]:
    """The nodes at which a mistake can be made, those nearest to some cells first, and how many steps away they are."""
    graph = scene.graph
    steps = distances(
        [i for cell in cells for i in cell.nodes], lambda i: (child for child, _ in scene.leaving.get(i, ()))
    )
    values = [i for cell in cells if cell.kind == "value" for i in cell.nodes]
    for i, far in distances(values, lambda i: graph.parents[i]).items():
        steps[i] = min(far, steps.get(i, far))
    places = sorted(steps, key=lambda i: (steps[i], i))
    return places + [i for i in range(len(graph) - 1, -1, -1) if i not in steps], steps


def since(scene: Scene, cells: Sequence[Cell]) -> set[int]:
    """The nodes at which a mistake changes some cells, for one who goes on from earlier numbers of their own."""
    base, graph = scene.base, scene.graph

    def onward(i: int) -> Iterable[int]:
        return () if i in base.sums and i not in asked else (child for child, _ in scene.leaving.get(i, ()))

    def inward(i: int) -> Iterable[int]:
        return () if i in base.values and i not in asked else graph.parents[i]

    asked = {i for cell in cells for i in cell.nodes}
    gates = distances(asked if any(cell.kind != "value" for cell in cells) else (), onward)
    return {*distances((*asked, *gates), inward)}


# ── mistakes ────────────────────────────────────────────────────────────────────────────────────────────────────


def single(scene: Scene, places: Sequence[int]) -> Iterator[Candidate]:
    """Every mistake at every place; then the same one at all places of an op, and at all of its kind."""
    ops, used = scene.graph.ops, scene.graph.used
    alike: dict[tuple[int, str, str | None], list[tuple[Row, Made]]] = {}
    for i in places:
        if not used[i]:
            continue
        for row, made in mistakes_at(scene, i):
            yield of_one(scene, row, made)
            if made.variety is not None:
                alike.setdefault((id(row), made.variety, None), []).append((row, made))
                alike.setdefault((id(row), made.variety, ops[i].name), []).append((row, made))
    seen = set()
    for (which, variety, _), group in alike.items():
        key = which, variety, tuple(id(made) for _, made in group)
        if len(group) > 1 and key not in seen:
            seen.add(key)
            yield of_several(scene, group)


def of_one(scene: Scene, row: Row, made: Made) -> Candidate:
    """A mistake made once."""
    return Candidate(row.name, row.cost, (made.site,), made.change, lambda cell: said(row, made))


def of_several(scene: Scene, group: Sequence[tuple[Row, Made]]) -> Candidate:
    """The same mistake at all its places."""
    group = sorted(group, key=lambda pair: pair[1].site)
    row = group[0][0]
    changes = [made.change for _, made in group]
    whole = Change(
        {i: rule for change in changes for i, rule in change.values.items()},
        {slot: rule for change in changes for slot, rule in change.locals.items()},
        {slot: rule for change in changes for slot, rule in change.passed.items()},
        {i: rule for change in changes for i, rule in change.sums.items()},
    )
    sites = tuple(dict.fromkeys(made.site for _, made in group))
    extra = REPEATED if len(sites) > 1 else REPEATED / 2

    def told(cell: Cell) -> Said:
        tape = scene.graph.parents
        near = (made for _, made in group if any(i in cell.nodes for i in concerned(made.change, tape)))
        own = next(near, group[0][1])
        one = said(row, own)
        if len(sites) == 1:
            return Said("diagnosis.say_both", {"one": one})
        places = tuple(scene.gate(site) for site in sites if site != own.site)
        return Said("diagnosis.say_everywhere", {"label": label(row.name), "one": one, "places": places})

    return Candidate(row.name, row.cost + extra, sites, whole, told)


def concerned(change: Change, tape: Sequence[tuple[int, ...]]) -> Iterator[int]:
    """The nodes whose gradients a change is the first to touch: of an edge its parent."""
    yield from change.sums
    for i, k in (*change.locals, *change.passed):
        yield tape[i][k]


def said(row: Row, made: Made) -> Said:
    """The sentence about a mistake."""
    fields = Later(lambda: {"label": label(row.name), **made.fields()})
    return Said(f"diagnosis.say_{made.says or row.says}", fields)


def confused(scene: Scene, cell: Cell) -> Iterator[tuple[Candidate, Value]]:
    """Other numbers that may have been written in a cell, and as what."""
    for row in CONFUSIONS:
        if cell.kind not in row.kinds:
            continue
        for slip in row.made(scene, cell):
            if slip.value is None:
                continue

            def told(cell: Cell, row: Any = row, slip: Any = slip) -> Said:
                fields = Later(lambda: {"label": label(row.name), "node": at_cell(scene, cell), **slip.fields()})
                return Said(f"diagnosis.say_{slip.says or row.says}", fields)

            change = in_place(cell, slip.value)
            yield Candidate(row.name, row.cost + slip.cost, cell.nodes[:1], change, told, True), slip.value


def at_cell(scene: Scene, cell: Cell) -> str:
    """What a cell is called in a sentence: a gradient by its node, an edge's number by the edge."""
    if cell.kind in ("local", "down"):
        return scene.edge((cell.nodes[0], cell.k))
    return scene.name(cell.nodes[0])


def in_place(cell: Cell, value: Value) -> Change:
    """The change that puts a number in the place of a cell's."""
    i, k = cell.nodes[0], cell.k
    if cell.kind == "value":
        return Change(values={i: lambda m, *x: value})
    if cell.kind == "grad":
        return Change(sums={i: lambda m, arrived: value})
    if cell.kind == "local":
        return Change(locals={(i, k): lambda m, y, *x: value})
    return Change(passed={(i, k): lambda at: value})


def with_rounding(candidate: Candidate) -> Iterator[Candidate]:
    """A mistake by one who rounds each number that is written down."""
    for decimals, parts in ROUNDED:

        def told(cell: Cell, decimals: int = decimals) -> Said:
            return Said("diagnosis.say_rounded", {"one": candidate.said(cell), "decimals": str(decimals)})

        rounding = partial(half_up, digits=decimals, significant=False)
        forward, local, last = (rounding if part else None for part in parts)
        change = candidate.change | Change(rounded=(forward, local, last))
        yield candidate._replace(cost=candidate.cost + ROUNDING, change=change, said=told)


def pairs(likely: Sequence[Candidate]) -> Iterator[tuple[Candidate, Candidate]]:
    """Two different mistakes, the likeliest first."""
    ordered = sorted(combinations(likely, 2), key=lambda pair: pair[0].cost + pair[1].cost)
    different = (pair for pair in ordered if pair[0].name != pair[1].name and not meet(pair[0].change, pair[1].change))
    return islice(different, MOST_PAIRS)


def both(one: Candidate, other: Candidate) -> Iterator[Candidate]:
    """Two mistakes as one."""

    def told(cell: Cell) -> Said:
        return Said("diagnosis.say_two", {"one": one.said(cell), "other": other.said(cell)})

    name, cost = f"{one.name}+{other.name}", one.cost + other.cost + TWICE
    yield Candidate(name, cost, (*one.sites, *other.sites), one.change | other.change, told)


def remembered(
    scene: Scene, mistakes: tuple[Candidate, ...], made: Callable[..., Iterator[Candidate]]
) -> Iterator[tuple[Candidate, Any]]:
    """What is made of some mistakes, with both passes after it; worked out once where a problem's mistakes are kept."""
    key = (*map(id, mistakes), made)
    found = scene.combined.get(key)
    if found is None:
        tried = ((candidate, scene.after(candidate.change)) for candidate in made(*mistakes))
        found = [(candidate, after) for candidate, after in tried if after is not None]
        if scene.source is not None and len(scene.combined) < MOST_COMBINED:
            scene.combined[key] = found
    return iter(found)


def meet(one: Change, other: Change) -> bool:
    """Whether two changes are about the same thing."""
    slots = {*one.locals, *one.passed} & {*other.locals, *other.passed}
    return bool(slots or one.values.keys() & other.values.keys() or one.sums.keys() & other.sums.keys())
