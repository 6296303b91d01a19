"""All faults at once, for minutes: ``python -m tests.soak --minutes 30 --output soak-results``.

Law: nothing is judged while it runs. Processes record what they asked, answered and called; one
who was not there judges the history afterwards. One clock, which all processes of a machine
share: ``time.monotonic``. What is random is drawn from a seed, which is printed.
"""
