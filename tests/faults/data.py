"""Faults by which an answer would be wrong, too old, or somebody else's."""

from tests.faults._plant import Fault


def fault(hazard: str, file: str, before: str, after: str, *tests: str) -> Fault:
    """A fault that these tests, named below ``tests/test_``, must notice."""
    return Fault(hazard, file, before, after, tuple(f"tests/test_{test}" for test in tests))


WRITES_WIN = "orders.py::test_a_write_during_two_heals_of_a_stale_key_wins_in_every_order"
DROPS_WIN = "orders.py::test_a_drop_wins_over_older_heals_and_loses_to_newer_writes_in_every_order"
DAMAGED = "damaged_entries.py::test_"

FAULTS = [
    fault(
        "H07 the fence is dropped",
        "backends/_leased.py",
        "if not self._leases.holds(lease):",
        "if False:",
        WRITES_WIN,
    ),
    fault(
        "H06 H07 a drop is not fenced",
        "backends/_leased.py",
        "if not self._leases.holds(lease):",
        "if entry is not None and not self._leases.holds(lease):",
        DROPS_WIN,
        "drops.py::test_a_drop_older_than_a_write_removes_nothing",
    ),
    fault(
        "H07 set voids no lease",
        "backends/_leased.py",
        "self._leases.void(key, reset=True)",
        "pass",
        f"{WRITES_WIN}[memory-set]",
    ),
    fault(
        "H07 invalidating an absent key voids no lease",
        "backends/_leased.py",
        "            self._leases.void(key)\n            _let_go = self._drop(key)",
        "            if self.get(key) is not None:\n                self._leases.void(key)\n"
        "            _let_go = self._drop(key)",
        "orders.py::test_invalidating_an_absent_key_under_two_heals_counts_in_every_order",
    ),
    fault(
        "H07 marking stale voids no lease",
        "backends/_leased.py",
        "            self._leases.void(key)\n            self._mark(key)",
        "            self._mark(key)",
        f"{WRITES_WIN}[store-mark_stale]",
    ),
    fault(
        "H07 clearing voids no lease",
        "backends/_leased.py",
        "self._leases.void_all(lambda key: self._in_scope(key, scope))",
        "pass",
        f"{WRITES_WIN}[memory-cache_clear]",
    ),
    fault(
        "H06 an error of this library counts as an answer",
        "_decide.py",
        " and not isinstance(error, OobHealError)",
        "",
        "drops.py::test_an_error_of_this_library_is_never_an_answer",
    ),
    fault(
        "H06 a drop has no quiet time",
        "backends/_leased.py",
        "self._leases.commit(lease, self.now() + keep_for)",
        "self._leases.commit(lease)",
        "drops.py::test_a_dropped_key_is_not_asked_for_again_before_the_smaller_of_ttl_and_maximum",
    ),
    fault(
        "H06 a drop is a failure like any other",
        "_decide.py",
        "return isinstance(error, policy.drop_on)",
        "return False and isinstance(error, policy.drop_on)",
        "drops.py::test_what_the_dependency_says_is_gone_is_absent_for_the_next_read",
    ),
    fault(
        "H06 what succeeded before the drop brings the entry back",
        "backends/_leased.py",
        "if not self._leases.holds(lease):",
        "if entry is None and not self._leases.holds(lease):",
        "drops.py::test_a_success_older_than_the_drop_cannot_bring_the_entry_back",
    ),
    fault(
        "H07 age counts from the commit",
        "_heal.py",
        "entry = core.new_entry(value, lease.granted_at)",
        "entry = core.new_entry(value, now)",
        "rules.py::test_age_counts_from_the_start_of_the_heal_and_from_the_write_for_set",
    ),
    fault(
        "H08 the default is stored when a heal fails",
        "_heal.py",
        "    late = _decide.ran_out(lease, core.shelf.now(), core.policy)\n",
        "    late = False\n"
        "    if core.default is not None:\n"
        "        return (yield from _commit(core, lease, core.default()))\n",
        "values.py::test_a_default_is_never_stored",
    ),
    fault(
        "H08 one function's default becomes another's data",
        "_decide.py",
        "if has_default and not in_heal else",
        "if has_default else",
        "nested_heals.py::test_one_functions_default_never_becomes_anothers_data",
    ),
    fault(
        "H08 a heal marks its entry before it calls",
        "_heal.py",
        "        held(granted)\n        return (yield from under_lease(subject, granted, permit))",
        '        held(granted)\n        yield Ask("mark_stale", (subject.key,))\n'
        "        return (yield from under_lease(subject, granted, permit))",
        "values.py::test_ten_thousand_reads_and_the_leases_that_they_lead_to_write_no_value",
    ),
    fault(
        "H02 the function runs in the context of whoever drives its heal",
        "_drivers.py",
        "context = contextvars.Context()",
        "context = contextvars.copy_context()",
        "tenants.py",
    ),
    fault(
        "H02 a task inherits the context of the request",
        "executors/tasks.py",
        "asyncio.Task(steps, loop=loop, context=contextvars.Context())",
        "asyncio.Task(steps, loop=loop)",
        "tenants.py::test_no_tenant_crosses_over_on_tasks",
    ),
    fault(
        "H09 jitter moves the hard limit",
        "_decide.py",
        "return entry.dated + policy.ttl + policy.max_stale",
        "return fresh_until(entry, policy) + policy.max_stale",
        "rules.py::test_jitter_shortens_freshness_by_up_to_its_share_and_never_moves_the_hard_limit",
    ),
    fault(
        "H09 an entry is served at its hard limit",
        "_decide.py",
        "elif now < servable_until(entry, policy):",
        "elif now <= servable_until(entry, policy):",
        "age.py::test_while_a_heal_hangs_nothing_is_served_beyond_its_limit",
        "rules.py::test_both_edges_are_exact_without_jitter",
    ),
    fault(
        "H09 what cannot be healed is served for ever",
        "_decide.py",
        "    else:\n        freshness, reason = AS_EXPIRED\n",
        "    else:\n        freshness, reason = AS_STALE\n",
        "age.py::test_while_a_heal_hangs_nothing_is_served_beyond_its_limit",
    ),
    fault(
        "an entry is fresh at its ttl",
        "_decide.py",
        "    if now < fresh_until(entry, policy):",
        "    if now <= fresh_until(entry, policy):",
        "rules.py::test_both_edges_are_exact_without_jitter",
    ),
    fault(
        "jitter applies where nothing may be stale",
        "_decide.py",
        "if math.isinf(policy.ttl) or policy.max_stale == 0:",
        "if math.isinf(policy.ttl):",
        "rules.py::test_without_max_stale_nothing_stale_is_ever_served_and_jitter_does_nothing",
    ),
    fault(
        "each reader draws its own jitter",
        "_shelf.py",
        "Entry(value, sealed.dated, sealed.marked_stale, sealed.spread)",
        "Entry(value, sealed.dated, sealed.marked_stale, hash(str(id(self))) % 997 / 997)",
        "rules.py::test_two_processes_agree_on_what_jitter_did",
    ),
    fault(
        "H15 a heal slower than the ttl is thrown away",
        "_decide.py",
        "return now - lease.granted_at < policy.ttl + policy.max_stale",
        "return now - lease.granted_at < policy.ttl",
        "age.py::test_a_heal_three_times_slower_than_the_ttl_lands_every_time",
    ),
    fault(
        "H32 None is no value",
        "_decide.py",
        '    """The table above, as a verdict."""\n    if entry is None:',
        '    """The table above, as a verdict."""\n    if entry is None or entry.value is None:',
        "values.py::test_a_value_that_is_falsy_is_a_value",
    ),
    fault(
        "H32 an exception is stored as a value",
        "_heal.py",
        "        return (yield from _failed(core, lease, error, permit))\n    nothing_for",
        "        return (yield from _commit(core, lease, error))\n    nothing_for",
        "values.py::test_an_exception_is_never_cached",
    ),
    fault(
        "H10 copy= copies on writing only",
        "_read.py",
        "value = None if entry is None else core.copied(entry.value)",
        "value = None if entry is None else entry.value",
        "values.py::test_with_copy_no_one_can_change_what_another_reads",
    ),
    fault(
        "H10 copy= copies on reading only",
        "_core.py",
        "return Entry(self.copied(value), dated, False, self.parts.random())",
        "return Entry(value, dated, False, self.parts.random())",
        "values.py::test_with_copy_no_one_can_change_what_another_reads",
    ),
    fault(
        "H10 a default is shared though copy= is given",
        "_terms.py",
        "return self._value if self._copy is None else self._copy(self._value)",
        "return self._value",
        "values.py::test_a_default_is_shared_unless_it_is_copied_or_made",
    ),
    fault(
        "H01 the type is not in the key",
        "_encoding.py",
        "return (cls, kind.token(value))",
        "return kind.token(value)",
        "values.py::test_calls_share_an_entry_only_if_their_arguments_are_equal_in_type_too",
    ),
    fault(
        "H18 a backend that cannot be read counts as empty, and publishes",
        "_read.py",
        "        entry = core.read(key)\n        now = core.shelf.now()\n"
        "    except Exception as error:\n        return _unreadable(core, error).value",
        "        entry = core.read(key)\n        now = core.shelf.now()\n"
        "    except Exception:\n        entry, now = None, core.shelf.now()",
        "rules.py::test_a_backend_that_cannot_be_read_answers_as_with_none_and_publishes_nothing",
    ),
    fault(
        "H04 the checksum is not verified",
        "_envelope.py",
        "        and data[_HEAD.size : _SIZE] == _checksum(head, payload)\n",
        "",
        f"{DAMAGED}every_flipped_bit_is_a_miss_and_the_stale_mark_alone_is_a_mark",
    ),
    fault(
        "H03 H04 another key's bytes are believed",
        "_envelope.py",
        "        and digest == _key_digest(key)\n",
        "",
        f"{DAMAGED}another_keys_bytes_are_a_miss",
    ),
    fault(
        "H04 H39 another version is read as this one",
        "_envelope.py",
        "        and version == VERSION\n",
        "",
        f"{DAMAGED}another_version_or_magic_is_a_miss_however_well_it_is_sealed",
    ),
    fault(
        "H04 the length is not verified",
        "_envelope.py",
        "        and size == len(payload)\n",
        "",
        f"{DAMAGED}a_length_that_lies_is_a_miss_even_under_a_checksum_of_its_own",
    ),
    fault(
        "H04 bytes too short are unpacked",
        "_envelope.py",
        "not _SIZE <= len(data) <= _SIZE + LARGEST",
        "len(data) > _SIZE + LARGEST",
        f"{DAMAGED}every_truncation_is_a_miss",
    ),
    fault(
        "H04 odd facts are believed",
        "_envelope.py",
        "if not sound or not math.isfinite(dated) or not 0 <= spread < 1:",
        "if not sound:",
        f"{DAMAGED}a_sound_envelope_of_odd_facts_or_of_no_json_is_a_miss",
    ),
    fault(
        "H04 what does not decode counts as a backend that failed, and is never healed",
        "_shelf.py",
        "            except Exception:  # MemoryError and RecursionError among them\n"
        "                pass\n",
        "            except Exception:\n                raise\n",
        f"{DAMAGED}a_sound_envelope_of_odd_facts_or_of_no_json_is_a_miss",
    ),
]
