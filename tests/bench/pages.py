"""JSON pages over loopback HTTP: the same records as in the file, a thousand to a page."""

import os
import shutil
import subprocess

from groups import ETLHOST, Contender

SIZE = 1000
SERVER = os.path.abspath("build/tests/http_server")
SCENARIO = os.path.abspath("tests/bench/pages.lua")

# The next page comes while this one loads.
# The next page comes while this one loads.
SOURCE = """local etl = require "etl"
local function extract(ctx)
  local response = ctx:get("/records", { query = { page = 1 } })
  while response do
    local next, ahead = response:value "next", nil
    if next ~= etl.null then ahead = ctx:prefetch { url = "/records", query = { page = next } } end
    ctx:emit(response:rows "data")
    response:release()
    response = ahead and ahead:wait()
  end
end
return require "etl.source" {
  name = "pages",
  config = { base_url = "url" },
  hosts = { "{base_url}" },
  resources = {
    appended = { extract = extract },
    merged = { extract = extract, key = "order_id" },
  },
}
"""


class Service:
    """The scripted server of the tests; it ends with us."""

    def __init__(self, data, size, pages, delay=0):
        options = {"file": data.ndjson, "size": size, "pages": pages, "delay": delay}
        words = [word for name, value in options.items() for word in ("--set", f"{name}={value}")]
        self.child = subprocess.Popen([SERVER, SCENARIO, *words], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)
        self.address = "127.0.0.1:" + self.child.stdout.readline().strip()
        self.url = "http://" + self.address

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.stdin.close()
        self.child.wait()


def make_project(folder, service):
    shutil.rmtree(folder, ignore_errors=True)
    texts = {
        "config/etlhost.yaml": f"version: 1\nnetwork: {{ allow_private: ['{service.address}'] }}\n",
        "config/clients/bench.yaml": "version: 1\nid: bench\nname: Bench\nsources:\n"
                                     f"  pages: {{ base_url: '{service.url}' }}\n",
        "sources/pages.lua": SOURCE,
        "pipelines/sync.lua": 'return require "etl.pipeline" {}\n',
    }
    for name, text in texts.items():
        os.makedirs(os.path.join(folder, os.path.dirname(name)), exist_ok=True)
        with open(os.path.join(folder, name), "w") as out:
            out.write(text)


def etlhost(b, project, resource, rows, goal=None, name=None):
    """The service's records by one of its resources; nothing is there before."""
    def bare():
        b.server.sql("set client_min_messages = warning; drop schema if exists _etl, etl cascade")

    def check():
        found = int(b.server.sql(f"select count(*) from etl.pages_{resource}"))
        if found != rows:
            raise RuntimeError(f"{found} rows in the table, not {rows}")

    return Contender(name or f"etlhost run, pages {resource}",
                     [ETLHOST, "run", "pipelines/sync.lua", "--resource", resource,
                      "--destination", b.server.url()],
                     cwd=project, reset=bare, check=check, goal=goal)


def curl(service, count, name):
    return Contender(name, ["curl", "-s", "-f", "-o", "/dev/null",
                            f"{service.url}/records?page=[1-{count}]"])


def pages_postgres(b):
    count = b.data.json_rows // SIZE
    rows = count * SIZE
    project = os.path.join(b.folder, "pages")
    load = b.load(b.data.ndjson, "records", b.server.url())
    with Service(b.data, SIZE, count) as service:
        make_project(project, service)
        appended = etlhost(b, project, "appended", rows, "1.3")
        contenders = [
            Contender("etlhost load of the same records in a file", load, reset=appended.reset),
            appended,
            Contender("etlhost load of the file, merged", [*load, "--key", "order_id"],
                      reset=appended.reset),
            etlhost(b, project, "merged", rows),
            curl(service, count, "curl of the pages to nothing"),
        ]
        if b.peers:
            contenders += b.peers.pages(service)
        return b.compete(f"{count} JSON pages of {SIZE:,} records -> Postgres", rows, contenders)


def requests(b):
    """Requests a second, one after the other, when the service answers at once; and when each
    answer takes 50 ms, which is its whole time."""
    lines = []
    for delay, count in ((0, 1000), (50, 40)):
        project = os.path.join(b.folder, f"requests-{delay}")
        with Service(b.data, 1, count, delay) as service:
            make_project(project, service)
            _, some = b.compete(f"requests a second, {delay} ms", count, [
                curl(service, count, f"curl, one connection, {delay} ms"),
                etlhost(b, project, "merged", count, name=f"etlhost run, {delay} ms"),
            ])
            lines += some
    return "pages of one record, one after the other: requests a second", lines
