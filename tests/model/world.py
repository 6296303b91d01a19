"""What must hold of the package, and that it does what the model does, after every act."""

from __future__ import annotations

import itertools

from oob_heal import CacheInfo, Freshness, Outcome
from tests.model.acts import Acts
from tests.model.guard import WARD
from tests.model.pair import Process
from tests.model.promises import KEYS

ALL_KEYS = [(function, n) for function in (0, 1) for n in range(len(KEYS))]
TICK = 2.0**-10  # s: about a millisecond, exact in a float
LONG = 512.0  # s, in which every lease lapses, and every backoff and every quarantine ends
COUNTED = {
    count: CacheInfo._fields.index(count)
    for count in ("hits", "stale", "absent", *(outcome.value for outcome in Outcome))
}


class World(Acts):
    """A source, processes, heals on their way; and the model beside them."""

    def check(self, *, books: bool = True) -> None:
        """``books`` False leaves alone what is past its deadline and was not looked at yet."""
        assert not self.desk.wrong, self.desk.wrong
        if hasattr(self.place, "catch_up"):
            self.place.catch_up(self.processes)
        self._thrown_out()
        self._as_it_looks()
        assert self.place.live_leases() == sum(
            self.store.lease(key) is not None for key in self.store.leases
        )
        holding = [each.run.lease for each in self.going]
        holding = [each for each in holding if each and self.store.lease(each.key) is each]
        assert len({each.key for each in holding}) == len(holding), "two leases of a key hold"
        self._spared()
        if books:
            for who in self.processes:
                self._books(who)

    def _spared(self) -> None:
        """Of all processes one probes, and no process calls more than it may."""
        calls = [each for each in self.going if each.real.heal.permit is not None]
        wards = [each.real.heal.permit.lease for each in calls if each.real.heal.permit.probing]
        held = [ward for ward in wards if ward is not None and self.now < ward.until]
        assert len(held) <= 1, "two probe at once"
        for who in self.processes:
            guard, told = who.cores[0].guard, who.model.guard
            assert guard.in_flight <= self.limits.places
            assert (guard.in_flight, guard.state) == (len(told.inside), told.phase_at(self.now))

    def _as_it_looks(self) -> None:
        """A look at what was touched, and at everything when time has passed."""
        touched, self.touched = self.touched, set()
        for who in self.processes:
            if who.model.way == "up":
                for key in touched:
                    self.read(who, key, "peek")
                return

    def _thrown_out(self) -> None:
        """A full table may forget any entry, and none otherwise."""
        if len(self.store.entries) <= self.place.maxsize:
            return
        (who,) = self.processes
        for key in list(self.store.entries):
            real = who.functions[key[0]].cache_key(KEYS[key[1]], a=1, b=2)
            if who.backend.get(real) is None:
                del self.store.entries[key]
        assert len(self.store.entries) == self.place.maxsize

    def _books(self, who: Process) -> None:
        """Counted as the model counts; each heal published ended once, or is under way."""
        who.model.sweep()
        for function, f in enumerate(who.functions):
            info = f.cache_info()
            for count, place in COUNTED.items():
                expected = who.model.tally[function, count]
                assert info[place] == expected, f"{count} of {function}, not {expected}"
            assert info.healing == sum(heal.key[0] == function for heal in who.model.open)
            ended = sum(info[COUNTED[outcome.value]] for outcome in Outcome)
            assert who.cores[function].inflight.published == ended + info.healing
            assert info.misses == info.stale + info.absent
            assert info.currsize is None or info.currsize <= self.place.maxsize

    def _tables_are_small(self) -> None:
        """No table holds more than the keys there are."""
        for who in self.processes:
            assert len(who.cache.failing()) <= len(ALL_KEYS)
            for core in who.cores:
                assert len(core.inflight._marks) <= len(KEYS)
                assert len(core.inflight._open) <= self.limit

    def next_edge(self) -> float | None:
        """The next instant at which anything ends by itself."""
        edges = self.store.edges()
        for who in self.processes:
            edges += who.model.edges()
        for key, entry in self.store.entries.items():
            if key == WARD:
                continue
            rules = self.rules[key[0]]
            edges += [entry.dated + rules.limit, entry.dated + rules.ttl]
            edges.append(entry.dated + rules.ttl * (1 - rules.jitter * entry.spread))
        for lease in self.store.leases.values():
            if lease.key != WARD:
                edges.append(lease.granted_at + self.rules[lease.key[0]].heal_timeout)
        exact = [edge for edge in edges if edge > self.now and (edge / TICK).is_integer()]
        return min(exact, default=None)

    def all_heals_at_last(self) -> None:
        """With time passing, and one read and one heal of each key in each process, all is well."""
        for who in self.processes:
            who.way.state = who.model.way = "up"
            who.executor.reject(None)
            who.model.rejects = False
        self.place.clock.advance(LONG)
        self.check()
        for who, key in itertools.product(self.processes, ALL_KEYS):
            self.waiting.clear()
            self.read(who, key, "lookup")
            for each in list(self.waiting):
                going = self.start(each)
                self.call(going, "value")
                self.finish(going)
            served = self._told(who, key, "peek")
            assert served is not None, "a key was left that does not heal"
            assert served.freshness is Freshness.FRESH
            self.check(books=False)
        self.check()
        assert self.place.live_leases() == 0, "a lease was left behind"
        assert all(not who.model.open for who in self.processes)
        self._tables_are_small()
