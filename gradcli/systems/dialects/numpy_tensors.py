"""NumPy on whole tensors, as people write it."""

from __future__ import annotations

from gradcli.systems.dialects.listings import NUMPY_CODE
from gradcli.systems.dialects.python import INFIX
from gradcli.systems.dialects.tensors import Tensors

SIGMOID = '''\
def sigmoid(x):
    """1/(1 + exp(-x)), without overflow."""
    z = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, z) / (1 + z)
'''

PLACED = '''\
def placed(part, shape, key):
    """Zeros of a shape, with a part of it filled in."""
    whole = np.zeros(shape)
    whole[key] = part
    return whole
'''

WORDS = {"add": "add", "subtract": "sub", "multiply": "mul", "divide": "div", "negative": "neg", "positive": "identity"}
"""NumPy's word → the engine's, for what is written between its inputs."""

NUMPY = NUMPY_CODE._replace(
    base="numpy floats",
    form="np.{word}",
    own={
        **NUMPY_CODE.own,
        **{word: INFIX[own] for word, own in WORDS.items()},
        "power": "#1 ** #2",
        "less": "#1 < #2",
        "less_equal": "#1 <= #2",
        "greater": "#1 > #2",
        "greater_equal": "#1 >= #2",
        "equal": "#1 == #2",
        "not_equal": "#1 != #2",
        "where": "np.where(#1, #2, #3)",
        "larger": "np.maximum(#1, #2)",
        "smaller": "np.minimum(#1, #2)",
        "sigmoid": "sigmoid(#1)",
        "relu": "np.maximum(#1, 0)",
    },
    helpers={"sigmoid": SIGMOID, "placed": PLACED},
)

TENSORS = Tensors(
    dialect=NUMPY,
    product="#1 @ #2",
    transposed="#1.T",
    permuted="np.transpose(#1, {axes})",
    reshaped="np.reshape(#1, {shape})",
    stacked="np.stack([{parts}])",
    joined="np.concatenate([{parts}], axis={axis})",
    summed="np.sum(#1{along})",
    averaged="np.mean(#1{along})",
    largest="np.max(#1{along})",
    smallest="np.min(#1{along})",
    multiplied="np.prod(#1{along})",
    length="np.sqrt(np.sum(#1 ** 2{along}))",
    axis="axis={axis}",
    kept="keepdims=True",
    spread="np.broadcast_to(#1, #2)",
    narrowed="",
    shape="#1.shape",
    size="#1.shape[{axis}]",
    constant="np.array({number})",
    diagonal="np.diagonal(#1)",
    on_diagonal="np.diag(np.full(#2, #1))",
    placed="placed(#1, #2, np.s_[{index}])",
    full="np.full(np.shape(#1), {number})",
    filled="np.full(#2, {number})",
    cast="1.0 * #1",
)
