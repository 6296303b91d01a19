"""Entries of each codec in a store, whose bytes a test changes; and a bomb for who unpickles."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

import pydantic

from oob_heal import HealingCache
from oob_heal._envelope import seal, unseal
from oob_heal.codecs import JsonCodec, SignedPickleCodec
from oob_heal.codecs.pydantic import PydanticCodec
from oob_heal.testing import ManualExecutor, SharedStore

KEYS = [b"new" * 11, b"old" * 11]
STRANGER = b"not" * 11
DEFAULT = object()
ran: list[str] = []  # what hostile bytes have run


def boom(what: str) -> str:
    ran.append(what)
    return what


class Bomb:
    """Runs code in whoever unpickles it."""

    def __reduce__(self) -> Any:
        return boom, ("a pickle",)


@dataclasses.dataclass
class Article:
    name: str
    sizes: tuple[int, ...]
    more: dict[str, float]
    like: list[Article]


class Model(pydantic.BaseModel):
    name: str
    sizes: tuple[int, ...]
    more: dict[str, float]
    like: list[Model]


def article(n: int) -> Article:
    return Article("tea", (n, 2**40), {"g": 0.5}, [Article("mate", (), {}, [])])


def plain(n: int) -> dict[str, Any]:
    return {"name": "tea", "sizes": [n, 2**40], "more": {"g": 0.5}, "like": [None, True]}


def model(n: int) -> Model:
    return Model.model_validate(dataclasses.asdict(article(n)))


class Vault:
    """A function on a shared store with one entry, whose bytes a test changes."""

    def __init__(self, fn: Any, codec: Any) -> None:
        self.store = SharedStore()
        executor = ManualExecutor()
        cache = HealingCache(
            backend=self.store.backend(), executor=executor, clock=self.store.clock
        )
        self.f = cache(ttl=60, default=DEFAULT, codec=codec, name="f")(fn)
        self.f.set(fn(2), 2)
        self.another = next(iter(self.store.data.values()))[0]
        self.store.data.clear()
        self.f.set(fn(1), 1)
        ((self.key, (self.sealed, self.until)),) = self.store.data.items()
        self.value = fn(1)
        sound = unseal(self.key, self.sealed)
        assert sound is not None
        self.sound = sound
        ran.clear()

    def answers(self, mutants: Iterable[bytes]) -> Iterator[Any]:
        """What a call is answered after each; each is counted, and none is an error."""
        for mutant in mutants:
            before = self.f.cache_info()
            self.store.data[self.key] = (mutant, self.until)
            answer = self.f(1)
            after = self.f.cache_info()
            missed = answer is DEFAULT
            assert (after.absent - before.absent, after.hits - before.hits) == (missed, not missed)
            yield answer
        assert ran == []

    def misses(self, mutants: Iterable[bytes]) -> int:
        """How many there were; not one may be anything but the default."""
        answers = list(self.answers(mutants))
        assert answers == [DEFAULT] * len(answers)
        return len(answers)

    def sealing(self, payloads: Iterable[bytes]) -> Iterator[bytes]:
        """As one who knows the format would store them: every check of the envelope is met."""
        return (seal(self.key, self.sound._replace(payload=payload)) for payload in payloads)


MADE: dict[str, Any] = {
    "msgpack": (article, None),
    "json": (plain, JsonCodec()),
    "pydantic": (model, PydanticCodec(Model)),
    "pickle": (article, SignedPickleCodec(KEYS)),
}
