"""Faults in how the user's code is called, and in what is kept of it."""

from tests.faults._plant import Fault


def fault(hazard: str, file: str, before: str, after: str, *tests: str) -> Fault:
    """A fault that these tests, named below ``tests/test_``, must notice."""
    return Fault(hazard, file, before, after, tuple(f"tests/test_{test}" for test in tests))


FAULTS = [
    fault(
        "H27 an error's words are asked for under a lock",
        "_core.py",
        "        message = words_of(error)  # the user's words: not under a lock\n"
        "        with self.inflight.lock:\n",
        "        with self.inflight.lock:\n            message = words_of(error)\n",
        "reentrancy.py::test_what_the_user_hands_in_may_call_back",
    ),
    fault(
        "H27 a value is encoded under the lock of the store",
        "_shelf.py",
        "        return self._inward(verb, sent, getattr(self.sync, verb)(*sent, **kwargs))\n",
        "        with self.backend.lock:\n"
        "            reply = getattr(self.sync, verb)(*sent, **kwargs)\n"
        "            return self._inward(verb, sent, reply)\n",
        "reentrancy.py::test_what_the_user_hands_in_may_call_back",
    ),
    fault(
        "H27 a value dies under the lock of the table",
        "backends/memory.py",
        "        return self._table(key.scope).drop(key.token)",
        "        self._table(key.scope).drop(key.token)",
        "finalizers.py::test_a_value_may_call_back_as_it_is_let_go_of",
    ),
    fault(
        "H27 a lost heal's arguments die under the lock of the marks",
        "_inflight.py",
        "        return marks\n",
        "        return []\n",
        "finalizers.py::test_an_argument_may_call_back_as_its_lost_heal_is_swept_away[it waits]",
    ),
    fault(
        "H27 a heal's arguments die under the lock of the marks when an engine lost it",
        "_inflight.py",
        "        return accounts + self._lose(",
        "        return self._lose(",
        "finalizers.py::"
        "test_an_argument_may_call_back_as_its_lost_heal_is_swept_away[an engine has it]",
    ),
    fault(
        "H27 a late heal's arguments die under the lock when its own key is missed again",
        "_inflight.py",
        "_lost = _lost + self._lose([mark])",
        "self._lose([mark])",
        "finalizers.py::"
        "test_an_argument_may_call_back_as_its_lost_heal_is_swept_away[its key is missed again]",
    ),
    fault(
        "H27 a heal's arguments die under the lock of the pool",
        "executors/_heal_threads.py",
        "            ran = self.running.pop(me, None)  "
        "# the heal dies with it, once the lock is free\n"
        "            if ran is not None or me in self.kept:",
        "            if self.running.pop(me, None) is not None or me in self.kept:",
        "finalizers.py::test_an_argument_may_call_back_as_its_heal_ends_on_a_thread",
    ),
    fault(
        "H30 the traceback is kept",
        "_carried.py",
        "            strip(end.error)",
        "            pass",
        "retention.py",
    ),
    fault(
        "H30 the traceback of a context is kept beside a cause",
        "_failing.py",
        "            left += [each.__cause__, each.__context__]",
        "            left += [each.__cause__ or each.__context__]",
        "retention.py",
    ),
    fault(
        "H41 an observer is called in the caller",
        "_hub.py",
        "            mailbox.put(happening)\n        if not",
        "            mailbox.observer(happening)\n        if not",
        "observers.py",
    ),
    fault(
        "H41 an observer that raises hears no more",
        "_mailbox.py",
        "            except BaseException:  # its trouble is its own: it hears on\n"
        "                pass",
        "            except BaseException:\n                return",
        "observers.py::test_an_observer_that_raises_hurts_nobody_and_hears_on",
    ),
    fault(
        "H41 a mailbox has no end",
        "_mailbox.py",
        "            if len(self._waiting) >= self.size:",
        "            if False:",
        "observers.py::test_the_mailbox_of_an_observer_that_blocks_is_bounded",
    ),
]
