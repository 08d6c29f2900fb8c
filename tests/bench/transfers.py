"""One large answer over loopback HTTP by io/fetch.h, read as it comes, against curl to nothing."""

import os
import subprocess

from groups import Contender

SERVER = os.path.abspath("build/tests/http_server")
SCENARIO = os.path.abspath("tests/bench/transfers.lua")
BENCH = os.path.abspath("build/bench_http")
LARGE_MB = 512


def download(b):
    child = subprocess.Popen([SERVER, SCENARIO, "--set", f"large_mb={LARGE_MB}"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    url = f"http://127.0.0.1:{child.stdout.readline().strip()}/"
    try:
        return b.compete(f"one answer of {LARGE_MB} MB", None, [
            Contender("curl to nothing", ["curl", "-s", "-f", "-o", "/dev/null", url]),
            Contender("etlhost's transfer alone", [BENCH, url, "1", "1"]),
        ])
    finally:
        child.stdin.close()
        child.wait()
