"""Holds the published SCIM suites against servers on SQLite and on PostgreSQL.

usage: judge-suites.py BINARY SUITES WORK

SUITES is the folder of the suites; WORK has their programs: venv/ (Python) and npm/ (Node), as .ci/prepare installs them.
Exit status 0 only when every suite ran whole and failed nothing but what is exempt below. An exemption is a failure that
an RFC demands; docs/scim.md lists them. One that does not fail any more is an error as well.
"""

import dataclasses
import os
import re
import subprocess
import sys

import serving

SUITE_WITHIN = 420


@dataclasses.dataclass(frozen=True)
class Exemption:
    """Lines of a suite that must fail, found by a pattern, with the section that demands it."""

    pattern: str
    section: str
    why: str
    count: int | None = None
    """How many they are, where that does not depend on chance."""

    def is_stale(self, found):
        return not found or self.count not in (None, len(found))


@dataclasses.dataclass(frozen=True)
class Suite:
    """A program of SUITES that is called with a base URL and a token, and prints FAIL lines and a line of counts."""

    name: str
    command: tuple
    checks: int
    """As many it makes at least; fewer are half a suite."""
    dialect: str = "auto"
    runs: tuple = ((),)
    """Further arguments of each run."""
    exempt: tuple = ()


UNQUOTED = Exemption(
    r"FAIL #(59|67) .*\| PATCH 400 ",
    "RFC 7644 §3.4.2.2, figure 1",
    "a compared value is JSON, and `123abc` without quotes is none; in the dialect entra it passes",
    2,
)
REPEATED = Exemption(
    r"FAIL #63 .*\| want .* got (?!.*members)",
    "RFC 7643 §2.4",
    "no two values are equal: a member that is sent twice is one, so none is left when it is removed",
    1,
)
ESCAPES = Exemption(
    r"FAIL diff [^|]*\\[^|]*\| want \d+ users, got \d+$",
    "RFC 7644 §3.4.2.2 with RFC 8259 §7",
    "both evaluators compare with the text of an escape and not with the character that it stands for",
)
NO_CONTENT = Exemption(r"FAIL .*PATCH.* got 204", "RFC 7644 §3.5.2", "a PATCH may be answered 204 without a body")
INTEGRITY = Exemption(
    r"FAIL PATCH /Groups/\{id\} add member \| Expected 200, got 400",
    "RFC 7643 §2.3.7",
    "a server may enforce that references refer to something: `fake-member-id` is nobody's",
    1,
)

SUITES = (
    Suite("scim2-tester", ("bash", "scim2-tester.sh"), 100),
    Suite("scim-sanity", ("bash", "scim-sanity.sh"), 24, exempt=(NO_CONTENT, INTEGRITY)),
    Suite("patch-vectors", ("python3", "patch-vectors.py"), 72, exempt=(UNQUOTED, REPEATED)),
    Suite("patch-vectors, entra", ("python3", "patch-vectors.py"), 72, dialect="entra", exempt=(REPEATED,)),
    # The number of random filters and the seed.
    Suite("filters", ("node", "filter-diff.mjs"), 400, runs=(("300", "1"), ("300", "7643"), ("300", "7644")), exempt=(ESCAPES,)),
)


class Judge:
    """Runs suites and remembers what was wrong."""

    def __init__(self, binary, suites, work):
        self.binary, self.suites = binary, suites
        # The suites exempt nothing by themselves (STRICT), nor install anything.
        self.env = {
            **os.environ,
            "STRICT": "1",
            "SCIM2_VENV": os.path.join(work, "venv"),
            "SANITY_VENV": os.path.join(work, "venv"),
            "NPM_DIR": os.path.join(work, "npm"),
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }
        self.wrong = []

    def judge(self, suite, label, database):
        """One suite, all its runs, on a server of its own."""
        title = f"{suite.name} on {label}"
        with serving.server(self.binary, database) as server:
            token = server.token_of(suite.dialect)
            failed = [line for run in suite.runs for line in self.run(suite, run, title, server.url, token)]
            wrong = server.stop()
        self.wrong += [f"{title}: the server: {text}" for text in wrong]
        for exemption in suite.exempt:
            exempt = [line for line in failed if re.search(exemption.pattern, line)]
            failed = [line for line in failed if line not in exempt]
            print(f"    exempt: {len(exempt)} by {exemption.section}: {exemption.why}")
            if exemption.is_stale(exempt):
                self.wrong.append(f"{title}: the exemption {exemption.pattern!r} is stale: {len(exempt)} lines are of it")
        self.wrong += [f"{title}: {line}" for line in failed]

    def run(self, suite, arguments, title, url, token):
        """One run; its lines of failures."""
        command = [*suite.command[:1], os.path.join(self.suites, suite.command[1]), url, token, *arguments]
        ended = subprocess.run(
            command, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=SUITE_WITHIN, check=False,
        )
        lines = ended.stdout.splitlines()
        failed = [line for line in lines if line.startswith("FAIL ")]
        summary = next((line for line in lines if line.startswith("suite=")), "")
        print(f"{title} {' '.join(arguments)}: {summary}", flush=True)
        counts = {name: int(number) for name, number in re.findall(r"(checks|failed|skipped)=(\d+)", summary)}
        if counts.get("checks", 0) < suite.checks or counts.get("failed") != len(failed) or (ended.returncode == 0) != (not failed):
            self.wrong.append(f"{title}: it did not run whole:\n{ended.stdout[-2000:]}")
        return failed


def main():
    serving.end_on_sigterm()
    binary, suites, work = sys.argv[1:4]
    judge = Judge(binary, os.path.abspath(suites), os.path.abspath(work))
    with serving.postgres() as new_database:
        for suite in SUITES:
            judge.judge(suite, "SQLite", None)
            judge.judge(suite, "PostgreSQL", new_database())
    if judge.wrong:
        raise SystemExit("\n".join(["", *judge.wrong, f"{len(judge.wrong)} things are wrong"]))
    print("every suite passed")


main()
