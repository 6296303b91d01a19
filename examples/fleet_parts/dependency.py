"""What all workers heal from: the airports of the world, by IATA code, over HTTP.

The records are those of the PyPI package `airportsdata` (7,884 airports). Each call is written to
a file, a line a call: when it ended, and what `X-Caller` says of when it began and who made it.

`python -m fleet_parts.dependency PORT CALL_LOG SLOWNESS` serves it until it is ended.
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

    def answer(path: str, caller: str) -> Answer:
        record = airports.get(path.removeprefix("/airports/"))
        time.sleep(slowness)
        # One write of one line to a file opened for appending: whole, whatever the threads do.
        os.write(log, f"{time.time():.6f} {caller}\n".encode())
        if record is None:
            return 404, {"error": "no such airport"}
        return 200, {name: record[name] for name in ("iata", "name", "city", "country")}

    ThreadedServer(port, answer).serve_forever()


if __name__ == "__main__":
    main()
