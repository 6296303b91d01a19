"""The parts of `examples/outage.py`, in the order in which they are worth reading.

services    the three architectures: the code that the example is about
dependency  what all three depend on, and what gets slow and dies
servers     the HTTP server that both stand on
plan        what happens when: phases, arrivals, limits, seeds
children    the processes of a run: started here, ended here, by their pids
load        the open-loop load, and what each request came to
run         one run: the processes, the phases and the load together
figures     from what each request came to, to the table and the verdict
picture     the timeline as a picture

Imports run downwards in this list's reverse: `plan` and `servers` know nobody.
"""
