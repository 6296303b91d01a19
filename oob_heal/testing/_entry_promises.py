"""What a backend promises of its entries, and of what it says of itself.

Law: each function here is a promise, told by its name; it starts with a backend of its own.
"""

from __future__ import annotations

from oob_heal._shelf import colours
from oob_heal.testing._trial import LONG, NEXT_TO_IT, Trial


def an_absent_key_is_none(it: Trial) -> None:
    it.must_be(it.key(1), None, "nothing was stored")


def what_is_set_is_got_until_it_is_replaced_or_deleted(it: Trial) -> None:
    key, other = it.key(1), it.key(2)
    it.set(key, it.entry(key, "a"), LONG)
    it.must_be(key, it.entry(key, "a"), "what was set")
    it.must_be(other, None, "another key")
    it.set(key, it.entry(key, "b", 2.0), LONG)
    it.must_be(key, it.entry(key, "b", 2.0), "what was set last")
    it.delete(key)
    it.delete(other)
    it.must_be(key, None, "deleted")


def marking_stale_keeps_value_and_date(it: Trial) -> None:
    key = it.key(1)
    it.mark_stale(key)
    it.must_be(key, None, "an absent key stays absent")
    it.set(key, it.entry(key, "a"), LONG)
    it.mark_stale(key)
    it.must_be(key, it.marked(key, "a"), "marked stale")
    it.set(key, it.entry(key, "b"), LONG)
    it.must_be(key, it.entry(key, "b"), "what is set anew is not marked")


def clearing_a_scope_leaves_its_neighbours(it: Trial) -> None:
    mine, theirs = it.key(1), it.key(1, NEXT_TO_IT)
    it.set(mine, it.entry(mine, "a"), LONG)
    it.set(theirs, it.entry(theirs, "b"), LONG)
    it.clear(it.scope())
    it.must_be(mine, None, "its scope was cleared")
    it.must_be(theirs, it.entry(theirs, "b"), "another scope, of a name that begins alike")
    it.set(mine, it.entry(mine, "c"), LONG)
    it.must_be(mine, it.entry(mine, "c"), "what is set after the clear")


def the_declarations_are_true(it: Trial) -> None:
    backend = it.backend
    assert isinstance(backend.now(), (int, float)), "now() returns seconds"
    assert float(getattr(backend, "deadline", 1.0)) >= 0, "deadline is in seconds"
    if getattr(backend, "prompt", False):
        assert colours(backend)[0] is not None, "what is prompt answers sync"
    if getattr(backend, "shared_leases", False):
        keeps = float(getattr(backend, "longest_keep", float("inf")))
        assert keeps < float("inf"), "a shared backend keeps nothing for ever"
