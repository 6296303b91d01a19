"""Faults in keys, scopes and results: what shares an entry, and what is a value at all."""

from tests.faults._plant import Fault

ARGUMENTS, REFUSALS = "tests/test_arguments.py::", "tests/test_refusals.py::"
KEYS, HOSTILE = "tests/test_keys.py::", "tests/test_hostile_arguments.py::"
MEMBERS, RESULTS = "tests/test_members.py::", "tests/test_results.py::"
ALL_PAIRS = KEYS + "test_no_two_of_40_000_pairs_of_arguments_share_a_key"
AGREE = KEYS + "test_keys_in_memory_and_in_bytes_agree_on_every_call"
UNLISTED = 'raise UnlistedError(f"a value of type {name_of(cls)}")'
NOT_ON_THE_LIST = HOSTILE + "test_what_is_not_on_the_list_is_refused_with_the_line_to_write"
AT_ONCE = HOSTILE + "test_hostile_and_huge_arguments_are_refused_at_once"

KEY_FAULTS = [
    Fault(
        "H01 a member that its enum does not list goes by the name of another",
        "_encoding.py",
        "    if cls._member_map_.get(name) is not value:\n",
        "    if False:\n",
        (KEYS + "test_a_member_that_its_enum_does_not_list_shares_no_key",),
    ),
    Fault(
        "H01 the order of keywords is in the key",
        "_keys.py",
        "tuple(sorted(value.items())) if by_keyword",
        "tuple(value.items()) if by_keyword",
        (KEYS + "test_keyword_order_does_not_count_and_names_do",),
    ),
    Fault(
        "H01 the type is not in the key",
        "_encoding.py",
        "return (cls, kind.token(value))",
        "return (kind.token(value),)",
        (ALL_PAIRS, KEYS + "test_f_of_1_is_f_of_a_1_is_f_of_nothing_with_default_1"),
    ),
    Fault(
        "H01 two enums with a member of one name are one",
        "_encoding.py",
        'return ["enum", name_of(cls), _enum(value)]',
        'return ["enum", "enum", _enum(value)]',
        (ALL_PAIRS,),
    ),
    Fault(
        "H01 two lone surrogates are one character in JSON",
        "_kinds.py",
        'Kind("str", _as_is, _text, _text_back)',
        'Kind("str", _as_is, _as_is, _as_is)',
        (ALL_PAIRS,),
    ),
    Fault(
        "H01 the time zone is not in the key",
        "_kinds.py",
        "return [value.replace(tzinfo=None, fold=0).isoformat(), value.fold, _zone(value)]",
        "return [value.replace(tzinfo=None, fold=0).isoformat(), value.fold, None]",
        (ALL_PAIRS, KEYS + "test_arguments_come_back_from_an_event_as_they_were"),
    ),
    Fault(
        "H01 a set is told in the order of its hashes",
        "_encoding.py",
        "return [tag, sorted(told, key=text)]",
        "return [tag, told]",
        (KEYS + "test_keys_are_the_same_in_processes_with_other_hash_seeds",),
    ),
    Fault(
        "H01 keys in bytes forget the type of floats",
        "_kinds.py",
        'float: Kind("float", _float, _float, float.fromhex)',
        'float: Kind("float", _float, lambda f: _float(abs(f)), float.fromhex)',
        (ALL_PAIRS, AGREE),
    ),
    Fault(
        "H01 the namespace is not in the scope",
        "_wiring.py",
        'namespace=options.get("namespace", ""),',
        'namespace="",',
        (KEYS + "test_functions_namespaces_and_versions_do_not_share",),
    ),
    Fault(
        "H01 the version is not in the scope",
        "_wiring.py",
        'version=options.get("version", 0),',
        "version=0,",
        (
            KEYS + "test_functions_namespaces_and_versions_do_not_share",
            MEMBERS + "test_cache_clear_clears_its_own_scope_and_no_other",
        ),
    ),
    Fault(
        "H01 two functions of one name share their entries",
        "_wiring.py",
        "    if holder is not None and not _redefined(holder.fn, core.fn):\n",
        "    if False:\n",
        (REFUSALS + "test_two_functions_of_one_name_on_one_backend_are_refused",),
    ),
    Fault(
        "H01 any function of the same file passes for one that is loaded again",
        "_wiring.py",
        "return same_file and old.__qualname__ == new.__qualname__ and",
        "return same_file and",
        (REFUSALS + "test_two_functions_of_one_name_on_one_backend_are_refused",),
    ),
    Fault(
        "H01 an ignored parameter is in the key",
        "_keys.py",
        "if each.name not in ignore",
        "if each.name",
        (KEYS + "test_ignored_parameters_do_not_count_and_reach_the_function",),
    ),
    Fault(
        "H34 a repr is the key of what is not on the list",
        "_encoding.py",
        UNLISTED,
        'return "tuple", [repr(value)]',
        (NOT_ON_THE_LIST, AT_ONCE),
    ),
    Fault(
        "H34 an id is the key of what is not on the list",
        "_encoding.py",
        UNLISTED,
        'return "tuple", [id(value)]',
        (NOT_ON_THE_LIST, AT_ONCE),
    ),
    Fault(
        "H34 a value is asked whether it is an enum",
        "_encoding.py",
        "if issubclass(cls, enum.Enum):  # isinstance would ask the value itself",
        "if isinstance(value, enum.Enum):",
        (AT_ONCE,),
    ),
    Fault(
        "H34 subclasses are taken for what they derive from",
        "_encoding.py",
        "        and cls.__dictoffset__ == 0\n",
        "",
        (NOT_ON_THE_LIST,),
    ),
    Fault(
        "H34 nesting has no limit",
        "_encoding.py",
        "        if depth > DEEPEST:\n",
        "        if depth > 10**9:\n",
        (AT_ONCE,),
    ),
    Fault(
        "H34 size has no limit",
        "_encoding.py",
        "if self.weight > HEAVIEST:",
        "if self.weight > 10**12:",
        (AT_ONCE,),
    ),
    Fault(
        "H35 a key in a store holds the function's name",
        "_keys.py",
        "return digest(_encoding.text(list(scope)))",
        "return _encoding.text(list(scope))",
        (KEYS + "test_a_key_in_a_store_is_short_ascii_without_the_users_text",),
    ),
    Fault(
        "H35 clearing a scope clears all that begin like it",
        "backends/memory.py",
        "        return self._table(scope).clear()",
        "        return [each.clear() for of, each in self._tables.items()"
        " if of.label.startswith(scope.label)]",
        (MEMBERS + "test_cache_clear_clears_its_own_scope_and_no_other",),
    ),
    Fault(
        "H35 a namespace may be any text",
        "_policy.py",
        "if not isinstance(namespace, str) or not _NAMESPACE.fullmatch(namespace):",
        "if not isinstance(namespace, str) or not _NAMESPACE.match(namespace):",
        (ARGUMENTS + "test_a_bad_argument_at_decoration_is_refused_by_name",),
    ),
]

RESULT_FAULTS = [
    Fault(
        "H33 whatever a heal brings is stored",
        "_heal.py",
        "    check_result(core.label, value)\n",
        "",
        (RESULTS + "test_a_heal_that_brings_one_fails_and_keeps_what_was_there",),
    ),
    Fault(
        "H33 whatever is set is stored",
        "_function.py",
        '    check_result(f"set() of {core.label}", value)\n',
        "",
        (RESULTS + "test_set_and_heal_now_refuse_it_by_name",),
    ),
    Fault(
        "H33 a generator is stored",
        "_results.py",
        '    ((collections.abc.Iterator, collections.abc.AsyncIterator), "an iterator"),\n',
        "",
        (RESULTS + "test_a_heal_that_brings_one_fails_and_keeps_what_was_there",),
    ),
    Fault(
        "H33 a cursor is stored",
        "_results.py",
        'if hasattr(type(value), "fetchone") and hasattr(type(value), "execute"):',
        "if False:",
        (RESULTS + "test_a_heal_that_brings_one_fails_and_keeps_what_was_there",),
    ),
    Fault(
        "H33 a value is asked for every attribute that a cursor has",
        "_results.py",
        'if hasattr(type(value), "fetchone") and hasattr(type(value), "execute"):',
        'if hasattr(value, "fetchone") and hasattr(value, "execute"):',
        (RESULTS + "test_what_only_looks_like_one_is_a_value",),
    ),
    Fault(
        "H33 a refused coroutine is left to warn",
        "_results.py",
        "        value.close()\n",
        "        pass\n",
        (RESULTS + "test_a_refused_coroutine_leaves_no_warning_that_it_was_never_awaited",),
    ),
]

FAULTS = [*KEY_FAULTS, *RESULT_FAULTS]
