"""Has scim2-tester judge everything that the server claims in its discovery documents.

usage: judge-scim.py BINARY

Exit status 0 only when checks ran, none is ERROR or CRITICAL, and the server stopped in order.
"""

import collections
import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

import serving

BAD = {Status.ERROR, Status.CRITICAL}


def judge(url, token):
    """Prints what is not plainly good, and whether all of it is good enough."""
    client = Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30, trust_env=False)
    results = check_server(SyncSCIMClient(client))
    for result in results:
        if result.status not in (Status.SUCCESS, Status.COMPLIANT):
            print(f"{result.status.name} {result.title} [{result.resource_type or '-'}]: {result.reason}")
    counts = collections.Counter(result.status.name for result in results)
    print(f"scim2-tester: {len(results)} checks:", ", ".join(f"{count} {name}" for name, count in counts.most_common()))
    return counts["SUCCESS"] > 0 and not any(result.status in BAD for result in results)


def main():
    serving.end_on_sigterm()
    with serving.server(sys.argv[1]) as server:
        good = judge(server.url, server.token)
        wrong = server.stop()
    if wrong:
        raise SystemExit("the server: " + "; ".join(wrong))
    if not good:
        raise SystemExit("scim2-tester found what is above")


main()
