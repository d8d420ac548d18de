"""Starts a server of its own and has scim2-tester judge everything that it claims in its discovery documents.

usage: judge-scim.py BINARY

Exit status 0 only when checks ran, none is ERROR or CRITICAL, and the server stopped in order.
"""

import collections
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

READY_WITHIN = 60
STOPPED_WITHIN = 40
BAD = {Status.ERROR, Status.CRITICAL}


def start(binary, folder, token):
    """The tester sends names without a domain and random passwords, so the server must take these."""
    env = {
        **os.environ,
        "GANGWAY_BOOTSTRAP_TOKEN": token,
        "GANGWAY_DEFAULTS__ROUTING__UNMATCHED": "default_domain",
        "GANGWAY_DEFAULTS__PASSWORD__ON_VIOLATION": "skip",
        "GANGWAY_LISTEN": "127.0.0.1:0",
        "GANGWAY_DATA_DIR": os.path.join(folder, "data"),
    }
    return subprocess.Popen([binary, "serve"], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)


def base_url(server):
    """The server takes a free port and prints it."""
    for line in server.stdout:
        if "SCIM base URL" in line:
            # Read on, so that a full pipe never holds the server up.
            threading.Thread(target=server.stdout.read, daemon=True).start()
            return line.split()[-1]
    raise SystemExit("the server ended before it printed its base URL; its log is above")


def wait_until_ready(url):
    """Polls /health/ready, which asks the database, the worker and the Graph token."""
    until = time.monotonic() + READY_WITHIN
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                body = answer.read().decode()
            if '"state":"up"' in body.split('"components"')[0]:
                return
        except (urllib.error.URLError, OSError) as error:
            body = str(error)
        if time.monotonic() > until:
            raise SystemExit(f"the server is not ready after {READY_WITHIN} s: {body}")
        time.sleep(0.1)


def judge(url, token):
    """Prints what is not plainly good, and whether all of it is good enough."""
    results = check_server(SyncSCIMClient(Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30)))
    for result in results:
        if result.status not in (Status.SUCCESS, Status.COMPLIANT):
            print(f"{result.status.name} {result.title} [{result.resource_type or '-'}]: {result.reason}")
    counts = collections.Counter(result.status.name for result in results)
    print(f"scim2-tester: {len(results)} checks:", ", ".join(f"{count} {name}" for name, count in counts.most_common()))
    return counts["SUCCESS"] > 0 and not any(result.status in BAD for result in results)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    token = secrets.token_urlsafe(32)
    with tempfile.TemporaryDirectory(prefix="gangway-judge-") as folder:
        server = start(sys.argv[1], folder, token)
        try:
            url = base_url(server)
            wait_until_ready(url.removesuffix("/scim/v2") + "/health/ready")
            good = judge(url, token)
            server.terminate()
            status = server.wait(STOPPED_WITHIN)
        finally:
            # Only what was started here, and only if it did not end by itself.
            if server.poll() is None:
                server.kill()
                server.wait()
    if status != 0:
        raise SystemExit(f"the server did not stop in order: status {status}")
    if not good:
        raise SystemExit("scim2-tester found what is above")


main()
