"""make bench: see tests/bench/run."""

import os
import subprocess
import sys

import groups
import merges
import pages
import replaces
import table
import transfers
from data import Data
from server import Server

FOLDER = os.path.abspath("build/bench")
GROUPS = {**groups.ALL, "merge": merges.merge_postgres, "merge_sqlite": merges.merge_sqlite,
          "replace": replaces.replace_postgres, "pages": pages.pages_postgres,
          "requests": pages.requests, "objects": transfers.objects_postgres,
          "download": transfers.download}


def main():
    rows = int(os.environ.get("BENCH_ROWS", 2_000_000))
    runs = int(os.environ.get("BENCH_RUNS", 5))
    print(f"data: {rows:,} orders below {FOLDER}", file=sys.stderr)
    data = Data(os.path.join(FOLDER, "data"), rows)
    server = Server(FOLDER)
    peers = None
    if os.environ.get("PEERS") == "1":
        from peers import Peers
        peers = Peers(FOLDER, data, server)
    bench = groups.Bench(FOLDER, data, server, runs, peers)
    chosen = sys.argv[1:] or list(GROUPS)
    done = []
    for name in chosen:
        print(f"measuring {name} ...", file=sys.stderr)
        try:
            done.append(GROUPS[name](bench))
        except (RuntimeError, OSError, subprocess.SubprocessError) as problem:
            print(f"{name} could not be measured: {problem}", file=sys.stderr)
    result = (f"{rows:,} orders ({os.path.getsize(data.csv) >> 20} MB of CSV), "
              f"{data.json_rows:,} JSON records, medians of {runs}, PostgreSQL "
              f"{server.sql('show server_version')}, {os.cpu_count()} cores\n\n" + table.text(done))
    print(result)
    with open(os.path.join(FOLDER, "result.txt"), "w") as out:
        out.write(result + "\n")
    for bound in bench.broken:
        print(bound, file=sys.stderr)
    return 0 if len(done) == len(chosen) and not bench.broken else 1


sys.exit(main())
