"""The numbers of a soak: load, limits, and the harm that is done."""

from __future__ import annotations

KEYS = 40
RATE = 40.0  # requests a second and process
WRITES = 4.0  # writes a second and process, a request after their key was asked for
TAKES = 0.1  # s at most that a call of the dependency takes: long enough to be overtaken
TTL = 1.0  # s
# s, by process: what is stale is expired before its harm is over. One has less patience than those
# that it shares its entries with, as after a release: the store keeps for them what that one must
# not serve any more, so that the limit is its own doing.
MAX_STALE = {"threads": 2.0, "tasks": 0.5, "queue": 2.0, "worker": 2.0}
LIMIT = 2.0  # s: heal_timeout
HANGS = 5.0  # s for which a hanging dependency keeps a caller: longer than heal_timeout
QUEUE = "soak.events"  # a list of the server's
CLEARED_WITHIN = 3.0  # s until every process's reads know of a cache_clear, a paused one's too
SLACK = 0.25  # s between one process's look at its clock and another's, on a starved machine

CREW = {"threads": "threads", "tasks": "tasks", "queue": "queue", "worker": "worker"}
SPARED = "threads"  # never killed, so that its memory is seen from end to end

SERVER = ("kill the server", "pause the server", "empty the server", "cut its connections")
PROCESSES = ("kill a worker", "pause a worker", "kill a request process", "pause a request process")
DEPENDENCY = ("the dependency is away", "the dependency hangs")
HARMS = (*SERVER, *PROCESSES, *DEPENDENCY)
