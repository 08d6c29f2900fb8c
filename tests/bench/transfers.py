"""Large transfers over loopback HTTP: eight gzipped objects of a bucket into PostgreSQL, and one
large answer to nothing."""

import os
import shlex

import pages
from groups import TABLE, NAMES, Contender
from service import Service

BENCH = os.path.abspath("build/bench_http")
LARGE_MB = 512


def serve_objects(data):
    return Service("objects.lua", files="\n".join(data.parts))


def by_psql(b, store):
    """curl, zcat and \\copy of each object, all of them at the same time, into one table."""
    copy = shlex.join(b.server.psql("-c", f"\\copy {TABLE} ({NAMES}) from stdin (format csv, header)"))
    each = [f"curl -s -f {store.url}/bench/orders/{os.path.basename(part)} | zcat | {copy}"
            for part in b.data.parts]
    waits = " && ".join(["wait -n"] * len(each))
    return ["bash", "-c", "set -o pipefail; " + " & ".join(each) + f" & {waits}"]


def objects_postgres(b):
    """The table of psql has the columns of the files, and no index, as etlhost's has none until
    its rows are in."""
    b.make_table(b.data.csv)
    columns = b.server.sql("select string_agg(column_name || ' ' || data_type, ', ' order by "
                           "ordinal_position) from information_schema.columns where table_schema = "
                           "'etl' and table_name = 'orders' and column_name not like '\\_%'")

    def empty():
        pages.bare(b)
        b.server.sql(f"create schema etl; create table {TABLE} ({columns})")

    project = os.path.join(b.folder, "objects")
    with serve_objects(b.data) as store, pages.serve(b.data, 1, 1) as service:
        pages.make_project(project, service, parts=b.data.parts, objects=store)
        return b.compete("eight gzipped objects of a bucket, at once -> Postgres", b.data.rows, [
            Contender("curl, zcat and \\copy, eight at once", by_psql(b, store), reset=empty,
                      check=b.loaded(b.data.rows)),
            pages.etlhost(b, project, "files.parts", "etlhost, the same files in a folder, two lanes",
                          "s3_exports_parts", b.data.rows),
            pages.etlhost(b, project, "objects.orders", "etlhost, eight at once, two lanes",
                          "s3_exports_orders", b.data.rows, most_mb=pages.MOST_MB),
        ])


def memory_services(b):
    """Pages and objects in one run, whose streams load at the same time."""
    count = b.data.json_rows // pages.SIZE
    project = os.path.join(b.folder, "everything")
    with serve_objects(b.data) as store, pages.serve(b.data, pages.SIZE, count) as service:
        pages.make_project(project, service, objects=store)
        one = pages.etlhost(b, project, "all", "", "pages_merged", count * pages.SIZE)
        argv = [word for word in one.argv if word not in ("--resource", "all")]
        return b.compete("peak memory of one run", None, [
            Contender(f"{count} pages three times, and eight gzipped objects, at once", argv,
                      cwd=project, reset=one.reset, check=one.check, goal="below 96 MB",
                      most_mb=pages.MOST_MB, runs=2)])


def download(b):
    with Service("transfers.lua", large_mb=LARGE_MB) as service:
        return b.compete(f"one answer of {LARGE_MB} MB", None, [
            Contender("curl to nothing", ["curl", "-s", "-f", "-o", "/dev/null", service.url + "/"]),
            Contender("etlhost's transfer alone", [BENCH, service.url + "/", "1", "1"],
                      most_mb=pages.MOST_MB),
        ])
