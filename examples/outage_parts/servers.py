"""The HTTP server of this example, on the standard library: JSON answers on the loopback only.

Two kinds: a thread a connection with keep-alive (for the dependency, whose callers pool their
connections), and a bounded pool of worker threads, one request a connection (for the services:
what `gunicorn --worker-class gthread --threads N` gives behind a load balancer).
"""

import json
import os
import socketserver
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

LOOPBACK = "127.0.0.1"

Answer = tuple[int, dict[str, Any]]
Answerer = Callable[[str, str], Answer]
"""From a request's path and its caller (header `X-Caller`) to status and JSON body."""


class ThreadedServer(socketserver.ThreadingMixIn, HTTPServer):
    """A thread a connection, and connections stay open."""

    daemon_threads = True
    request_queue_size = 1024
    keep_alive = True

    def __init__(self, port: int, answer: Answerer) -> None:
        self.answer = answer
        super().__init__((LOOPBACK, port), _Handler)

    def server_bind(self) -> None:
        """Bind without asking the resolver for our name, which may take seconds offline."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.socket.getsockname()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report our own errors; a client that hung up while we answered is none."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class PooledServer(ThreadedServer):
    """`threads` workers answer one request a connection; what they can't take yet waits."""

    keep_alive = False

    def __init__(self, port: int, answer: Answerer, *, threads: int) -> None:
        self._workers = ThreadPoolExecutor(threads)
        super().__init__(port, answer)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Hand the connection to the next free worker."""
        self._workers.submit(self.process_request_thread, request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: ThreadedServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one piece

    def do_GET(self) -> None:
        """Answer with what the server's function says."""
        status, body = self.server.answer(self.path, self.headers.get("X-Caller", ""))
        content = json.dumps(body).encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if not self.server.keep_alive:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        """The same: what a path means is the function's business."""
        self.do_GET()

    def log_message(self, *_: Any) -> None:
        """Say nothing: the run prints what there is to know."""


def read_settings() -> dict[str, Any]:
    """What the parent wants of this process: one line of JSON on the standard input."""
    settings: dict[str, Any] = json.loads(sys.stdin.readline())
    return settings


def serve_until_parent_ends(server: ThreadedServer) -> None:
    """Tell the parent the port, then serve; end when the parent does, however it ended."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    print(server.server_port, flush=True)
    server.serve_forever()


def _end_with_parent() -> None:
    sys.stdin.read()  # returns when the parent's end of the pipe closes, so also after its SIGKILL
    os._exit(0)
