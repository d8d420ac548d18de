"""What the judges judge: servers of their own, each on a new database in SQLite or in PostgreSQL."""

import contextlib
import glob
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

READY_WITHIN = 60
STOPPED_WITHIN = 40

# The judges send names without a domain and any password.
SETTINGS = {
    "GANGWAY_DEFAULTS__ROUTING__UNMATCHED": "default_domain",
    "GANGWAY_DEFAULTS__PASSWORD__ON_VIOLATION": "skip",
    "GANGWAY_LISTEN": "127.0.0.1:0",
}

# Loopback is not reached through a proxy.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Failed(Exception):
    """Something that must not be; the text says what."""


def end_on_sigterm():
    """Makes a SIGTERM run the clean-ups, so that no server outlives its judge."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


class Server:
    """A running Gangway. `url` is its SCIM base URL; `token` is of the dialect auto."""

    def __init__(self, binary, folder, database=None):
        self.binary, self.folder, self.token = binary, folder, secrets.token_urlsafe(32)
        self.env = {**os.environ, **SETTINGS, "GANGWAY_DATA_DIR": os.path.join(folder, "data")}
        if database:
            self.env["GANGWAY_DATABASE_URL"] = database
        self.log = open(os.path.join(folder, "log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [binary, "serve"], cwd=folder, env={**self.env, "GANGWAY_BOOTSTRAP_TOKEN": self.token},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True,
        )
        try:
            self.url = self._base_url()
            self._wait_until_ready()
        except BaseException:
            self.kill()
            raise

    @property
    def origin(self):
        return self.url.removesuffix("/scim/v2")

    def _base_url(self):
        """The server takes a free port and prints it."""
        for line in self.process.stdout:
            if "SCIM base URL" in line:
                # Read on, so that a full pipe never holds the server up.
                threading.Thread(target=self.process.stdout.read, daemon=True).start()
                return line.split()[-1]
        raise Failed(f"the server ended before it printed its base URL:\n{self.logged()[-4000:]}")

    def _wait_until_ready(self):
        """Polls /health/ready, which asks the database, the worker and the Graph token."""
        until = time.monotonic() + READY_WITHIN
        while True:
            try:
                with DIRECT.open(self.origin + "/health/ready", timeout=5) as answer:
                    body = answer.read().decode()
                if json.loads(body)["state"] == "up":
                    return
            except (urllib.error.URLError, OSError) as error:
                body = str(error)
            if time.monotonic() > until:
                raise Failed(f"the server is not ready after {READY_WITHIN} s: {body}")
            time.sleep(0.1)

    def token_of(self, dialect):
        """A token of an upstream of this dialect."""
        if dialect == "auto":
            return self.token
        command = [self.binary, "token", "create", "--upstream", dialect, "--dialect", dialect, "--scope", "scim"]
        made = subprocess.run(command, cwd=self.folder, env=self.env, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise Failed(f"`gangway token create --dialect {dialect}` failed: {made.stderr}")
        return made.stdout.strip()

    def faults(self):
        """What it counted of its own answers 5xx: never one, whatever it is sent."""
        with DIRECT.open(self.origin + "/metrics", timeout=10) as answer:
            text = answer.read().decode()
        counters = [line for line in text.splitlines() if line.startswith("gangway_http_requests_total{")]
        if not counters:
            raise Failed("/metrics counts no requests")
        # Health says 503 until it is ready.
        return [line for line in counters if re.search(r'status="5', line) and 'route="/health' not in line]

    def logged(self):
        with open(self.log.name, encoding="utf-8", errors="replace") as log:
            return log.read()

    def stop(self):
        """Stops it in order and says what was wrong with it, if anything."""
        wrong = [f"it answered {line}" for line in self.faults()]
        self.process.terminate()
        status = self.process.wait(STOPPED_WITHIN)
        if status != 0:
            wrong.append(f"it did not stop in order: status {status}")
        if "panicked" in self.logged():
            wrong.append("it panicked")
        return wrong

    def kill(self):
        """Ends it, if it has not ended by itself."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log.close()


@contextlib.contextmanager
def server(binary, database=None):
    """A server in a folder that goes with it."""
    with tempfile.TemporaryDirectory(prefix="gangway-judge-") as folder:
        running = Server(binary, folder, database)
        try:
            yield running
        finally:
            running.kill()


@contextlib.contextmanager
def postgres():
    """A PostgreSQL of our own; yields what makes a new database and returns its URL."""
    programs = _programs()
    with tempfile.TemporaryDirectory(prefix="gangway-judge-postgres-") as home:
        data, port = os.path.join(home, "data"), _free_port()
        if os.geteuid() == 0:
            shutil.chown(home, "postgres")
        _run(programs, "initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync", "-D", data)
        settings = f"-p {port} -c listen_addresses=127.0.0.1 -c fsync=off -c full_page_writes=off -k {home}"
        _run(programs, "pg_ctl", "start", "--wait", "--silent", "-D", data, "-l", os.path.join(home, "log"), "-o", settings)
        number = iter(range(10_000))

        def new_database():
            name = f"judge_{next(number)}"
            _run(programs, "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", name)
            return f"postgres://postgres@127.0.0.1:{port}/{name}"

        try:
            yield new_database
        finally:
            _run(programs, "pg_ctl", "stop", "--wait", "--silent", "--mode=immediate", "-D", data)


def _programs():
    """The folder of PostgreSQL's programs, as in tests/support/postgres.rs."""
    on_path = shutil.which("initdb")
    folders = [os.path.dirname(os.path.realpath(on_path))] if on_path else []
    folders += sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)
    for folder in folders:
        if all(os.path.exists(os.path.join(folder, name)) for name in ("initdb", "pg_ctl", "createdb")):
            return folder
    raise Failed("PostgreSQL is not installed: initdb is neither on PATH nor in /usr/lib/postgresql")


def _run(programs, name, *arguments):
    """PostgreSQL refuses to run as root."""
    command = [os.path.join(programs, name), *arguments]
    if os.geteuid() == 0:
        command = ["runuser", "-u", "postgres", "--", *command]
    # The postmaster keeps what it inherits open, so its output must not be a pipe that is read to its end.
    with tempfile.TemporaryFile("w+") as output:
        ended = subprocess.run(command, cwd="/", stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False)
        output.seek(0)
        if ended.returncode != 0:
            raise Failed(f"{name} failed: {output.read()}")


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
