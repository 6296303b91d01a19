"""Heals on real engines: each in an environment of its own, over servers on loopback."""
