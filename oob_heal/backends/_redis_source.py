"""Where connections come from: redis-py, asked for one at a time, out of band.

Law: everything here may block and is called by the keeper alone, but for what the constructor
checks. redis-py's own retries are off and its timeouts are ours. No address and no password
leaves this file, in no error and no repr.
"""

from __future__ import annotations

import binascii
import contextlib
import inspect
from collections.abc import Callable
from typing import Any

try:
    import redis
    import redis.asyncio
    from redis.backoff import NoBackoff
    from redis.connection import AbstractConnection
    from redis.retry import Retry
except ImportError:  # pragma: no cover
    raise ImportError("RedisBackend needs redis-py: pip install 'oob_heal[redis]'") from None

from oob_heal.backends._redis_link import Link
from oob_heal.backends._redis_wire import AwayError

SLOTS = 0x3FFF
LEFT_OUT = ("maint_notifications", "maintenance", "lib_", "driver_")
# Each would add round trips to a connection, or pushes that nobody here reads.
SAYS_NOTHING = (
    {"driver_info": None}
    if "driver_info" in inspect.signature(AbstractConnection.__init__).parameters
    else {"lib_name": None, "lib_version": None}
)


def slot_of(tag: bytes) -> int:
    """The cluster's slot of a hash tag."""
    return binascii.crc_hqx(tag, 0) & SLOTS


class Source:
    """Makes links to one server, or to each of a cluster, from exactly one of what it is given."""

    def __init__(self, url: str | None, client: Any, make_client: Callable[[], Any] | None) -> None:
        if sum(given is not None for given in (url, client, make_client)) != 1:
            raise TypeError("RedisBackend takes a URL, or client=, or make_client=")
        self._make = make_client
        self._client: Any = None
        if url is not None:
            self._client = _from_url(url)
        elif client is not None:
            self._client = _checked(client)
        self._nodes: list[Any] = []

    @property
    def is_cluster(self) -> bool | None:
        """None before the first contact, where only ``make_client`` knows."""
        return None if self._client is None else isinstance(self._client, redis.RedisCluster)

    def open(self) -> None:
        """Make the client, if that is still to be done."""
        if self._client is None and self._make is not None:
            self._client = _checked(self._make())

    def layout(self, *, anew: bool) -> dict[int, str]:
        """Of a cluster: which server has which slot. ``anew``: as it is now."""
        manager = self._client.nodes_manager
        if anew:
            manager.initialize()
        return {slot: nodes[0].name for slot, nodes in manager.slots_cache.items() if nodes}

    def connect(self, name: str, timeout: float) -> Link:
        """A link to the server of this name (of a cluster), ready for its first command."""
        client = self._client
        if name:
            client = client.get_redis_connection(client.get_node(node_name=name))
        pool = client.connection_pool
        given = {
            word: value
            for word, value in pool.connection_kwargs.items()
            if not word.startswith(LEFT_OUT)
        }
        connection = pool.connection_class(**given | _ours(timeout))
        connection.connect()
        sock, connection._sock = connection._sock, None
        return Link(sock)

    def close(self) -> None:
        """Close a client that was made here."""
        if self._client is not None and self._make is not None:
            with contextlib.suppress(Exception):
                self._client.close()


def _ours(timeout: float) -> dict[str, Any]:
    return {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "retry": Retry(NoBackoff(), 0),
        "retry_on_timeout": False,
        "retry_on_error": [],
        "health_check_interval": 0,
        "decode_responses": False,
        "protocol": 2,
        **SAYS_NOTHING,
    }


def _from_url(url: str) -> Any:
    try:
        return redis.Redis(connection_pool=redis.ConnectionPool.from_url(url))
    except Exception:  # its words, and the one that it came from, may hold the password
        pass
    raise ValueError(
        "the URL is not one that redis-py understands; write redis://, rediss:// or unix://, and "
        "quote a password with urllib.parse.quote"
    )


def _checked(client: Any) -> Any:
    if isinstance(client, (redis.asyncio.Redis, redis.asyncio.RedisCluster)):
        raise TypeError("give a redis.Redis client: it serves both colours")
    if not isinstance(client, (redis.Redis, redis.RedisCluster)):
        raise TypeError(f"the client must be a redis.Redis, not {type(client).__name__}")
    return client


def reason(error: BaseException) -> str:
    """What went wrong, in words that hold neither an address nor a password."""
    return str(error) if isinstance(error, AwayError) else type(error).__name__
