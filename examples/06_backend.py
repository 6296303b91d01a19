"""Run it: `python examples/06_backend.py`. It needs nothing but the library.

A backend of one's own, three methods over a folder of files, and the contract suite that judges
it. Entries outlive the process: run it twice with a folder, `... 06_backend.py FOLDER`.
"""

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from oob_heal import HealingCache
from oob_heal.backends.bytestore import ByteStoreBackend
from oob_heal.ports import Clock
from oob_heal.testing import BackendContract


class FolderBackend(ByteStoreBackend):
    """Entries as files in a folder."""

    deadline = 1.0  # s: what a local disk never takes

    def __init__(self, folder: str, *, clock: Clock = time.time) -> None:
        super().__init__(clock=clock)
        self.folder = Path(folder)

    def load(self, key: str) -> bytes | None:
        try:
            return (self.folder / key).read_bytes()
        except FileNotFoundError:
            return None

    def store(self, key: str, data: bytes, keep_for: float) -> None:
        half = self.folder / f"{key}.new"
        half.write_bytes(data)
        half.replace(self.folder / key)

    def remove(self, key: str) -> None:
        (self.folder / key).unlink(missing_ok=True)


with TemporaryDirectory() as scratch:
    contract = BackendContract(lambda clock: FolderBackend(mkdtemp(dir=scratch), clock=clock))
    for promise in contract.promises():
        promise()
        print("kept:", promise)

    where = Path(sys.argv[1] if len(sys.argv) > 1 else mkdtemp(dir=scratch))
    where.mkdir(exist_ok=True)
    cache = HealingCache(backend=FolderBackend(str(where)), namespace="shop")

    @cache(ttl=60, default=0.0, name="price")
    def price(article: str) -> float:
        """What a slow service says of the price."""
        return 4.5

    print("before:", price("tea"))
    cache.close()
    print("after: ", price("tea"), "in", len(list(where.iterdir())), "file")
    assert price("tea") == 4.5
