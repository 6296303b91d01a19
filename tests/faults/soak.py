"""Faults that a soak must see from outside: nothing in it looks at the code."""

from __future__ import annotations

from tests.faults._plant import Fault

SOAK = "tests/test_soak.py::test_a_quarter_of_a_minute_of_one_harm_breaks_no_promise"
AWAY = (f"{SOAK}[the dependency is away]",)
KILLED = (f"{SOAK}[kill the server]",)
PAUSED = (f"{SOAK}[pause a worker]",)

FAULTS = [
    Fault(
        "H09 what cannot be healed is served for ever, says the soak",
        "_decide.py",
        "    else:\n        freshness, reason = AS_EXPIRED\n",
        "    else:\n        freshness, reason = AS_STALE\n",
        AWAY,
    ),
    Fault(
        "H07 the fence is dropped, says the soak",
        "backends/_redis_lua.py",
        "if not held or past.token ~= token then",
        "if false then",
        PAUSED,
    ),
    Fault(
        "H14 heals that fail are counted nowhere, says the soak",
        "_inflight.py",
        "        self.ended[outcome] += 1\n",
        "        self.ended[outcome] += outcome is not Outcome.FAILED\n",
        AWAY,
    ),
    Fault(
        "H18 a backend that cannot be read is the caller's trouble, says the soak",
        "_read.py",
        "    except Exception as error:\n        return _unreadable(core, error)\n"
        "    return answer(core, key, entry, now, args, kwargs)\n\n\nasync def alookup(",
        "    except KeyError as error:\n        return _unreadable(core, error)\n"
        "    return answer(core, key, entry, now, args, kwargs)\n\n\nasync def alookup(",
        KILLED,
    ),
]
