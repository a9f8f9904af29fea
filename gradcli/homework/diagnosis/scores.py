"""The gradient of a loss's scores: the chances that softmax or a sigmoid makes of them, less the target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any, NamedTuple

from gradcli.autodiff import Value
from gradcli.homework.diagnosis.rows import Made, Row
from gradcli.homework.diagnosis.scene import Scene, distances
from gradcli.homework.sweeps import Change
from gradcli.notation import number

MADE_BY = frozenset(("softmax", "sigmoid"))
"""What makes chances of scores."""

CLOSE = 1e-9
"""How far a gradient may be from a target's that is one."""


class Less(NamedTuple):
    """The gradient of scores as (chances - target)·share.

    target: its name; empty where it is none of the inputs.
    """

    scores: int
    target: str
    share: float


def less_target(scene: Scene, i: int) -> Less | None:
    """How the gradient of scores is chances less a target; None where it is none, or other paths add to it."""
    scores = scene.graph.parents[i][0]
    upstream = scene.gradients.upstream
    if len(scene.leaving.get(scores, ())) != 1 or not isinstance(upstream, float | int) or not upstream:
        return None
    right, chances = scene.g(scores), scene.values[i]
    before = distances([scores], lambda j: scene.graph.parents[j])
    shape = scene.shape(i) if scene.tensorial else ()
    for rows in dict.fromkeys((1, prod(shape[:-1]), prod(shape))):
        share = float(upstream) / max(rows, 1)
        target = chances - right / share
        for name, at in scene.graph.inputs.items():
            if at not in before and alike(target, scene.values[at]):
                return Less(scores, name, share)
        if is_one(target, rows_sum=scene.op(i).structural):
            return Less(scores, "", share)
    return None


def alike(target: Value, value: Value) -> bool:
    """Whether a target is the value of an input."""
    if isinstance(target, float) and isinstance(value, float):
        return abs(target - value) <= CLOSE
    if getattr(target, "shape", ()) != getattr(value, "shape", ()):
        return False
    return bool((abs(target - value) <= CLOSE).all())


def is_one(target: Value, *, rows_sum: bool) -> bool:
    """Whether numbers are 0 and 1; of the rows of a softmax, a 1 in each."""
    if isinstance(target, float):
        return not rows_sum and min(abs(target), abs(target - 1)) <= CLOSE
    whole = (abs(target) <= CLOSE) | (abs(target - 1) <= CLOSE)
    return bool(whole.all() and (not rows_sum or (abs(target.sum(axis=-1) - 1) <= CLOSE).all()))


def target_forgotten(scene: Scene, i: int) -> Iterator[Made]:
    """The chances themselves."""
    found = less_target(scene, i)
    if found is not None:
        change = Change(passed={(i, 0): lambda at: at.y * found.share})
        yield Made(i, change, lambda: told(scene, i, found), variety=None)


def order_reversed(scene: Scene, i: int) -> Iterator[Made]:
    """The target less the chances."""
    found = less_target(scene, i)
    if found is not None:
        change = Change(passed={(i, 0): lambda at: None if at.down is None else -at.down})
        yield Made(i, change, lambda: told(scene, i, found), variety=None)


def told(scene: Scene, i: int, found: Less) -> Mapping[str, Any]:
    """The fields of a sentence about scores."""
    chances, target = scene.name(i), found.target or "t"
    return {
        "gate": scene.gate(i),
        "edge": scene.gradient(found.scores),
        "taken": times(chances, found.share),
        "rule": f"{chances} - {target}" if found.share == 1 else times(f"({chances} - {target})", found.share),
    }


def times(text: str, share: float) -> str:
    """A text times a number: over n where that is 1/n."""
    if share == 1:
        return text
    return f"{text}/{number(round(1 / share, 9))}" if abs(share) < 1 else f"{number(share)}·{text}"


ROWS = (
    Row("target_forgotten", 1.1, target_forgotten, MADE_BY, "target"),
    Row("order_reversed", 1.1, order_reversed, MADE_BY, "target_first"),
)
