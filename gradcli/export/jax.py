"""JAX: the same as NumPy's function, which jax.jit and jax.vmap take as it is."""

from __future__ import annotations

from gradcli.export.exported import Exported
from gradcli.export.listing import Library, listing
from gradcli.systems.dialects.listings import JAX_CODE

DOUBLES = 'jax.config.update("jax_enable_x64", True)  # doubles, as gradcli has them'

JAX = Library("jnp", "import jax.numpy as jnp", "from jax.scipy import special", JAX_CODE, "jax_tensors")


def written(exported: Exported) -> str:
    """The function, and an example where values were given.

    Errors: Unspelled; UsageError for tensors whose shapes are not known.
    """
    return listing(exported, JAX, setup=DOUBLES, call="jax.jit({})", imports="import jax")
