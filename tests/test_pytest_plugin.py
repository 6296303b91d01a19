"""The fixtures that an application's tests get."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest

APPLICATION = """
    import pytest
    from oob_heal import healing_cache

    calls = []

    @healing_cache(ttl=60, default="default", name="application.price")
    def price(article: str) -> str:
        calls.append(article)
        return "7"
"""


def outcomes(pytester: pytest.Pytester, test: str, *options: str) -> dict[str, int]:
    pytester.makepyfile(APPLICATION + test)
    loaded = any(each.name == "oob_heal" for each in entry_points(group="pytest11"))
    plugin = () if loaded else ("-p", "oob_heal.testing.pytest_plugin")
    quiet = ("-p", "no:randomly", "-p", "no:cacheprovider")
    found = pytester.runpytest_inprocess(*plugin, *quiet, *options).parseoutcomes()
    found.pop("warnings", None)  # the plugin may have been imported before pytest could rewrite it
    return found


def test_a_test_heals_by_hand_and_moves_time(pytester: pytest.Pytester) -> None:
    test = """
    def test_price(healing):
        assert price("tea") == "default"
        assert healing.drain() == 1
        assert price("tea") == "7"
        healing.clock.advance(61)
        assert price.lookup("tea").freshness.value == "stale"
        healing.executor.drop_next()

    def test_each_test_starts_with_no_entry(healing):
        assert price("tea") == "default"
    """
    assert outcomes(pytester, test) == {"passed": 2}


def test_a_cache_of_ones_own_is_put_under_control_too(pytester: pytest.Pytester) -> None:
    test = """
    def test_own(healing_of):
        from oob_heal import HealingCache
        from oob_heal.backends.memory import MemoryBackend
        cache = HealingCache(ttl=5)
        @cache(default=0, name="application.stock", backend=MemoryBackend())
        def stock(article):
            return 3
        healing = healing_of(cache)
        assert stock("tea") == 0
        healing.drain()
        assert stock("tea") == 3
    """
    assert outcomes(pytester, test) == {"passed": 1}


UNDRAINED = """
    {marker}
    def test_forgets(healing):
        price("tea")
"""


def test_a_heal_never_drained_fails_the_test_where_asked_to(pytester: pytest.Pytester) -> None:
    marker = '@pytest.mark.oob_heal(undrained="fail")'
    assert outcomes(pytester, UNDRAINED.format(marker=marker)) == {"passed": 1, "errors": 1}


def test_the_settings_ask_for_all_tests(pytester: pytest.Pytester) -> None:
    ask = ("-o", "oob_heal_undrained=fail")
    assert outcomes(pytester, UNDRAINED.format(marker=""), *ask) == {"passed": 1, "errors": 1}


def test_a_heal_never_drained_is_ignored_unless_asked_for(pytester: pytest.Pytester) -> None:
    assert outcomes(pytester, UNDRAINED.format(marker="")) == {"passed": 1}
