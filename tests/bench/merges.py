"""Rows that come again: a tenth of the table's orders, changed, spread over all of it, against what
one writes by hand in psql: COPY into a temporary table, and INSERT ... ON CONFLICT DO UPDATE."""

import os
import shutil
import sqlite3

import measure
from data import COLUMNS
from groups import ETLHOST, NAMES, TABLE, Contender

SET = ", ".join(f"{name} = excluded.{name}" for name, _ in COLUMNS if name != "order_id")
STAGE = f"create temp table s on commit drop as select {NAMES} from {TABLE} with no data"
BY_HAND = (f"insert into {TABLE} (_client_id, _source, {NAMES}) select 'bench', 's3_exports', * from s "
           f"on conflict (_client_id, _source, order_id) do update set {SET}")
CLIENT = """version: 1
id: "bench"
name: Bench
sources:
  s3_exports:
    url: "file:{}"
    prefixes: {{ orders: {{}} }}
"""
PIPELINE = 'return require "etl.pipeline" {{ s3_exports = {{ orders = {{ table = "orders", {} }} }} }}\n'


def changed_orders(data):
    """Every tenth order with another quantity."""
    path = os.path.join(data.folder, "changed.csv")
    if os.path.exists(path):
        return path
    at = [name for name, _ in COLUMNS].index("quantity")
    with open(data.csv) as whole, open(path + ".part", "w") as out:
        out.write(whole.readline())
        for n, line in enumerate(whole):
            if n % 10 == 3:
                cells = line.split(",")
                cells[at] = str(int(cells[at]) + 100)
                out.write(",".join(cells))
    os.rename(path + ".part", path)
    return path


def project_of(b):
    """A client whose orders are one file: the whole, or the changed tenth."""
    project = os.path.join(b.folder, "merge")
    shutil.rmtree(project, ignore_errors=True)
    for folder in ("config/clients", "whole/orders", "changed/orders", "pipelines"):
        os.makedirs(os.path.join(project, folder))
    os.link(b.data.csv, os.path.join(project, "whole/orders/orders.csv"))
    os.link(changed_orders(b.data), os.path.join(project, "changed/orders/orders.csv"))
    files = {
        "config/etlhost.yaml": "version: 1\n",
        "config/clients/bench.yaml": CLIENT.format("changed"),
        "pipelines/key.lua": PIPELINE.format('key = "order_id"'),
        "pipelines/cursor.lua": PIPELINE.format('key = "order_id", cursor = "created_at"'),
    }
    for name, text in files.items():
        with open(os.path.join(project, name), "w") as out:
            out.write(text)
    return project


def run(b, pipeline, lanes):
    return [ETLHOST, "run", f"pipelines/{pipeline}.lua", "--destination", b.server.url(), "--lanes",
            str(lanes)]


def fill(b, project):
    """The table as etlhost makes it, and a copy of its rows."""
    b.server.sql("set client_min_messages = warning; drop schema if exists _etl cascade; "
                 f"drop table if exists {TABLE}, etl.saved")
    path = os.path.join(project, "config/clients/bench.yaml")
    with open(path, "w") as out:
        out.write(CLIENT.format("whole"))
    measure.run(run(b, "key", 1), cwd=project)
    with open(path, "w") as out:
        out.write(CLIENT.format("changed"))
    b.server.sql(f"create table etl.saved as select * from {TABLE}")


def merge_postgres(b):
    project, rows = project_of(b), b.data.rows
    fill(b, project)

    def reset():
        b.server.sql(f"truncate {TABLE}, _etl.units, _etl.files; "
                     f"insert into {TABLE} select * from etl.saved")
        b.server.sql(f"vacuum analyze {TABLE}")

    def check():
        found = b.server.sql(f"select count(*), count(*) filter (where quantity > 100) from {TABLE}")
        if found != f"{rows}|{rows // 10}":
            raise RuntimeError(f"{found} rows in the table and changed")

    copy = f"\\copy s from '{changed_orders(b.data)}' (format csv, header)"
    by_hand = b.server.psql("-c", "begin", "-c", STAGE, "-c", copy, "-c", BY_HAND, "-c", "commit")
    return b.compete("a tenth of the table changed -> Postgres", rows // 10, [
        Contender("\\copy and ON CONFLICT, by hand", by_hand, reset=reset, check=check),
        Contender("etlhost, merge, one lane", run(b, "key", 1), goal="0.95", reset=reset,
                  check=check, cwd=project),
        Contender("etlhost, merge by a cursor, two lanes", run(b, "cursor", 2), reset=reset,
                  check=check, cwd=project),
    ])


LITE_BY_HAND = (f"insert into orders (_client_id, _source, {NAMES}) select 'bench', 's3_exports', * "
                f"from temp.s where true on conflict (_client_id, _source, order_id) do update set {SET}")


def merge_sqlite(b):
    """The same into a SQLite file, against .import into a temporary table and ON CONFLICT."""
    project, rows = project_of(b), b.data.rows
    path, saved = (os.path.join(b.folder, name) for name in ("merge.db", "merge-saved.db"))
    if os.path.exists(saved):
        os.remove(saved)

    def argv(url):
        return [ETLHOST, "run", "pipelines/key.lua", "--destination", "sqlite:" + url]

    client = os.path.join(project, "config/clients/bench.yaml")
    with open(client, "w") as out:
        out.write(CLIENT.format("whole"))
    measure.run(argv(saved), cwd=project)
    with open(client, "w") as out:
        out.write(CLIENT.format("changed"))

    def reset():
        for ending in ("", "-wal", "-shm"):
            if os.path.exists(path + ending):
                os.remove(path + ending)
        shutil.copyfile(saved, path)

    def check():
        with sqlite3.connect(path) as db:
            found = db.execute("select count(*), sum(quantity > 100) from orders").fetchone()
        if found != (rows, rows // 10):
            raise RuntimeError(f"{found} rows in the table and changed")

    by_hand = ["sqlite3", path, f"create temp table s as select {NAMES} from orders where 0",
               f".import --csv --skip 1 {changed_orders(b.data)} s", LITE_BY_HAND]
    return b.compete("a tenth of the table changed -> SQLite", rows // 10, [
        Contender(".import and ON CONFLICT, by hand", by_hand, reset=reset, check=check),
        Contender("etlhost, merge", argv(path), reset=reset, check=check, cwd=project),
    ])
