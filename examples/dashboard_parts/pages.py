"""Serves the page and the rows, on the loopback only."""

import json
import socketserver
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from outage_parts.servers import LOOPBACK

HERE = Path(__file__).parent
FILES = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
}
POLICY = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'"


class PageServer(socketserver.ThreadingMixIn, HTTPServer):
    """`/` is the page, `/data` what it shows."""

    daemon_threads = True

    def __init__(self, port: int, data: Callable[[], dict[str, Any]]) -> None:
        self.data = data
        super().__init__((LOOPBACK, port), _Handler)

    def server_bind(self) -> None:
        """Bind without asking the resolver for our name, which may take seconds offline."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.socket.getsockname()

    def start(self) -> None:
        """Serve in a thread, until `shutdown`."""
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    server: PageServer

    def do_GET(self) -> None:
        """A file of the page, or the data."""
        if self.path == "/data":
            self._send(json.dumps(self.server.data()).encode(), "application/json")
        elif self.path in FILES:
            name, kind = FILES[self.path]
            self._send((HERE / name).read_bytes(), kind)
        elif self.path == "/favicon.ico":
            self._send(b"", "image/x-icon")
        else:
            self.send_error(404)

    def _send(self, content: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing: the page shows what there is to see."""
