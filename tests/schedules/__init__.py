"""Our own scheduler: which of several actors goes next is chosen, never left to the machine.

Law: an actor is a thread (sync) or a task (async) that stops at named points, before and after
each verb of the backend and each look at the source; one actor moves at a time. A schedule is the
list of choices, from a seed or from the search of all; either brings the same run again:
``python -m tests.schedules SCENARIO WORLD SEED``.
"""
