"""Faults in what helps a newcomer: the doctor, the frameworks, a cache that is opened again."""

from tests.faults._plant import Fault

DOCTOR, FRAMEWORKS = "tests/test_doctor.py::", "tests/test_frameworks.py::"
SENDS = "tests/test_sends.py::"
WRONG = DOCTOR + "test_what_looks_wrong_is_told_with_what_to_do"
RIGHT = DOCTOR + "test_what_is_just_right_is_left_alone"
METHODS = DOCTOR + "test_a_method_whose_instances_are_mixed_up_is_told"
REPORT = DOCTOR + "test_the_report_names_settings_and_no_values"
COMMAND = DOCTOR + "test_the_command_prints_what_is_configured_and_what_looks_wrong"
REOPENED = FRAMEWORKS + "test_a_cache_that_is_entered_again_takes_heals_again"

FAULTS = [
    Fault(
        "H12 a sync send is called beside a running loop, where Django's tasks refuse",
        "executors/_outbox.py",
        "    asyncio._set_running_loop(None)",
        "    pass",
        (SENDS + "test_a_sync_send_meets_no_running_loop_and_an_async_one_runs_in_it",),
    ),
    Fault(
        "doctor: a heal that may outlive every value goes unnoticed",
        "_doctor.py",
        "if longest >= limit:",
        "if longest > 2 * limit:",
        (WRONG,),
    ),
    Fault(
        "doctor: a heal as long as the ttl is called wrong",
        "_doctor.py",
        "elif longest > policy.ttl:",
        "elif longest >= policy.ttl:",
        (RIGHT,),
    ),
    Fault(
        "doctor: a default made anew for each call is called shared",
        "_doctor.py",
        "if first is second and _is_mutable(first):",
        "if _is_mutable(first):",
        (RIGHT,),
    ),
    Fault(
        "doctor: a mutable dataclass passes for a frozen one",
        "_doctor.py",
        "return not type(value).__dataclass_params__.frozen",
        "return False",
        (WRONG,),
    ),
    Fault(
        "doctor: a key that forgets the instance goes unnoticed",
        "_doctor.py",
        "elif core.keys.key is not None and not _looks_at_first(core.keys.key):",
        "elif False:",
        (METHODS,),
    ),
    Fault(
        "doctor: a method that does not look at its instance is called wrong",
        "_doctor.py",
        "    if not _looks_at_first(core.fn):\n        return",
        "    if False:\n        return",
        (METHODS,),
    ),
    Fault(
        "doctor: the default configuration is called wrong",
        "_doctor.py",
        "if chosen and share is not None",
        "if share is not None",
        (DOCTOR + "test_what_is_well_configured_is_left_alone",),
    ),
    Fault(
        "H36 doctor: the report shows the default",
        "_doctor.py",
        'return f"of type {type(default()).__name__}"',
        'return f"{default()!r} of type {type(default()).__name__}"',
        (REPORT,),
    ),
    Fault(
        "doctor: a module that breaks while it is imported looks like one that is set up badly",
        "__main__.py",
        "    except (Exception, SystemExit) as error:",
        "    except (ImportError, AttributeError, TypeError) as error:",
        (DOCTOR + "test_what_cannot_be_looked_at_ends_with_2_and_says_why",),
    ),
    Fault(
        "doctor: --strict says that all is well",
        "__main__.py",
        "return 1 if options.strict and any(each.wrong for each in checked) else 0",
        "return 0",
        (COMMAND,),
    ),
    Fault(
        "frameworks: a cache that is opened again stays closed",
        "_register.py",
        "if self._parts.closed:\n            closed,",
        "if False:\n            closed,",
        (REOPENED, FRAMEWORKS + "test_an_async_cache_is_opened_again_in_another_loop"),
    ),
    Fault(
        "frameworks: a cache that is opened again heals on its closed pool",
        "_register.py",
        "if core.executor is closed:",
        "if False:",
        (REOPENED,),
    ),
    Fault(
        "frameworks: opening a cache again takes a user's executor away",
        "_register.py",
        "if core.executor is closed:",
        "if True:",
        (FRAMEWORKS + "test_what_a_user_handed_in_stays_the_users_to_close_and_to_open",),
    ),
    Fault(
        "H44 frameworks: a heal leaves its database connection open",
        "frameworks/django.py",
        "    finally:\n        close_old_connections()",
        "    finally:\n        pass",
        (
            FRAMEWORKS
            + "test_django_has_a_cache_from_its_settings_whose_heals_close_their_connections",
        ),
    ),
]
