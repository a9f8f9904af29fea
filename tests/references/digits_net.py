"""The two-layer net of examples/two_layer_net.grad: its data, and its loss and gradients by PyTorch.

    python -m tests.references.digits_net

writes examples/two_layer_net.npz (needs scikit-learn) and digits_net.npz beside this file (needs PyTorch, which
is asked for double precision on one thread).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

Arrays = Mapping[str, Any]

VALUES = Path(__file__).parents[2] / "examples" / "two_layer_net.npz"
FROZEN = Path(__file__).with_suffix(".npz")

IMAGES, HIDDEN, CLASSES = 100, 50, 10
LEARNED = ("W1", "b1", "W2", "b2")


def values() -> Arrays:
    """The first images of scikit-learn's digits with their labels, and the weights that the book begins with."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    random = np.random.default_rng(0)
    return {
        "pixels": digits.data[:IMAGES].astype(np.uint8),  # whole numbers from 0 to 16
        "t": digits.target[:IMAGES].astype(np.uint8),
        "W1": (0.01 * random.standard_normal((64, HIDDEN))).round(4),
        "b1": np.zeros(HIDDEN),
        "W2": (0.01 * random.standard_normal((HIDDEN, CLASSES))).round(4),
        "b2": np.zeros(CLASSES),
    }


def by_torch(given: Arrays) -> Arrays:
    """The loss, under "value", and the gradients for the pixels and everything that is learned."""
    import torch

    torch.set_num_threads(1)
    leaf = {name: torch.tensor(given[name], dtype=torch.float64, requires_grad=True) for name in ("pixels", *LEARNED)}
    hidden = torch.sigmoid(leaf["pixels"] / 16 @ leaf["W1"] + leaf["b1"])
    scores = hidden @ leaf["W2"] + leaf["b2"]
    loss = torch.nn.functional.cross_entropy(scores, torch.tensor(given["t"], dtype=torch.int64))
    loss.backward()
    return {"value": loss.detach().numpy()} | {name: tensor.grad.numpy() for name, tensor in leaf.items()}


def main() -> None:
    """Write what can be made here."""
    try:
        np.savez_compressed(VALUES, **values())
    except ImportError:
        print("scikit-learn is not here; the data stay as they are")
    try:
        np.savez_compressed(FROZEN, **by_torch(np.load(VALUES)))
    except ImportError:
        print("PyTorch is not here; its numbers stay as they are")


if __name__ == "__main__":
    main()
