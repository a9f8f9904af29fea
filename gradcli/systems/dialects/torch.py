"""PyTorch: functions of tensors of any floating type.

Its truths are no numbers, and where plain numbers alone are chosen between, it chooses 32 bits for them; so a number
that a function is given is a tensor of the other's type. It has no cbrt and no gamma, and polygamma to 9 digits only.
"""

from __future__ import annotations

from gradcli.systems.dialects.dialect import Dialect
from gradcli.systems.dialects.tensors import Tensors

TORCH = Dialect(
    key="torch",
    called="PyTorch",
    assignment="{name} = {code}",
    special=("torch.inf", "-torch.inf", "torch.nan"),
    base="numpy floats",
    form="torch.{word}",
    own={
        "add": "#1 + #2",
        "subtract": "#1 - #2",
        "multiply": "#1 * #2",
        "divide": "#1 / #2",
        "negative": "-#1",
        "positive": "#1",
        "power": "#1 ** #2",
        "less": "#1 < #2",
        "less_equal": "#1 <= #2",
        "greater": "#1 > #2",
        "greater_equal": "#1 >= #2",
        "equal": "#1 == #2",
        "not_equal": "#1 != #2",
        "larger": "torch.maximum(#1, #2)",
        "smaller": "torch.minimum(#1, #2)",
        "clip": None,
        **dict.fromkeys(("cbrt", "gamma", "polygamma")),
        "normal_cdf": "torch.erfc(#1 / -1.4142135623730951) / 2",
    },
    helpers={
        "placed": (
            "def placed(part, shape, key):\n"
            '    """Zeros of a shape, with a part of it filled in."""\n'
            "    whole = part.new_zeros(shape)\n"
            "    whole[key] = part\n"
            "    return whole\n"
        )
    },
    whole=True,
)

TENSORS = Tensors(
    dialect=TORCH,
    strict=True,
    product="#1 @ #2",
    transposed="#1.T",
    permuted="#1.permute({axes})",
    reshaped="#1.reshape({shape})",
    stacked="torch.stack([{parts}])",
    joined="torch.cat([{parts}], dim={axis})",
    summed="#1.sum({along})",
    averaged="#1.mean({along})",
    largest="torch.amax(#1{along})",
    smallest="torch.amin(#1{along})",
    multiplied="#1.prod({along})",
    length="torch.linalg.vector_norm(#1{along})",
    axis="dim={axis}",
    kept="keepdim=True",
    spread="#1.expand(#2)",
    narrowed="#1.sum_to_size(#2)",
    shape="#1.shape",
    size="#1.shape[{axis}]",
    constant="#1.new_tensor({number})",
    diagonal="torch.diagonal(#1)",
    on_diagonal="torch.diag(#1.expand(#2))",
    placed="placed(#1, #2, {key})",
    full="torch.full_like(#1, {number})",
    filled="#1.new_full(#2, {number})",
    cast="#1.type_as(#2)",
    single=frozenset({"multiplied"}),
)
