"""What `proxy-server` does while nobody asks: nothing."""

import http.client
import os
import time
from pathlib import Path

from proxy_process import ProxyProcess

SECONDS = 0.25


def cpu_seconds(process_id: int) -> float:
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_workers_rest_after_they_have_shared_out_connections(tmp_path: Path) -> None:
    with ProxyProcess(tmp_path) as proxy:
        address = proxy.url.removeprefix("http://")
        children = Path(f"/proc/{proxy.process_id}/task/{proxy.process_id}/children")
        workers = [int(word) for word in children.read_text().split()]
        connections = [http.client.HTTPConnection(address) for _ in range(12)]
        for connection in connections:
            # A worker that has more of them than the other leaves the next one to it.
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            before = sum(map(cpu_seconds, workers))
            time.sleep(SECONDS)
            assert sum(map(cpu_seconds, workers)) - before < SECONDS / 2
        for connection in connections:
            connection.close()
