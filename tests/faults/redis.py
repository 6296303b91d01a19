"""Faults in RedisBackend: its deadline, its connections, its scripts, its clock."""

from tests.faults._plant import Fault


def fault(hazard: str, file: str, before: str, after: str, *tests: str) -> Fault:
    """A fault that these tests, named below ``tests/redis/test_``, must notice."""
    where = f"backends/{file}.py"
    return Fault(hazard, where, before, after, tuple(f"tests/redis/test_{test}" for test in tests))


DEADLINE = "deadline.py::test_a_call_ends_in_time_then_at_once_and_then_finds_the_server_again"

FAULTS = [
    fault(
        "H03 a connection whose caller was cancelled is used again",
        "_redis_pool",
        "        self.lose(link)\n        if not isinstance(error, FAILURES):  # its caller",
        "        self.give(link)\n        if not isinstance(error, FAILURES):  # its caller",
        "step.py::test_two_thousand_cancelled_callers_leave_no_foreign_reply",
    ),
    fault(
        "H03 a connection that missed its deadline is used again",
        "_redis_pool",
        "        self.lose(link)\n        if not isinstance(error, FAILURES):  # its caller",
        "        self.give(link)\n        if not isinstance(error, FAILURES):  # its caller",
        "step.py::test_callers_that_ran_out_of_time_leave_no_foreign_reply",
    ),
    fault(
        "H18 each read has the whole deadline: a drip goes on",
        "_redis_link",
        "            if left <= 0:\n"
        '                raise TimeoutError("the reply was not whole in time")\n'
        "            sock.settimeout(left)",
        "            sock.settimeout(0.05)",
        f"{DEADLINE}[drip-sync]",
    ),
    fault(
        "H18 the async colour waits without an end",
        "_redis_link",
        "with anyio.move_on_after(until - time.monotonic()):",
        "with anyio.move_on_after(None):",
        f"{DEADLINE}[hole-async]",
    ),
    fault(
        "H18 no breaker: every caller waits out its deadline",
        "_redis_pool",
        "        self.suspicions += 1\n        self.away(trouble)",
        "        self.suspicions += 1",
        DEADLINE,
    ),
    fault(
        "H18 a server that was away is never looked for again",
        "_redis_rounds",
        "pause = REFRESH if well else self._probe",
        "pause = REFRESH if well else 60.0",
        "faults.py::test_callers_have_their_answer_while_redis_is[killed]",
    ),
    fault(
        "H18 servers of a cluster that swallow everything hold up the visits to the others",
        "_redis_rounds",
        "            if lost >= REFRESH:",
        "            if False:",
        "rounds.py::test_a_well_server_is_visited_in_time_however_many_others_swallow_everything",
        "rounds.py::test_a_clear_on_a_well_server_is_heard_while_others_swallow_everything",
    ),
    fault(
        "H18 servers of a cluster that are known to swallow everything are visited first",
        "_redis_rounds",
        "sorted(self.pools.items(), key=_there_first)",
        "self.pools.items()",
        "rounds.py::test_belief_in_a_well_server_never_lapses_while_others_swallow_everything",
    ),
    fault(
        "H18 who waits for a well server is told when all were visited",
        "_redis_rounds",
        "        finally:\n            self.news.wake()",
        "        finally:\n            pass",
        "rounds.py::test_who_waits_for_a_well_server_is_told_before_another_is_visited",
    ),
    fault(
        "H18 the first caller looks the name up itself",
        "_redis_keeper",
        "        pool.check(now)\n        if epoch is None:",
        "        pool.check(now)\n        self._hear('', pool)\n        if epoch is None:",
        "backend.py::test_a_name_look_up_that_hangs_holds_no_caller_up",
    ),
    fault(
        "H18 a server that closed an idle connection is an error to the caller",
        "_redis_pool",
        "stale = link.used and",
        "stale = False and",
        "backend.py::test_a_restart_between_two_reads_is_nobodys_error",
    ),
    fault(
        "H18 a server that forgot the scripts is an error to the caller",
        "_redis_verbs",
        'reply.code == "NOSCRIPT"',
        'reply.code == "NO"',
        "deadline.py::test_forgotten_scripts_are_taught_again_in_the_same_call",
    ),
    fault(
        "H18 a key of another type never heals",
        "_redis_verbs",
        'reply.code == "WRONGTYPE"',
        'reply.code == "NO"',
        "deadline.py::test_a_key_of_another_type_is_absent_and_heals",
    ),
    fault(
        "H18 being busy is taken for the server's fault",
        "_redis_pool",
        'raise AwayError("no connection to redis was free in time")',
        'self.suspect("busy")\n            raise AwayError("no connection to redis was free")',
        "loops_and_forks.py::test_two_deadlines_of_waiting_are_one",
    ),
    fault(
        "H18 a commit is lost to a server that blinks",
        "_redis_keeper",
        "self.back if patient else self.known, scope)\n        return in_time(look() or self",
        "self.known, scope)\n        return in_time(look() or self",
        "deadline.py::test_a_commit_waits_for_a_server_that_blinks",
    ),
    fault(
        "H11 the time is this machine's",
        "_redis_rounds",
        "self.heard_time(sent, seconds + microseconds / 1e6, received)",
        "self.heard_time(sent, time.time(), received)",
        "backend.py::test_readers_with_any_wall_clock_agree_within_a_round_trip",
    ),
    fault(
        "H13 a lease never lapses",
        "_redis_lua",
        "local held = past.token ~= '' and now < past['until']",
        "local held = past.token ~= ''",
        "backend.py::test_a_crashed_holder_leaves_its_lease_to_lapse_and_the_attempt_is_known",
        "contract.py",
    ),
    fault(
        "H13 a grant whose reply was lost holds the key until it lapses",
        "_redis_verbs",
        "if not (granting and unasked):",
        "if not granting:",
        "deadline.py::test_no_lease_is_left_behind_by_an_answer_that_was_lost",
    ),
    fault(
        "H13 a release that did not get through is forgotten",
        "_redis_verbs",
        "if not (granting and unasked):",
        "if granting:",
        "deadline.py::test_no_lease_is_left_behind_by_an_answer_that_was_lost",
    ),
    fault(
        "H28 attempts are not counted when the lease is taken",
        "_redis_lua",
        "past.attempts = past.attempts + 1",
        "past.attempts = math.max(1, past.attempts)",
        "backend.py::test_a_crashed_holder_leaves_its_lease_to_lapse_and_the_attempt_is_known",
        "contract.py",
    ),
    fault(
        "H29 the draw that spreads entries is not the entry's",
        "../_envelope",
        "return Sealed(payload, dated, bool(mark), spread)",
        "return Sealed(payload, dated, bool(mark), 0.0)",
        "deadline.py::test_entries_of_one_moment_do_not_go_stale_at_one_moment",
    ),
    fault(
        "H42 the same commit again is told to be void",
        "_redis_lua",
        "past.committed == token and 'done' or 'void'",
        "'void'",
        "backend.py::test_the_same_words_again_do_their_work_once",
    ),
    fault(
        "H42 a grant whose reply was lost is refused to its owner",
        "_redis_lua",
        "if held and past.token == token then return granted() end",
        "",
        "backend.py::test_the_same_words_again_do_their_work_once",
    ),
    fault(
        "H07 a clear elsewhere does not void a lease",
        "_redis_lua",
        "if known and known > epoch then",
        "if false then",
        "backend.py::test_a_heal_begun_before_a_clear_elsewhere_is_refused_at_once",
    ),
    fault(
        "H07 who has not heard of a clear reads what was written over since",
        "_redis_lua",
        "for i = 4, #KEYS do",
        "for i = 4, 3 do",
        "ended_epochs.py::test_a_write_after_clears_is_seen_by_who_has_not_heard_of_them",
    ),
    fault(
        "H07 who came after a clear does not know which epoch it ended",
        "_redis_lua",
        "ended, after, count = ended .. ' ' .. old, began, count + 1",
        "after, count = began, count + 1",
        "ended_epochs.py::test_a_write_after_clears_is_seen_by_who_has_not_heard_of_them",
    ),
    fault(
        "H07 a lost epoch starts again from the first",
        "_redis_lua",
        "number = math.max(least > 0 and least + 1 or 0, milliseconds)",
        "number = 1",
        "backend.py::test_what_was_cleared_never_comes_back_when_the_epoch_is_lost",
    ),
    fault(
        "H07 what was seen is believed for ever",
        "_redis_keeper",
        "if epoch is not None and now < pool.good_until:",
        "if epoch is not None and pool.trouble is None:",
        "deadline.py::test_what_is_seen_is_believed_for_seconds_only",
    ),
    fault(
        "H07 what was heard of clears is believed from the end of the visit",
        "_redis_rounds",
        "pool.present(began + BELIEVED)",
        "pool.present(time.monotonic() + BELIEVED)",
        "rounds.py::test_what_was_heard_is_believed_from_before_it_was_asked_for",
    ),
    fault(
        "H07 the fence is dropped",
        "_redis_lua",
        "if not held or past.token ~= token then",
        "if false then",
        "model.py",
    ),
    fault(
        "an entry lives for ever",
        "_redis_lua",
        "redis.call('SET', KEYS[1], ARGV[4], 'PX', math.ceil(keep_for * 1000))",
        "redis.call('SET', KEYS[1], ARGV[4])",
        "backend.py::test_nothing_lives_for_ever",
    ),
    fault(
        "an invalidation fails for want of memory",
        "_redis_lua",
        "if save() then redis.call('DEL', KEYS[2]) end",
        "local done = save() if done then error(done) end",
        "deadline.py::test_without_memory_reads_go_on_and_an_invalidation_still_works",
    ),
    fault(
        "a read asks more than one thing",
        "_redis_verbs",
        'return b"*2\\r\\n$3\\r\\nGET\\r\\n$%d\\r\\n%s\\r\\n" % (len(key), key)',
        'return b"*4\\r\\n$5\\r\\nGETEX\\r\\n$%d\\r\\n%s\\r\\n$2\\r\\nEX\\r\\n$1\\r\\n9\\r\\n" '
        "% (len(key), key)",
        "backend.py::test_a_read_is_one_get_and_nothing_else_on_the_wire",
    ),
    fault(
        "H22 a child talks over its parent's connections",
        "_redis_keeper",
        "        _lifecycle.survives_fork(self)",
        "",
        "loops_and_forks.py::test_both_sides_of_a_fork_go_on",
    ),
    fault(
        "H19 whoever asks gets the lease",
        "_redis_lua",
        "if held and (adopt == '' or adopt ~= past.token or past.adopted ~= '') then",
        "if false then",
        "fleet.py",
    ),
    fault(
        "H36 a URL that is not understood is told in full",
        "_redis_source",
        "    except Exception:  # its words, and the one that it came from, may hold the password\n"
        "        pass\n    raise ValueError(",
        "    except Exception as error:\n        raise ValueError(url) from error\n"
        "    raise ValueError(",
        "backend.py::test_no_password_and_no_argument_shows",
    ),
    fault(
        "H36 the cause of being away is told in full",
        "_redis_source",
        "return str(error) if isinstance(error, AwayError) else type(error).__name__",
        "return str(error)",
        "backend.py::test_no_password_and_no_argument_shows",
    ),
]
