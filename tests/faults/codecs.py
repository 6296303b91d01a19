"""Faults by which bytes would run code, come back changed, or show what they hold."""

from tests.faults._plant import Fault


def fault(hazard: str, file: str, before: str, after: str, *tests: str) -> Fault:
    """A fault that these tests, named below ``tests/test_``, must notice."""
    return Fault(hazard, file, before, after, tuple(f"tests/test_{test}" for test in tests))


HOSTILE = "codecs_hostile.py::test_hostile_payloads_are_a_miss_and_run_nothing"
BOUND = "codecs_signed.py::test_what_was_signed_for_one_entry_is_no_others_nor_made_younger"
DAMAGED = "codecs_hostile.py::test_damaged_bytes_are_a_miss"
ODD = "codecs_broken.py::test_whatever_a_codec_raises_on_reading_is_a_miss_counted_and_told"
UNFAITHFUL = "codecs.py::test_msgpack_refuses_what_would_come_back_changed"
MODELS = "codecs.py::test_a_pydantic_codec_refuses_what_would_come_back_changed"
ANNOTATION = (
    "codecs_chosen.py::test_an_annotation_that_does_not_say_enough_is_refused_with_the_ways_out"
)
SIDE_BY_SIDE = "codecs_shapes.py::test_releases_of_different_shapes_live_side_by_side"
WRITES = "golden.py::test_this_release_writes_what_its_golden_file_says"

FAULTS = [
    fault(
        "H04 the signature of a pickle is not asked for",
        "codecs/pickle.py",
        "if version != _VERSION or not any(signed):",
        "if version != _VERSION:",
        HOSTILE,
    ),
    fault(
        "H04 a signature does not cover the entry",
        "codecs/pickle.py",
        "    mac.update(about)\n",
        "",
        BOUND,
    ),
    fault(
        "H04 a signature does not cover the date",
        "_envelope.py",
        "_key_digest(key), dated, spread, 0)",
        "_key_digest(key), 0.0, spread, 0)",
        BOUND,
    ),
    fault(
        "H04 only the newest key verifies",
        "codecs/pickle.py",
        "for mac in self._macs\n        ]",
        "for mac in self._macs[:1]\n        ]",
        "codecs_signed.py::test_keys_are_rotated_without_losing_an_entry",
    ),
    fault(
        "H04 what a codec raises reaches the caller",
        "_shelf.py",
        "except Exception:  # MemoryError",
        "except CodecError:  # MemoryError",
        ODD,
    ),
    fault(
        "H04 bytes that cannot be read are told to nobody",
        "_shelf.py",
        "        self._odd()\n",
        "",
        ODD,
    ),
    fault(
        "H04 damaged bytes get past the checksum",
        "_envelope.py",
        "        and data[_HEAD.size : _SIZE] == _checksum(head, payload)\n",
        "",
        DAMAGED,
    ),
    fault(
        "H04 a model imports what it reads",
        "codecs/pydantic.py",
        "if pydantic.ImportString in shape.leaves or any(map(_imports, shape.marks)):",
        "if False:",
        "codecs.py::test_a_model_that_would_import_what_it_reads_is_refused",
    ),
    fault(
        "a value is changed without a word",
        "codecs/msgpack.py",
        "difference = first_difference(value, self._decoder.decode(data))",
        'difference = ""',
        UNFAITHFUL,
        "codecs_chosen.py::"
        "test_a_value_that_does_not_fit_is_a_failed_heal_with_advice_and_nothing_is_stored",
    ),
    fault(
        "a model is changed without a word",
        "codecs/pydantic.py",
        "difference = first_difference(value, self._adapter.validate_json(data))",
        'difference = ""',
        MODELS,
    ),
    fault(
        "equal is enough, whatever the type",
        "codecs/_same.py",
        "    if cls is not other:\n",
        "    if cls is not other and sent != back:\n",
        UNFAITHFUL,
    ),
    fault(
        "JSON makes a list of a tuple",
        "codecs/json.py",
        "elif cls is list:",
        "elif cls in (list, tuple):",
        "codecs.py::test_json_refuses_what_json_would_change",
    ),
    fault(
        "a shared backend takes a function that says nothing",
        "codecs/_shape.py",
        "if hint is Any or hint is object or isinstance(hint, _VARIABLES):",
        "if hint is None:",
        ANNOTATION,
    ),
    fault(
        "H36 an error shows a value that msgspec names",
        "codecs/msgpack.py",
        "return said if said.startswith(_HARMLESS) else type(error).__name__",
        "return said or type(error).__name__",
        UNFAITHFUL,
    ),
    fault(
        "H36 an error shows a value that pydantic names",
        "codecs/pydantic.py",
        'difference = f"$: {type(error).__name__}"',
        'difference = f"$: {error}"',
        MODELS,
    ),
    fault(
        "H36 an error shows the key of a dict",
        "codecs/_same.py",
        'yield "[...]", mine[1], theirs[1]',
        'yield f"[{mine[0]!r}]", mine[1], theirs[1]',
        UNFAITHFUL,
    ),
    fault(
        "H39 a scope says nothing of the shape",
        "_wiring.py",
        "        shape.append(returned(fn))\n",
        "        pass\n",
        SIDE_BY_SIDE,
    ),
    fault(
        "H39 a shape ends at the first class",
        "codecs/_shape.py",
        'self.defined[what] = f"{name}: {told()}"',
        "self.defined[what] = name",
        SIDE_BY_SIDE,
    ),
    fault(
        "H39 parameter names are no part of the shape",
        "_wiring.py",
        'shape = [*inspect.signature(fn).parameters, "=", str(codec.fingerprint)]',
        "shape = [str(codec.fingerprint)]",
        SIDE_BY_SIDE,
    ),
    fault(
        "H39 the envelope changes its layout under an old version",
        "_envelope.py",
        'struct.Struct(">4sBB16sddI")',
        'struct.Struct("<4sBB16sddI")',
        WRITES,
        "golden.py::test_the_entries_of_every_release_are_read_whole",
    ),
    fault(
        "H39 an event of another version is taken",
        "_message.py",
        'if fields["oob"] != VERSION:',
        "if False:",
        "golden.py::test_an_event_of_another_version_is_set_aside",
    ),
]
