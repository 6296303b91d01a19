"""The parts of `examples/09_taskiq.py` and `examples/10_celery.py`; start with `shop.py`.

command     what the two files run
shop        what the service and its workers share: the one decorated function, on an engine
service     the web service: reads the cache, and nothing else
dependency  what heals call: airports over HTTP, slow enough to be killed in the middle of
plan        what happens when
run         the processes, the load, and the kill
figures     the table, and what had to hold
"""
