"""Faults between the miss and the worker: what travels, and on which engine."""

from tests.faults._plant import Fault


def fault(hazard: str, file: str, before: str, after: str, *tests: str) -> Fault:
    """A fault that these tests, named below ``tests/test_``, must notice."""
    return Fault(hazard, file, before, after, tuple(f"tests/test_{test}" for test in tests))


TRAVEL = [
    fault(
        "H44 what cannot travel is decorated for a queue",
        "_wiring.py",
        "        if stays_here:",
        "        if False:",
        "travel.py::test_an_annotation_that_cannot_travel_is_refused_at_decoration_by_name",
    ),
    fault(
        "H44 one member of a union that stays refuses them all",
        "_travel.py",
        "if all(told) else",
        "if any(told) else",
        "travel.py::test_what_may_travel_is_decorated",
    ),
    fault(
        "H20 a message of any size is sent",
        "_message.py",
        "    if len(message) > LARGEST:",
        "    if False:",
        "travel.py::test_an_argument_that_cannot_travel_is_named_at_publish",
    ),
    fault(
        "H02 the trace is asked for where the heal runs",
        "_publish.py",
        "        subject = subject._replace(traceparent=hub.traceparent())",
        "        pass",
        "travel.py::test_the_trace_of_the_caller_travels_with_the_event_and_stands_in_the_heal",
    ),
    fault(
        "H05 any text passes for a trace",
        "_message.py",
        "told if told is not None and _TRACEPARENT.fullmatch(told) else None",
        "told",
        "travel.py::test_the_trace_of_the_caller_travels_with_the_event_and_stands_in_the_heal",
    ),
    fault(
        "H05 any text passes for a lease's token",
        "_message.py",
        "    if len(token) > LONGEST_TOKEN or not token.isascii():",
        "    if len(token) > LONGEST_TOKEN:",
        "poison.py::test_a_token_that_no_lease_of_ours_has_is_poison",
    ),
    fault(
        "H05 a token may be as long as a message",
        "_message.py",
        "    if len(token) > LONGEST_TOKEN or not token.isascii():",
        "    if not token.isascii():",
        "poison.py::test_a_token_that_no_lease_of_ours_has_is_poison",
    ),
    fault(
        "H05 a request of the future calls each time it is delivered",
        "_heal.py",
        "        since = min(since, lease.granted_at)",
        "        pass",
        "poison.py::test_a_request_of_the_future_counts_as_one_of_now",
    ),
    fault(
        "H12 an observer that fails in the caller is the caller's trouble",
        "_hub.py",
        "            told = self._tracer()\n        except Exception:",
        "            told = self._tracer()\n        except ZeroDivisionError:",
        "travel.py::test_the_trace_of_the_caller_travels_with_the_event_and_stands_in_the_heal",
    ),
    fault(
        "H17 a send that fails counts as an attempt of the function",
        "_heal.py",
        "        yield from give_back(core, granted, 0)  # no attempt: nobody called the function",
        "        yield from give_back(core, granted, 1)",
        "queue.py::test_an_engine_that_is_away_costs_a_key_none_of_its_attempts",
    ),
]

KILLERS = [
    fault(
        "H28 a lease that waited and lapsed counts as a crash",
        "_tokens.py",
        "    return granted is not None and granted.startswith(_MARK)",
        "    return False",
        "queue.py::test_what_lapses_with_its_event_is_no_crash",
    ),
    Fault(
        "H28 a lease that waited and lapsed counts as a crash in a Redis",
        "backends/_redis_lua.py",
        "    past.out, past.attempts = '', math.max(0, past.attempts - 1) -- it waited",
        "    past.out, past.attempts = past.out, past.attempts -- it waited",
        ("tests/redis/test_contract.py",),
    ),
    Fault(
        "H13 a worker has a deadline for its first connection",
        "_worker.py",
        "        heal.core.shelf.meet()\n",
        "        pass\n",
        ("tests/redis/test_first_contact.py",),
    ),
    Fault(
        "H13 an async worker has a deadline for its first connection",
        "_worker.py",
        "        await heal.core.shelf.ameet()\n",
        "        pass\n",
        ("tests/redis/test_first_contact.py",),
    ),
    Fault(
        "H18 each message waits anew for a server that was never there",
        "backends/_redis_keeper.py",
        "(time.monotonic() if self.met else self._rung_at) + FIRST_CONTACT",
        "time.monotonic() + FIRST_CONTACT",
        ("tests/redis/test_first_contact.py",),
    ),
    fault(
        "H13 a queue slower than queue_timeout heals nothing that is read",
        "_tokens.py",
        "    return held\n",
        "    return adopt\n",
        "queue.py::test_a_key_heals_though_the_queue_is_slower_than_queue_timeout",
    ),
    fault(
        "H19 whoever brings an event takes the lease of a heal under way",
        "_tokens.py",
        " or not held.startswith(_MARK)",
        "",
        "backend_contract.py",
        "queue.py::test_a_key_heals_though_the_queue_is_slower_than_queue_timeout",
    ),
    fault(
        "H05 a message asks for a lease that anybody takes",
        "_message.py",
        "    return None if told == WAITS else told",
        "    return told",
        "queue.py::test_a_message_cannot_ask_for_a_lease_that_waits",
    ),
    Fault(
        "H13 a queue slower than queue_timeout heals nothing in a Redis",
        "backends/_redis_lua.py",
        "    adopt = past.token -- as",
        "    adopt = adopt -- as",
        ("tests/redis/test_contract.py",),
    ),
    fault(
        "H13 who was refused looks away for longer than the lease holds",
        "_decide.py",
        "return min(max(0.0, wait), QUIET_AT_MOST)",
        "return QUIET_AT_MOST if wait > 0 else 0.0",
        "queue.py::test_a_worker_that_dies_at_any_step_costs_one_lease_and_one_read",
    ),
    fault(
        "H13 a crash backs off for longer than the lease that it left",
        "_decide.py",
        "        due = lease.previous_at + retry_after(policy.backoff, lease.attempt - 1, random)",
        "        due = lease.granted_at + retry_after(policy.backoff, lease.attempt - 1, random)",
        "queue.py::test_a_worker_that_dies_at_any_step_costs_one_lease_and_one_read",
    ),
    fault(
        "H28 a key that kills its healers is tried for ever",
        "_decide.py",
        "lease.attempt > ATTEMPTS_BEFORE_QUARANTINE",
        "lease.attempt > 1_000",
        "quarantine.py",
    ),
    fault(
        "H28 a first crash is quarantine",
        "_decide.py",
        "lease.attempt > ATTEMPTS_BEFORE_QUARANTINE",
        "lease.attempt > 1",
        "quarantine.py::test_a_crash_after_fewer_attempts_backs_off_as_a_failure_does",
    ),
    fault(
        "H28 nobody is told of a quarantine",
        "_heal.py",
        "        if _decide.in_quarantine(granted):",
        "        if False:",
        "quarantine.py",
    ),
    fault(
        "H28 an event that got lost counts as a crash",
        "executors/_sent.py",
        "            await _whatever_it_raises(heal.take_back())",
        "            pass",
        "queue.py::test_events_that_get_lost_cost_their_key_no_attempts_and_no_backoff",
    ),
    fault(
        "H28 taking an event back ends its worker's lease",
        "_carried.py",
        'await self.core.shelf.aask_aside("release", self.lease, 0)',
        'await self.core.shelf.aask_aside("mark_stale", self.key)',
        "queue.py::test_the_lease_of_a_worker_is_not_taken_back_with_its_events",
    ),
]

OUTBOX = [
    fault(
        "H14 closing blocks the loop that the sends need",
        "executors/queue.py",
        "        await anyio.to_thread.run_sync(self.close, grace, abandon_on_cancel=True)",
        "        self.close(0.2)",
        "outbox.py::test_closed_without_blocking_the_loop_it_sends_what_waits",
    ),
    fault(
        "H21 the outbox is first come, first served",
        "executors/_fair.py",
        '(self.refreshes if getattr(heal, "refreshes", True) else self.unseen).append(heal)',
        "self.refreshes.append(heal)",
        "outbox.py::test_a_refresh_goes_before_the_heals_of_keys_never_seen_which_give_way",
    ),
    fault(
        "H27 what the outbox forgets dies under its lock",
        "executors/_outbox.py",
        "forgotten = self.sent.put(",
        "self.sent.put(",
        "outbox.py::test_what_the_outbox_forgets_dies_when_its_lock_is_free",
    ),
    fault(
        "H44 what was sent keeps its arguments",
        "_carried.py",
        "            self.subject = self.subject._replace(args=(), kwargs={})",
        "            pass",
        "outbox.py::test_a_heal_that_was_sent_keeps_none_of_its_arguments",
    ),
    fault(
        "H26 the publisher dies of what a backend raises",
        "executors/_sent.py",
        "    except BaseException:",
        "    except Exception:",
        "outbox.py::test_the_publisher_outlives_whatever_a_backend_raises",
    ),
    fault(
        "H14 who was put off is waited for by those behind it",
        "executors/_sent.py",
        "        heapq.heappush(self._looks, Look(now + step, next(self._order), step, heal))",
        "        self._looks.append(Look(now + step, next(self._order), step, heal))",
        "outbox.py::test_a_key_just_sent_is_looked_at_before_one_that_was_put_off",
    ),
    fault(
        "H43 a look that never comes is accepted",
        "executors/queue.py",
        'seconds("look_after", look_after)',
        "look_after",
        "outbox.py::test_a_look_that_would_never_come_or_never_end_is_refused",
    ),
]

FAULTS = [
    *TRAVEL,
    *OUTBOX,
    *KILLERS,
]
