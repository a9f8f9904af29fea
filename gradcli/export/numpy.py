"""NumPy: a function of floats, or of arrays entry by entry; with values of their shapes, of whole tensors."""

from __future__ import annotations

from gradcli.export.exported import Exported
from gradcli.export.listing import Library, listing
from gradcli.systems.dialects.listings import NUMPY_CODE

QUIET = '@np.errstate(all="ignore")  # of the branches that are not taken'

NUMPY = Library("np", "import numpy as np", "from scipy import special", NUMPY_CODE, "numpy_tensors", QUIET)


def written(exported: Exported) -> str:
    """The function, and an example where values were given.

    Errors: Unspelled; UsageError for tensors whose shapes are not known.
    """
    return listing(exported, NUMPY)
