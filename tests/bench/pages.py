"""JSON pages over loopback HTTP: the same records as in the file, a thousand to a page."""

import os
import shutil

from groups import ETLHOST, Contender
from service import Service

SIZE = 1000
MOST_MB = 96

# serial: the next page comes while this one loads. parallel: pages with numbers, eight at once.
SOURCE = """local etl = require "etl"
local function serial(ctx)
  local response = ctx:get("/records", { query = { page = 1 } })
  while response do
    local next, ahead = response:value "next", nil
    if next ~= etl.null then ahead = ctx:prefetch { url = "/records", query = { page = next } } end
    ctx:emit(response:rows "data")
    response:release()
    response = ahead and ahead:wait()
  end
end
local function parallel(ctx)
  local waiting, last = {}, 0
  local function begin()
    last = last + 1
    waiting[#waiting + 1] = ctx:prefetch { url = "/records", query = { page = last },
      accept = { 404 } }
  end
  for _ = 1, 8 do begin() end
  while true do
    local response = table.remove(waiting, 1):wait()
    if response.status == 404 then return end
    begin()
    ctx:emit(response:rows "data")
    response:release()
  end
end
return require "etl.source" {
  name = "pages",
  config = { base_url = "url" },
  hosts = { "{base_url}" },
  resources = {
    appended = { extract = serial },
    merged = { extract = serial, key = "order_id" },
    at_once = { extract = parallel, key = "order_id" },
  },
}
"""


def serve(data, size, pages, delay=0):
    return Service("pages.lua", file=data.ndjson, size=size, pages=pages, delay=delay)


EXPORTS = """  files:
    use: s3_exports
    url: file:exports
    prefixes:
      records: {}
      keyed: { key: order_id, prefix: records/ }
      parts: {}
"""


def make_project(folder, service, records=None, parts=None, objects=None):
    """A client with the service; with the file `records`, or the files `parts`, in a folder; and
    with the bucket of the service `objects`."""
    shutil.rmtree(folder, ignore_errors=True)
    private = [one.address for one in (service, objects) if one is not None]
    sources = f"  pages: {{ base_url: '{service.url}' }}\n"
    if records or parts:
        sources += EXPORTS
    if objects is not None:
        sources += bucket(objects)
    texts = {
        "config/etlhost.yaml": f"version: 1\nnetwork: {{ allow_private: {private} }}\n",
        "config/clients/bench.yaml": "version: 1\nid: bench\nname: Bench\nsources:\n" + sources,
        "sources/pages.lua": SOURCE,
        "pipelines/sync.lua": 'return require "etl.pipeline" {}\n',
    }
    for name, text in texts.items():
        os.makedirs(os.path.join(folder, os.path.dirname(name)), exist_ok=True)
        with open(os.path.join(folder, name), "w") as out:
            out.write(text)
    for kind, files in (("records", [records] if records else []), ("parts", parts or [])):
        os.makedirs(os.path.join(folder, "exports", kind))
        for path in files:
            os.link(path, os.path.join(folder, "exports", kind, os.path.basename(path)))


def bucket(objects):
    """An entry of a client file: the store's orders, eight objects at once."""
    return (f"  objects:\n    use: s3_exports\n    bucket: bench\n    endpoint: {objects.url}\n"
            "    anonymous: true\n    parallel_objects: 8\n    prefixes: { orders: {} }\n")


def bare(b):
    b.server.sql("set client_min_messages = warning; drop schema if exists _etl, etl cascade")


def etlhost(b, project, resource, name, table, rows, goal=None, most_mb=None):
    """What the project's client has of one resource, into a database without anything."""
    def check():
        found = int(b.server.sql(f"select count(*) from etl.{table}"))
        if found != rows:
            raise RuntimeError(f"{found} rows in {table}, not {rows}")

    return Contender(name, [ETLHOST, "run", "pipelines/sync.lua", "--resource", resource,
                            "--destination", b.server.url()],
                     cwd=project, reset=lambda: bare(b), check=check, goal=goal, most_mb=most_mb)


def curl(service, count, name, *more):
    return Contender(name, ["curl", "-s", "-f", *more, "-o", "/dev/null",
                            f"{service.url}/records?page=[1-{count}]"])


def pages_postgres(b):
    count = b.data.json_rows // SIZE
    rows = count * SIZE
    project = os.path.join(b.folder, "pages")
    with serve(b.data, SIZE, count) as service:
        make_project(project, service, records=b.data.ndjson)
        contenders = [
            etlhost(b, project, "files.records", "etlhost, the same records in a file, appended",
                    "s3_exports_records", b.data.json_rows),
            etlhost(b, project, "pages.appended", "etlhost, pages, appended", "pages_appended", rows,
                    "1.3", MOST_MB),
            etlhost(b, project, "files.keyed", "etlhost, the file, merged by a key", "s3_exports_keyed",
                    b.data.json_rows),
            etlhost(b, project, "pages.merged", "etlhost, pages, merged by a key", "pages_merged",
                    rows, "1.3", MOST_MB),
            Contender("etlhost load of the file: no client, no index",
                      b.load(b.data.ndjson, "records", b.server.url()), reset=lambda: bare(b)),
            curl(service, count, "curl of the pages to nothing"),
        ]
        if b.peers:
            contenders += b.peers.pages(service, rows)
        title, lines = b.compete(f"{count} JSON pages of {SIZE:,} records -> Postgres", rows,
                                 contenders)
    lines[3].base, lines[3].base_name = lines[2].result, lines[2].what
    lines[2].base = None
    return title, lines


def requests(b):
    """Requests a second, one after the other and eight at once, when the service answers at once,
    and when each answer takes 50 ms."""
    lines = []
    for delay, count in ((0, 5000), (50, 80)):
        project = os.path.join(b.folder, f"requests-{delay}")
        with serve(b.data, 1, count, delay) as service:
            make_project(project, service)
            _, serial = b.compete(f"requests a second, {delay} ms", count, [
                curl(service, count, f"curl, one after the other, {delay} ms"),
                etlhost(b, project, "pages.merged", f"etlhost, one after the other, {delay} ms",
                        "pages_merged", count),
            ])
            _, parallel = b.compete(f"requests a second, {delay} ms, eight at once", count, [
                curl(service, count, f"curl --parallel, eight at once, {delay} ms", "--parallel",
                     "--parallel-immediate", "--parallel-max", "8"),
                etlhost(b, project, "pages.at_once", f"etlhost, eight at once, {delay} ms",
                        "pages_at_once", count),
            ])
            lines += serial + parallel
    return "pages of one record: requests a second", lines
