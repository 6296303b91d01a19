"""How often a function answered, in places that the fastest read can add to.

Law: plain counters; each addition is one step that no other thread comes between under the GIL.
They are the cells of variables in generated code (see ``_hot``): floats,
since adding to a float is cheaper and exact up to 2**53. On a build without the GIL the fast path
adds to ``hits`` alone, and may miss some; what else is counted is counted under a lock.
"""

from __future__ import annotations

from types import CellType


class Counted:
    """Fresh, stale and absent answers of one function, since it was decorated."""

    __slots__ = ("absent_cell", "hits_cell", "stale_cell")

    def __init__(self) -> None:
        self.hits_cell = CellType(0.0)
        self.stale_cell = CellType(0.0)
        self.absent_cell = CellType(0.0)

    @property
    def hits(self) -> int:
        """How many answers were fresh."""
        return int(self.hits_cell.cell_contents)

    @property
    def stale(self) -> int:
        """How many answers were stale."""
        return int(self.stale_cell.cell_contents)

    @property
    def absent(self) -> int:
        """How often there was nothing to serve but a default or an error."""
        return int(self.absent_cell.cell_contents)
