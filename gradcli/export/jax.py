"""JAX: a function of floats, or of arrays entry by entry, that jax.jit and jax.vmap take as it is."""

from __future__ import annotations

from gradcli.export.exported import Exported
from gradcli.export.listing import listing
from gradcli.systems.dialects.listings import JAX_CODE

DOUBLES = 'jax.config.update("jax_enable_x64", True)  # doubles, as gradcli has them'


def written(exported: Exported) -> str:
    """The function, and an example where values were given.

    Errors: Unspelled; UsageError for a formula of tensors.
    """
    library = "import jax\nimport jax.numpy as jnp" if exported.complete else "import jax.numpy as jnp"
    return listing(
        exported, JAX_CODE, "jnp", library, "from jax.scipy import special", setup=DOUBLES, call="jax.jit({})"
    )
