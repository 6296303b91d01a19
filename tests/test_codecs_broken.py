"""A codec that fails in its own ways: never an error to a caller, never the backend's fault."""

from __future__ import annotations

from typing import Any

import pytest

from oob_heal import CacheMissError, CodecError, Outcome
from oob_heal.observe import Advice
from tests.conftest import World

CANARY = "hunter2"


class Broken:
    """A codec of somebody's own, that fails in its own ways."""

    fingerprint = "broken"

    def __init__(self) -> None:
        self.on_encode: BaseException | None = None
        self.on_decode: BaseException | None = None
        self.data: Any = b"v"

    def encode(self, value: Any) -> Any:
        if self.on_encode is not None:
            raise self.on_encode
        return self.data

    def decode(self, data: bytes) -> Any:
        if self.on_decode is not None:
            raise self.on_decode
        return data.decode()


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RecursionError(),
        KeyError(CANARY),
        CodecError("odd"),
        StopIteration(),
        OSError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_a_codec_raises_on_reading_is_a_miss_counted_and_told(
    shared: World, error: Exception
) -> None:  # H04
    heard: list[Any] = []
    codec = Broken()
    with shared.cache.override(observers=[heard.append]):
        f = shared.decorate(lambda n: "v", default="default", codec=codec)
        g = shared.decorate(lambda n: "v", codec=codec, name="g")
        shared.do(f.set("v", 1))
        assert shared.do(f(1)) == "v"
        codec.on_decode = error
        assert shared.do(f(1)) == "default"
        assert shared.do(f.peek(1)) is None
        with pytest.raises(CacheMissError):
            shared.do(g(1))
        assert f.cache_info()[:6] == (1, 1, None, None, 0, 1)
        assert [heal.event.reason.value for heal in shared.executor.pending] == ["absent"] * 2
        f._oob_heal_core.parts.hub.flush(5)
    advice = [each.text for each in heard if isinstance(each, Advice)]
    assert len(advice) == 2
    assert "could not be read and counts as absent" in advice[0]
    assert CANARY not in f"{heard}"


@pytest.mark.parametrize("error", [MemoryError(), KeyError("k"), None], ids=repr)
def test_whatever_a_codec_raises_on_writing_is_the_codecs_error_and_no_backends(
    shared: World, error: Exception | None
) -> None:
    codec = Broken()
    codec.on_encode, codec.data = error, "no bytes"
    f = shared.decorate(lambda n: "v", default="default", codec=codec)
    with pytest.raises(
        CodecError, match=r"Broken (failed to encode|encodes to no bytes)"
    ) as caught:
        shared.do(f.set("v", 1))
    assert caught.value.__cause__ is error
    assert shared.do(f(1)) == "default"
    assert shared.executor.run_next() is Outcome.FAILED
    assert (shared.backend.asked["set"], shared.backend.asked["commit"]) == (0, 0)
    assert [each.error for each in shared.cache.failing()] == ["CodecError"]
