"""JAX on whole tensors: NumPy's words under JAX's name."""

from __future__ import annotations

from gradcli.systems.dialects.listings import JAX_CODE
from gradcli.systems.dialects.numpy_tensors import NUMPY, SIGMOID
from gradcli.systems.dialects.numpy_tensors import TENSORS as NUMPY_TENSORS
from gradcli.systems.dialects.tensors import Tensors

PLACED = '''\
def placed(part, shape, key):
    """Zeros of a shape, with a part of it filled in."""
    return jnp.zeros(shape).at[key].set(part)
'''


def moved(text: str) -> str:
    """NumPy's words as JAX's."""
    return text.replace("np.", "jnp.")


JAX = NUMPY._replace(
    key=JAX_CODE.key,
    called=JAX_CODE.called,
    special=JAX_CODE.special,
    form=moved(NUMPY.form),
    own={word: moved(text) if text else text for word, text in NUMPY.own.items()}
    | {word: text for word, text in JAX_CODE.own.items() if text is None},
    helpers={"sigmoid": moved(SIGMOID), "placed": PLACED},
)

TENSORS = Tensors._make(moved(text) if isinstance(text, str) else text for text in NUMPY_TENSORS)._replace(dialect=JAX)
