"""Faults in what a fleet over one store rests on: TLS, and what a writer is told."""

from tests.faults._plant import Fault

TLS = "tests/redis/test_tls.py::"
LINK = "backends/_redis_link.py"

CODECS = "tests/test_codecs.py::"

FAULTS = [
    Fault(
        "H43 a deadline that no socket can count fails every call",
        "backends/redis.py",
        'min(seconds("deadline", deadline), LONGEST_DEADLINE)',
        'seconds("deadline", deadline)',
        ("tests/redis/test_backend.py::test_a_deadline_beyond_all_measure_is_a_long_one",),
    ),
    Fault(
        "a read costs more than a bare GET: it asks three times",
        "backends/redis.py",
        "        return read(pool, pool.exchange(get_command(tag, epoch), until))",
        "        pool.exchange(get_command(tag, epoch), until)\n"
        "        pool.exchange(get_command(tag, epoch), until)\n"
        "        return read(pool, pool.exchange(get_command(tag, epoch), until))",
        ("tests/redis/test_hit.py::test_a_read_is_one_command_and_nothing_else",),
    ),
    Fault(
        "H18 a slot that moved is asked for where it was",
        "backends/_redis_verbs.py",
        'if reply.code in ("MOVED", "ASK", "READONLY"):',
        'if reply.code in ("READONLY",):',
        (
            "tests/redis/test_many_servers.py::test_a_slot_that_moves_to_another_server_is_found_there",
        ),
    ),
    Fault(
        "an int where the annotation says float is refused without a way out",
        "codecs/msgpack.py",
        "ways = _WAYS.get(how, ",
        "ways = {}.get(how, ",
        (f"{CODECS}test_the_error_says_what_to_write_instead",),
    ),
    Fault(
        "H18 over TLS an async caller takes a reply that is not here yet for a failure",
        LINK,
        "_WAITS = (BlockingIOError, ssl.SSLWantReadError)",
        "_WAITS = (BlockingIOError,)",
        (f"{TLS}test_both_colours_read_and_write_over_tls",),
    ),
    Fault(
        "H18 over TLS an async caller takes a full buffer for a failure",
        LINK,
        "_WAITS_TO_WRITE = (BlockingIOError, ssl.SSLWantWriteError)",
        "_WAITS_TO_WRITE = (BlockingIOError,)",
        (f"{TLS}test_an_entry_larger_than_the_sockets_buffer_is_written_over_tls",),
    ),
    Fault(
        "H18 what TLS says by itself is taken for a connection that is out of step",
        LINK,
        "        if not self.used:\n            return True  # TLS may still",
        "        if False:\n            return True  # TLS may still",
        (f"{TLS}test_what_tls_says_before_the_first_reply_is_not_taken_for_one",),
    ),
    Fault(
        "H28 a clear forgets which lease it voided",
        "backends/_redis_lua.py",
        "if cleared then save() end",
        "",
        ("tests/redis/test_clears.py",),
    ),
    Fault(
        "H28 a clear hides a crash",
        "backends/_redis_lua.py",
        "    if past['until'] * 1000 > epoch then past.out = '' end",
        "    past.out = ''",
        ("tests/redis/test_clears.py",),
    ),
]
