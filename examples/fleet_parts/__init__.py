"""The parts of `examples/08_fleet.py`, in the order in which they are worth reading.

app         what one web worker runs: the code that the example is about
dependency  what all workers heal from, and who called it when
plan        what happens when: phases, arrivals, limits, seeds
processes   the processes of a run: started here, ended here, by their pids
run         one run: the processes, the load, and the Valkey that is killed
load        the open-loop load, and what each request came to
progress    what one sees while it runs
figures     from what each request came to, to the tables and the verdict

The HTTP server of the dependency and a few words more are those of `outage_parts`.
"""
