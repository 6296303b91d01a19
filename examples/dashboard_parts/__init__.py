"""The parts of the dashboard example: the run, its history, the page and its server.

`run` starts the dependency, the service and the load of the outage example, and samples the
service's figures; `history` makes a row of each second; `pages` serves the page and the rows.
"""
