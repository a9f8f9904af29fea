"""What ops on whole tensors pass down, as it is typed: valid in our language for the shapes at hand.

Textbooks write g@x.T for an outer product and g for what a sum hands to every entry; here stands what can be run, and
its value broadcasts to the input's shape. A function takes the shapes of the inputs and the op's attributes, and
gives a text an input, in the row's parameters, with g for the upstream gradient; None where the textbook's form runs.
"""

from __future__ import annotations

from math import prod
from typing import Any

from gradcli.ops.lengths import axes_of, multiplied, reduced, refilled
from gradcli.ops.op import LAST, Shape, spelled

Texts = tuple[str | None, ...]

CLASSES = 12
"""Classes up to which indices are compared with each of them."""


def product(A: Shape = (0, 0), B: Shape = (0, 0)) -> Texts:
    """Of A@B; of batches of matrices in words, where one of them was repeated."""
    if len(A) == len(B) == 1:
        return "g*B", "g*A"
    if len(A) == 1 and len(B) == 2:
        return "g@B.T", "outer(A,g)"
    if len(A) == 2 and len(B) == 1:
        return "outer(g,B)", "A.T@g"
    if len(A) <= 2 and len(B) <= 2:
        return "g@B.T", "A.T@g"
    if len(B) == 1:
        return f"{shaped('g', (*A[:-1], 1))}*B", f"reshape(A,-1,{A[-1]}).T@reshape(g,-1)"
    if len(B) == 2:
        return "g@B.T", f"reshape(A,-1,{A[-1]}).T@reshape(g,-1,{B[-1]})"
    if A[:-2] == B[:-2]:
        return f"g@{swapped('B', len(B))}", f"{swapped('A', len(A))}@g"
    return "g @ the transpose of B, matrix by matrix", "the transpose of A @ g, matrix by matrix"


def taught_product(A: Shape = (0, 0), B: Shape = (0, 0)) -> Texts:
    """The same as lectures write it: a column times a row is an outer product."""
    left, right = product(A, B)
    return left if left != "outer(g,B)" else "g@B.T", right if right != "outer(A,g)" else "A.T@g"


def layer(x: Shape = (0, 0), W: Shape = (0, 0), b: Shape = (0,)) -> Texts:
    """Of x@W+b."""
    left, right = (text and text.replace("A", "x").replace("B", "W") for text in product(x, W))
    return left, right, narrowed(multiplied(x, W), b)


def taught_layer(x: Shape = (0, 0), W: Shape = (0, 0), b: Shape = (0,)) -> Texts:
    """The same as lectures write it."""
    left, right = (text and text.replace("A", "x").replace("B", "W") for text in taught_product(x, W))
    batch = len(x) == 2 and len(b) == 1 and b[0] == W[-1]
    return left, right, "g, summed over the batch" if batch else narrowed(multiplied(x, W), b)


def narrowed(found: Shape, b: Shape) -> str:
    """g, of the one shape, summed where the other was broadcast to it."""
    if found == b:
        return "g"
    lead = len(found) - len(b)
    axes = [i for i, length in enumerate(found) if i < lead or (b[i - lead] == 1 and length > 1)]
    if not b:
        return "sum(g)"
    total = f"sum(g{along(axes[0] if len(axes) == 1 else tuple(axes), kept=False)})"
    return total if axes == list(range(lead)) else shaped(total, b)


def turned(x: Shape = (), *, axes: Any = None) -> Texts:
    """Of transposing: the axes in their old order."""
    if axes is None:
        return ("g.T",)
    places = [axis % len(axes) for axis in axes]
    return (f"transpose(g,{','.join(str(places.index(i)) for i in range(len(places)))})",)


def laid_out(x: Shape = (), *, shape: Any = (-1,)) -> Texts:
    """Of reshaping; a list of one number made a number again."""
    return (shaped("g", x) if x else "sum(g)" if refilled(x, shape=shape) else "g",)


def piled(*x: Shape) -> Texts:
    """Of a list: its entry of g."""
    return tuple(f"g[{k}]" for k in range(len(x)))


def lined_up(*x: Shape, axis: int = 0) -> Texts:
    """Of tensors one after the other: its part of g."""
    texts, start = [], 0
    for shape in x:
        before = ":," * (axis % len(shape))
        texts.append(f"g[{before}{start}:{start + shape[axis]}]")
        start += shape[axis]
    return tuple(texts)


def handed(x: Shape = (), *, axis: Any = None, keepdims: Any = False) -> Texts:
    """Of a sum."""
    return (held("g", x, axis, keepdims),)


def shared_out(x: Shape = (), *, axis: Any = None, keepdims: Any = False) -> Texts:
    """Of a mean."""
    return (f"{held('g', x, axis, keepdims)}/n",)


def routed(x: Shape = (), *, axis: Any = None, keepdims: Any = False) -> Texts:
    """Of the largest or smallest entry: split among those that are."""
    wins = f"x=={held('y', x, axis, keepdims)}"
    return (f"{held('g', x, axis, keepdims)}*({wins})/sum({wins}{along(axis)})",)


def normed(x: Shape = (), *, axis: Any = None, keepdims: Any = False) -> Texts:
    """Of the norm."""
    return (f"{held('g', x, axis, keepdims)}*x/{held('y', x, axis, keepdims)}",)


def pooled(x: Shape = (), *, axis: Any = LAST, keepdims: Any = False) -> Texts:
    """Of logsumexp."""
    return (f"{held('g', x, axis, keepdims)}*softmax(x{named(axis)})",)


def weighed(x: Shape = (0,), *, axis: Any = LAST) -> Texts:
    """Of softmax: the mean of each group."""
    return (f"y*(g-sum(y*g{along(axis) if len(x) > 1 else ''}))",)


def taught_weighed(x: Shape = (0,), *, axis: Any = LAST) -> Texts:
    """The same as textbooks write it."""
    return (f"y*(g-sum(y*g{along(axis, kept=False) if len(x) > 1 else ''}))",)


def lessened(x: Shape = (0,), *, axis: Any = LAST) -> Texts:
    """Of log_softmax."""
    return (f"g-softmax(x{named(axis)})*sum(g{along(axis) if len(x) > 1 else ''})",)


def taught_lessened(x: Shape = (0,), *, axis: Any = LAST) -> Texts:
    """The same as textbooks write it."""
    return (f"g-softmax(x{named(axis)})*sum(g{along(axis, kept=False) if len(x) > 1 else ''})",)


def classified(scores: Shape = (0,), t: Shape = (0,)) -> Texts:
    """Of softmax with cross-entropy: y - t, the labels as one-hot rows."""
    hot = one_hot(scores, t)
    return f"g*(softmax(scores)-{hot})/n" if hot else "g*(softmax(scores) - one-hot rows of t)/n", None


def weighted(scores: Shape = (0,), t: Shape = (0,)) -> Texts:
    """The same where rows of labels need not sum to 1."""
    total = "sum(t)" if len(scores) < 2 else f"sum(t{along(LAST)})"
    return f"g*({total}*softmax(scores)-t)/n", None


def picked(p: Shape = (0,), t: Shape = (0,)) -> Texts:
    """Of the cross-entropy of probabilities, at the classes named."""
    hot = one_hot(p, t)
    return f"where({hot},-g/n/p,0)" if hot else None, None


def one_hot(scores: Shape, t: Shape) -> str:
    """Labels in the shape of the scores; empty where there are many classes."""
    if scores == t:
        return "t"
    if scores[-1] > CLASSES:
        return ""
    classes = ",".join(map(str, range(scores[-1])))
    return f"({shaped('t', (*t, 1)) if t else 't'}==[{classes}])"


# ── parts of such texts ─────────────────────────────────────────────────────────────────────────────────────


def shaped(text: str, shape: Shape) -> str:
    """A text in another shape."""
    return f"reshape({text},{','.join(map(str, shape))})"


def swapped(text: str, rank: int) -> str:
    """A batch of matrices, each transposed."""
    return f"transpose({text},{','.join(map(str, (*range(rank - 2), rank - 1, rank - 2)))})"


def held(text: str, x: Shape, axis: Any, keepdims: Any) -> str:
    """What a reduction over some axes gave, so that it broadcasts to what was reduced."""
    axes = axes_of(axis, len(x))
    if axis is None or keepdims or sorted(axes) == list(range(len(axes))) or not prod(x):
        return text
    return shaped(text, reduced(x, axis=axis, keepdims=True))


def along(axis: Any, *, kept: bool = True) -> str:
    """The attributes of a reduction: ",axis=-1,keepdims=1"."""
    if axis is None:
        return ""
    return f",axis={spelled(axis)}" + ",keepdims=1" * kept


def named(axis: Any) -> str:
    """The attribute of an op on groups, where it is not the last axis."""
    return "" if axis == LAST else along(axis, kept=False)
