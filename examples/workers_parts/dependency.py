"""What workers heal from: the airports of the world, by IATA code, over HTTP.

Each call is written to a file as it begins and as it ends: `TIME began|ended PID CODE`, so that
the run can see which worker is inside which call, and kill it there.

`python -m workers_parts.dependency PORT CALL_LOG SLOWNESS` serves it until it is ended.
"""

import os
import sys
import time

import airportsdata

from outage_parts.servers import Answer, ThreadedServer


def main() -> None:
    """Serve the airports."""
    port, call_log, slowness = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    airports = airportsdata.load("IATA")
    log = os.open(call_log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(what: str, caller: str) -> None:
        # One write of one line to a file opened for appending: whole, whatever the threads do.
        os.write(log, f"{time.time():.6f} {what} {caller}\n".encode())

    def answer(path: str, caller: str) -> Answer:
        note("began", caller)
        time.sleep(slowness)
        record = airports.get(path.removeprefix("/airports/"))
        note("ended", caller)
        if record is None:
            return 404, {"error": "no such airport"}
        return 200, {name: record[name] for name in ("iata", "name", "city", "country")}

    ThreadedServer(port, answer).serve_forever()


if __name__ == "__main__":
    main()
