"""NumPy: a function of floats, or of arrays entry by entry."""

from __future__ import annotations

from gradcli.export.exported import Exported
from gradcli.export.listing import listing
from gradcli.systems.dialects.listings import NUMPY_CODE

QUIET = '@np.errstate(all="ignore")  # of the branches that are not taken'


def written(exported: Exported) -> str:
    """The function, and an example where values were given.

    Errors: Unspelled; UsageError for a formula of tensors.
    """
    return listing(exported, NUMPY_CODE, "np", "import numpy as np", "from scipy import special", quiet=QUIET)
