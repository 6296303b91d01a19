"""What the engines' worker commands import: ``tests.engines.worker:engine``."""

import os

from tests.engines.shop import make

shop = make(*os.environ["OOB_HEAL_SHOP"].split("|"), works=True)
engine = shop.engine
shop.tally.incr("workers")
