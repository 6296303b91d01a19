"""The servers that the tests of RedisBackend run, for what stands in front of it."""

from tests.redis.conftest import _running, own_server, valkey

__all__ = ["_running", "own_server", "valkey"]
