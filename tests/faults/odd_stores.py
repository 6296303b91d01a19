"""Faults in how stores bear odd settings, clocks and records."""

from tests.faults._plant import Fault

ODD = "tests/redis/test_odd_stores.py::test_"

FAULTS = [
    Fault(
        "H07 a short longest_keep has the epoch end by itself",
        "backends/redis.py",
        "max(2 * self.longest_keep, KEEP_EPOCHS)",
        "2 * self.longest_keep",
        ("tests/redis/test_backend.py::test_a_short_longest_keep_has_no_epoch_end_by_itself",),
    ),
    Fault(
        "H13 longest_keep cuts leases in Redis",
        "backends/_redis_verbs.py",
        "_within(lease_for, LONGEST_HELD), adopt",
        "self._kept(lease_for), adopt",
        ("tests/redis/test_backend.py::test_longest_keep_cuts_no_lease_and_no_retry_time",),
    ),
    Fault(
        "longest_keep cuts the retry time of a failed heal in Redis",
        "backends/_redis_verbs.py",
        "token, _held_back(retry_after))",
        "token, min(retry_after, self.longest_keep))",
        ("tests/redis/test_backend.py::test_longest_keep_cuts_no_lease_and_no_retry_time",),
    ),
    Fault(
        "longest_keep cuts the retry time of a drop in Redis",
        "backends/_redis_verbs.py",
        "token, _held_back(keep_for))",
        "token, min(keep_for, self.longest_keep))",
        ("tests/redis/test_backend.py::test_longest_keep_cuts_no_lease_and_no_retry_time",),
    ),
    Fault(
        "longest_keep cuts the retry time of a drop in SQLite",
        "backends/sqlite.py",
        "now + min(keep_for, LONGEST_HELD)",
        "now + self._kept(keep_for)",
        ("tests/sqlite/test_backend.py::test_longest_keep_cuts_no_retry_time_after_a_drop",),
    ),
    Fault(
        "H11 H13 a lease of a Redis whose clock was set back holds its key for as long",
        "backends/_redis_lua.py",
        "if past.written_at > now + AHEAD_AT_MOST then",
        "if false then",
        (f"{ODD}a_servers_clock_set_back_leaves_no_lease_and_no_retry_time_beyond_its_own",),
    ),
    Fault(
        "H13 a lease in Redis does not say when it was written",
        "backends/_redis_lua.py",
        "past.epoch, past.written_at = epoch, now",
        "past.epoch = epoch",
        (f"{ODD}a_servers_clock_set_back_leaves_no_lease_and_no_retry_time_beyond_its_own",),
    ),
    Fault(
        "H42 what a lease brought is forgotten when the clock of Redis is set back",
        "backends/_redis_lua.py",
        "if name ~= 'attempts' and name ~= 'committed' and",
        "if name ~= 'attempts' and",
        (f"{ODD}what_a_lease_brought_is_known_after_the_servers_clock_is_set_back",),
    ),
    Fault(
        "H13 any step of the clock of Redis voids its leases",
        "backends/_redis_lua.py",
        "if past.written_at > now + AHEAD_AT_MOST then",
        "if past.written_at > now then",
        (f"{ODD}a_servers_clock_that_is_less_than_a_second_back_voids_nothing",),
    ),
    Fault(
        "H18 an epoch of 5,000 digits ends the keeper's rounds",
        "backends/_redis_known.py",
        "if len(word) <= DIGITS and word.isdigit()",
        "if word.isdigit()",
        (f"{ODD}whatever_stands_at_its_epoch_a_scope_is_served_and_cleared",),
    ),
    Fault(
        "H07 a scope at an epoch of 400 digits cannot be cleared",
        "backends/_redis_lua.py",
        "local number = #word <= DIGITS and tonumber(word)\n"
        "    return number and number <= LAST_EPOCH and number or nil",
        "return tonumber(word)",
        (f"{ODD}whatever_stands_at_its_epoch_a_scope_is_served_and_cleared",),
    ),
    Fault(
        "H07 a number with text behind it is an epoch",
        "backends/_redis_lua.py",
        "string.match(found .. ' ', '^(%d+) ')",
        "string.match(found, '^%d+')",
        (f"{ODD}whatever_stands_at_its_epoch_a_scope_is_served_and_cleared",),
    ),
    Fault(
        "H07 news of an odd epoch are believed",
        "backends/_redis_news.py",
        'for number in epochs_in(about.encode("ascii", "replace")):',
        "for number in [int(about)]:",
        (f"{ODD}news_of_an_odd_epoch_are_none",),
    ),
    Fault(
        "H13 a lease without an end holds its key",
        "backends/_redis_lua.py",
        "if past[name] > now + LONGEST_HELD + AHEAD_AT_MOST then past[name] = 0 end",
        "",
        (f"{ODD}an_odd_record_of_a_lease_holds_no_key",),
    ),
    Fault(
        "H07 the odd epoch of a lease is believed",
        "backends/_redis_lua.py",
        "number and number > 0 and number <= LAST_EPOCH and number or 0\nend",
        "number or 0\nend",
        (f"{ODD}an_odd_record_of_a_lease_holds_no_key",),
    ),
    Fault(
        "a longest_keep that Redis cannot count is found out by each write",
        "backends/redis.py",
        "if self.longest_keep > MOST_KEEP:",
        "if False:",
        (f"{ODD}a_longest_keep_that_the_server_cannot_count_is_told_at_once",),
    ),
]
