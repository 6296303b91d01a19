"""A real server whose time is the test's: the scripts as they are, under a clock moved by hand.

Law: every script gets a prelude in which ``redis`` is a table that asks a key of the server for
the time, and notes expiry in a sorted set instead of having the server count. Moving the clock
throws out what expired. Nothing else differs from production: text, arguments, replies.
"""

from __future__ import annotations

import hashlib
import threading
from typing import Any

import redis

from oob_heal.backends import _redis_lua as lua
from oob_heal.backends.redis import AsyncRedisBackend, RedisBackend
from oob_heal.testing import ManualClock
from tests.redis.servers import Server

PRELUDE = """
local real = redis
local redis = {}
local function at_test() return tonumber(real.call('GET', 'test:clock')) end
local function do_as(how, name, key, ...)
    if name == 'TIME' then
        local now = at_test()
        local whole = math.floor(now)
        return {string.format('%d', whole), string.format('%.17g', (now - whole) * 1000000)}
    end
    if name == 'PEXPIRE' then
        return real.call('ZADD', 'test:until', at_test() + tonumber((...)) / 1000, key)
    end
    local words = {...}
    if name == 'SET' and words[2] == 'PX' then
        local done = real[how]('SET', key, words[1])
        if type(done) == 'table' and done.ok then
            real.call('ZADD', 'test:until', at_test() + tonumber(words[3]) / 1000, key)
        end
        return done
    end
    return real[how](name, key, ...)
end
function redis.call(...) return do_as('call', ...) end
function redis.pcall(...) return do_as('pcall', ...) end
"""
ADVANCE = """
redis.call('SET', 'test:clock', ARGV[1])
for _, key in ipairs(redis.call('ZRANGEBYSCORE', 'test:until', '-inf', ARGV[1])) do
    redis.call('DEL', key)
    redis.call('ZREM', 'test:until', key)
end
"""
LIVE = """
local function first(line) -- behind an epoch stand those before it
    return line and tonumber(string.match(line, '%d+'))
end
local now, count = tonumber(redis.call('GET', 'test:clock')), 0
for _, key in ipairs(redis.call('KEYS', '*:l')) do
    local lease = redis.call('HMGET', key, 'token', 'until', 'epoch')
    local scope = string.match(key, '^{oob1%.([^.]+)%.')
    local epoch = redis.call('GET', 'oob1.' .. scope .. '.epoch')
    if lease[1] and now < tonumber(lease[2]) and first(lease[3]) == first(epoch) then
        count = count + 1
    end
end
return count
"""
SCRIPTS = ("ACQUIRE", "COMMIT", "RELEASE", "SET", "DELETE", "MARK_STALE", "LEARN", "CLEAR")


def under_the_tests_clock(monkeypatch: Any) -> None:
    """From now on every script runs under the clock of ``Timed``."""
    for name in SCRIPTS:
        script = getattr(lua, name)
        text = PRELUDE.encode("ascii") + script._text
        monkeypatch.setattr(script, "_text", text)
        digest = hashlib.sha1(text).hexdigest()  # noqa: S324 - as EVALSHA has it
        monkeypatch.setattr(script, "_digest", digest.encode("ascii"))


class ServerClock(ManualClock):
    """A clock that a server goes by."""

    def __init__(self, client: redis.Redis, now: float) -> None:
        super().__init__(now)
        self._tell = client.register_script(ADVANCE)
        self.advance(0)

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        self._tell(args=[repr(self())])


class TimedBackend(RedisBackend):
    """A RedisBackend whose server's time is known without asking, and whose reads see a clear
    elsewhere at once: here the second that this may take never passes by itself."""

    def __init__(self, url: str, client: redis.Redis, clock: ManualClock) -> None:
        super().__init__(url, deadline=20.0)
        self.client = client
        self.now = self.known_now = clock  # type: ignore[method-assign]
        self.lock = threading.Lock()  # the machine looks that none is held
        half: Any = TimedHalf(self._verbs, self.deadline)
        half.now, half.keep_up = clock, self.keep_up
        self.aio = half

    def keep_up(self, key: str) -> None:
        scope = key.split(".")[1]
        number = self.client.get(f"oob1.{scope}.epoch")
        if number is not None:
            self._keeper.heard_epoch(scope, int(number.split()[0]))

    def get(self, key: str) -> bytes | None:
        self.keep_up(key)
        return super().get(key)


class TimedHalf(AsyncRedisBackend):
    """Its async half."""

    keep_up: Any

    async def anow(self) -> float:
        return self.now()

    async def get(self, key: str) -> bytes | None:
        self.keep_up(key)
        return await super().get(key)


class Timed:
    """Processes on one server, as the state machine wants them."""

    processes = 2
    forgets = True
    epochs = True
    maxsize = float("inf")

    def __init__(self, server: Server) -> None:
        self.client = redis.Redis(port=server.port)
        self.client.flushall()
        self.url = server.url
        self.began = 900_000.0
        self.clock = ServerClock(self.client, 1_000_000.0)
        self._live = self.client.register_script(LIVE)
        self._made: list[TimedBackend] = []

    def backend(self) -> TimedBackend:
        self._made.append(TimedBackend(self.url, self.client, self.clock))
        return self._made[-1]

    def live_leases(self) -> int:
        count: int = self._live()
        return count

    def tidy(self) -> None:
        """Forget the leases of old keys."""
        self.client.delete("none", *self.client.keys("*:l"))

    def close(self) -> None:
        for backend in self._made:
            backend.close()
        self.client.close()
