"""What all three services depend on: the airports of the world, by IATA code, over HTTP.

The records are those of the PyPI package `airportsdata` (7,884 airports). Each answer carries
`as_of`, the time at which it was true, so that a client can tell how old what it got is.

`POST /delay/<seconds>` makes it slow. That it was called is written to a file, a line a call,
before anything else happens: it will be killed with SIGKILL, and the count has to outlive it.

`python -m outage_parts.dependency` serves it; it reads its settings from its standard input.
"""

import os
import time

import airportsdata

from outage_parts.servers import Answer, ThreadedServer, read_settings, serve_until_parent_ends


def main() -> None:
    """Serve the airports until killed."""
    settings = read_settings()
    airports = airportsdata.load("IATA")
    log = os.open(settings["call_log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    delay = 0.0

    def answer(path: str, caller: str) -> Answer:
        nonlocal delay
        kind, _, argument = path.strip("/").partition("/")
        if kind == "delay":
            delay = float(argument)
            return 200, {}
        # One write of one line to a file opened for appending: whole, whatever the threads do.
        os.write(log, f"{time.time():.3f} {caller}\n".encode())
        time.sleep(delay)
        if kind != "airports" or argument not in airports:
            return 404, {"error": "no such airport"}
        return 200, {**airports[argument], "as_of": time.time()}

    serve_until_parent_ends(ThreadedServer(settings["port"], answer))


if __name__ == "__main__":
    main()
