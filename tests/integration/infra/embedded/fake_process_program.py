"""Stands in for a Paystream process: serves /health/ready, logs JSON lines, and misbehaves on demand.

    python fake_process_program.py [--crash | --fail-with REASON | --ignore-sigterm]

`GET /event/<payment id>` writes a notable log line; `GET /environment` answers its environment.
"""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def log(event: str, **fields: object) -> None:
    line = {"timestamp": "2026-11-22T12:00:00Z", "level": "info", "event": event, "service": "fake", **fields}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"{}"
        if self.path.startswith("/event/"):
            log("payment_status_changed", payment_id=self.path.removeprefix("/event/"), status="succeeded")
        elif self.path == "/environment":
            body = json.dumps(dict(os.environ)).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: its output is a log of JSON lines."""


def main() -> None:
    if "--crash" in sys.argv:
        raise RuntimeError("it does not work at all")
    if "--fail-with" in sys.argv:
        log("process_failed", level="critical", error=sys.argv[sys.argv.index("--fail-with") + 1])
        sys.exit(1)
    if "--ignore-sigterm" in sys.argv:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    port = next(os.environ[name] for name in PORT_VARIABLES if name in os.environ)
    log("process_started", pid=os.getpid())
    ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()


PORT_VARIABLES = ("HEALTH_PORT", "COMMAND_API_PORT", "QUERY_API_PORT", "STRIPE_SANDBOX_PORT")

if __name__ == "__main__":
    main()
