"""Faults in what is to be seen: figures, promises, exporters, traces."""

from tests.faults._plant import Fault

FIGURES, PROMISE = "tests/test_figures.py::", "tests/test_staleness_promise.py::"
COUNTED = FIGURES + "test_the_figures_are_what_a_client_counted_through_an_outage"

FIGURE_FAULTS = [
    Fault(
        "H20 whatever failed is kept to be told",
        "_failing.py",
        "FIFOCache(FAILING_AT_MOST)",
        "FIFOCache(1_000_000_000)",
        ("tests/test_caches.py::test_failing_is_bounded",),
    ),
    Fault(
        "seeing: a key that nobody has tried for days still counts as failing",
        "_failing.py",
        "if each.kept_until > now]",
        "]",
        ("tests/test_caches.py::test_who_failed_a_day_ago_and_was_not_tried_since_is_forgotten",),
    ),
    Fault(
        "seeing: a stale answer claims to be younger than it was",
        "_read.py",
        "tally.stale_by_age[bisect_right(tally.age_bounds, verdict.age or 0.0)] += 1",
        "tally.stale_by_age[bisect_right(tally.age_bounds, (verdict.age or 0.0) / 2)] += 1",
        (COUNTED,),
    ),
    Fault(
        "seeing: an old answer has the age of a younger one that a table serves",
        "_tally.py",
        "        if bucket > self._hushed or now >= self._hushed_until:\n",
        "        if bucket != self._hushed:\n",
        (FIGURES + "test_no_answer_shows_younger_than_it_was_where_keys_are_of_different_ages",),
    ),
    Fault(
        "seeing: stale answers are added up while another thread gives them their age",
        "_core.py",
        "        with self.inflight.lock:  # else it may go back",
        "        if True:  # else it may go back",
        (FIGURES + "test_stale_answers_are_added_up_while_nobody_settles_them",),
    ),
    Fault(
        "seeing: a fresh answer claims to be younger than its ttl",
        "_tally.py",
        "counts[bisect_left(AGE_BOUNDS, ttl)] += fresh",
        "counts[0] += fresh",
        (COUNTED,),
    ),
    Fault(
        "seeing: an error is counted as a default",
        "_read.py",
        "    core.tally.errors += 1\n    raise CacheMissError",
        "    raise CacheMissError",
        (COUNTED,),
    ),
    Fault(
        "seeing: a default that could not be made is counted as served",
        "_read.py",
        "            core.tally.errors += 1\n            raise",
        "            raise",
        (FIGURES + "test_a_default_factory_that_raises_gave_an_error",),
    ),
    Fault(
        "seeing: the time to heal leaves out the wait in the queue",
        "_core.py",
        "self.tally.heal_ended(outcome, *times)",
        "self.tally.heal_ended(outcome, times[1], times[1])",
        (FIGURES + "test_the_time_to_heal_counts_from_the_miss_and_the_duration_from_the_lease",),
    ),
    Fault(
        "seeing: a heal is timed where it was only published",
        "_carried.py",
        "ran = self.running and self.lease is not None",
        "ran = self.lease is not None",
        (FIGURES + "test_the_worker_of_a_queue_times_the_heal_and_the_publisher_does_not",),
    ),
    Fault(
        "H36 whatever an executor says of itself is shown",
        "_look.py",
        "return {each: said[each] for each in EXECUTOR_SAYS if type(said.get(each)) is int}",
        "return dict(said)",
        (FIGURES + "test_an_executor_that_talks_nonsense_is_not_listened_to",),
    ),
]
PROMISE_FAULTS = [
    Fault(
        "seeing: a default keeps a promise on age",
        "_core.py",
        "young = hits + self.tally.young(by_age)",
        "young = hits + absent - errors + self.tally.young(by_age)",
        (PROMISE + "test_a_default_and_an_error_do_not_keep_it",),
    ),
    Fault(
        "seeing: an outage of long ago still breaks the promise",
        "_promise.py",
        "            self._samples.popleft()\n",
        "            break\n",
        (PROMISE + "test_it_is_kept_again_once_the_bad_answers_are_a_window_ago",),
    ),
    Fault(
        "seeing: nobody looks, and no sample is taken",
        "_core.py",
        "                self.window.note(self.parts.clock(), self.counts())\n",
        "                pass\n",
        (PROMISE + "test_an_old_outage_is_not_held_against_it_though_nobody_looked_meanwhile",),
    ),
    Fault(
        "seeing: a promise that cannot be judged is accepted",
        "_policy.py",
        "if promise.limit < ttl:",
        "if promise.limit < 0:",
        (PROMISE + "test_a_promise_shorter_than_the_ttl_cannot_be_judged",),
    ),
    Fault(
        "seeing: the promise is judged by a bucket that does not end at it",
        "_tally.py",
        "own = () if promise is None else (promise.limit,)",
        "own = ()",
        (PROMISE + "test_the_edge_is_exact",),
    ),
    Fault(
        "seeing: a promise is judged over less than its window",
        "_promise.py",
        "if not self._samples or now >= self.due:",
        "if True:",
        (PROMISE + "test_the_samples_of_a_window_are_bounded_and_reach_back_all_of_it",),
    ),
]

FAULTS = [*FIGURE_FAULTS, *PROMISE_FAULTS]
EXPORTERS, TRACES = "tests/test_exporters.py::", "tests/test_traces.py::"
CANARY = "tests/test_secrets_shown.py::test_a_canary_shows_in_no_metric_span_header_or_health"
LINKED = TRACES + "test_the_heal_is_a_trace_of_its_own_linked_to_the_request_that_missed"

BREAKER = "test_an_open_breaker_shows_in_figures_metrics_and_health_and_no_password_does"
EXPORTER_FAULTS = [
    Fault(
        "seeing: Prometheus reads other figures than the ledger's",
        "export/prometheus.py",
        "for f in functions for kind, n in f.answers.items()",
        "for f in functions for kind, n in f.heals.items()",
        (EXPORTERS + "test_prometheus_reads_what_the_ledger_says",),
    ),
    Fault(
        "seeing: OpenTelemetry is told of heals that did not run here only",
        "export/otel.py",
        "        if took is None:\n",
        "        if took is not None:\n",
        (EXPORTERS + "test_opentelemetry_collects_what_the_ledger_says",),
    ),
    Fault(
        "H20 every function has series of its own, however many there are",
        "export/_series.py",
        "if name not in series and len(series) >= AT_MOST:",
        "if False:",
        (EXPORTERS + "test_the_number_of_series_is_capped",),
    ),
    Fault(
        "seeing: of two functions of one name only one shows",
        "export/_series.py",
        "series[name] = both(series[name], each) if name in series else each",
        "series[name] = each",
        (EXPORTERS + "test_two_functions_of_one_name_are_one_series",),
    ),
    Fault(
        "seeing: an observer of heals alone makes every hit slow",
        "_hub.py",
        "self.listening = bool(self._hear_answers)",
        "self.listening = bool(self._mailboxes)",
        (EXPORTERS + "test_an_observer_of_heals_alone_leaves_a_hit_as_it_is",),
    ),
    Fault(
        "seeing: health does not know of an open breaker",
        "_look.py",
        '    if breaker != "closed":\n',
        "    if False:\n",
        (EXPORTERS + BREAKER,),
    ),
    Fault(
        "H36 a span says what the error said",
        "_carried.py",
        'self._end_span(type(end.error).__name__ if end.error is not None else "", attempt)',
        "self._end_span(str(end.error), attempt)",
        (TRACES + "test_a_failed_heal_says_so_by_the_type_of_its_error", CANARY),
    ),
    Fault(
        "H36 health shows what an error said",
        "_look.py",
        "error, _ = Counter(each.error for each in keys)",
        "error, _ = Counter(each.message for each in keys)",
        (CANARY, PROMISE + "test_failing_and_health_say_what_is_not_kept_and_why"),
    ),
]
TRACE_FAULTS = [
    Fault(
        "H02 the heal goes on in the trace of a request",
        "export/otel.py",
        "                context.Context(),\n",
        "",
        (TRACES + "test_a_heal_begun_in_a_request_is_no_part_of_its_trace",),
    ),
    Fault(
        "seeing: what a heal calls is in no trace",
        "_drivers.py",
        "        context.run(_enter, subject.span)\n",
        "        pass\n",
        (LINKED,),
    ),
    Fault(
        "seeing: the request's span hears of no miss",
        "_publish.py",
        "    if hub.hears_misses:\n        hub.missed(core.label, subject.reason)\n",
        "",
        (LINKED,),
    ),
    Fault(
        "seeing: a heal from a queue is linked to nothing",
        "_worker.py",
        "        traceparent=event.traceparent,\n",
        "",
        (TRACES + "test_the_link_travels_through_a_queue",),
    ),
    Fault(
        "H41 a span ends in the heal, which waits for whoever exports it",
        "_hub.py",
        "self._span_ends.put(lambda: span.end(outcome, error, attempt, at))",
        "span.end(outcome, error, attempt, at)",
        (TRACES + "test_an_exporter_that_blocks_is_waited_for_by_no_heal",),
    ),
    Fault(
        "H41 what a tracer raises as a heal begins fails it",
        "_hub.py",
        "            return self._span(function, reason, traceparent)\n        except Exception:",
        "            return self._span(function, reason, traceparent)\n        except OSError:",
        (TRACES + "test_a_tracer_that_raises_changes_no_answer_and_no_heal",),
    ),
    Fault(
        "H41 what a tracer raises in the caller reaches it",
        "_hub.py",
        "                self._note(function, reason)\n            except Exception:",
        "                self._note(function, reason)\n            except OSError:",
        (TRACES + "test_a_tracer_that_raises_changes_no_answer_and_no_heal",),
    ),
    Fault(
        "H41 what a span raises as it is entered fails the heal",
        "_drivers.py",
        "        span.enter()\n    except Exception:",
        "        span.enter()\n    except OSError:",
        (TRACES + "test_a_tracer_that_raises_changes_no_answer_and_no_heal",),
    ),
]

FAULTS += [*EXPORTER_FAULTS, *TRACE_FAULTS]
