"""Rolling features per account: exact, on event time, at constant amortised cost (DESIGN D3).

`History` keeps what every account did and says, for each transaction, what was known when it arrived;
`Catalogue` turns that into named feature values against the frozen population.
"""

from fraudwatch.features.catalogue import Catalogue
from fraudwatch.features.columns import Column
from fraudwatch.features.dump import lines
from fraudwatch.features.history import History, Observations
from fraudwatch.features.kernels.lanes import LANES
from fraudwatch.features.kernels.lanes.more import MORE_LANES

__all__ = ["LANES", "MORE_LANES", "Catalogue", "Column", "History", "Observations", "lines"]
