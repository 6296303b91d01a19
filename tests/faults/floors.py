"""Faults in the two floors: SQLite, and memory in front of a shared backend."""

from tests.faults._plant import Fault


def fault(hazard: str, file: str, before: str, after: str, *tests: str) -> Fault:
    """A fault that these tests, named below ``tests/``, must notice."""
    return Fault(hazard, file, before, after, tuple(f"tests/{test}" for test in tests))


FAULTS = [
    fault(
        "H07 a heal that commits is not announced",
        "backends/_redis_lua.py",
        "announce(ARGV[4] and 'commit' or 'delete')\n",
        "",
        "redis/test_news.py::test_every_write_is_announced_once_and_no_read_and_no_lease_is",
    ),
    fault(
        "H07 a clear is not announced",
        "backends/_redis_lua.py",
        "_KEEP_EPOCH + _ANNOUNCE_CLEAR +",
        "_KEEP_EPOCH +",
        "redis/test_news.py::test_every_write_is_announced_once_and_no_read_and_no_lease_is",
    ),
    fault(
        "H18 whoever may not publish cannot write",
        "backends/_redis_lua.py",
        "    redis.pcall('PUBLISH', 'oob1.'",
        "    redis.call('PUBLISH', 'oob1.'",
        "redis/test_news.py::test_whoever_may_not_publish_writes_all_the_same",
    ),
]
