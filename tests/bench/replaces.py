"""One client's orders, a tenth of a table of ten clients, take the place of those that are there, against
what one writes by hand in psql: COPY into a temporary table, DELETE and INSERT in one transaction."""

import os
import shutil

import measure
from groups import NAMES, TABLE, Contender
from merges import CLIENT, PIPELINE, STAGE, changed_orders, run

OTHERS = f"'other' || n, _source, {NAMES}"
BY_HAND = (f"delete from {TABLE} where _client_id = 'bench' and _source = 's3_exports'",
           f"insert into {TABLE} (_client_id, _source, {NAMES}) select 'bench', 's3_exports', * from s")


def tenth(b):
    """A tenth of the orders, as it was and as it is now."""
    path = os.path.join(b.data.folder, "tenth.csv")
    with open(b.data.csv) as whole, open(path, "w") as out:
        out.write(whole.readline())
        for n, line in enumerate(whole):
            if n % 10 == 3:
                out.write(line)
    return path, changed_orders(b.data)


def project_of(b):
    project = os.path.join(b.folder, "replace")
    shutil.rmtree(project, ignore_errors=True)
    for folder in ("config/clients", "before/orders", "now/orders", "pipelines"):
        os.makedirs(os.path.join(project, folder))
    for folder, path in zip(("before", "now"), tenth(b)):
        os.link(path, os.path.join(project, folder, "orders/orders.csv"))
    with open(os.path.join(project, "config/etlhost.yaml"), "w") as out:
        out.write("version: 1\n")
    with open(os.path.join(project, "pipelines/replace.lua"), "w") as out:
        out.write(PIPELINE.format('write = "replace"'))
    return project


def replace_postgres(b):
    project, rows = project_of(b), b.data.rows // 10
    client = os.path.join(project, "config/clients/bench.yaml")

    def holds(folder):
        with open(client, "w") as out:
            out.write(CLIENT.format(folder))

    def reset():
        """The client's old rows, loaded by a run of their own, and nine times as many of others."""
        b.server.sql("set client_min_messages = warning; drop schema if exists _etl cascade; "
                     f"drop table if exists {TABLE}")
        holds("before")
        measure.run(run(b, "replace", 1), cwd=project)
        b.server.sql(f"insert into {TABLE} (_client_id, _source, {NAMES}) "
                     f"select {OTHERS} from {TABLE}, generate_series(1, 9) as n")
        b.server.sql(f"vacuum analyze {TABLE}")
        holds("now")

    def check():
        found = b.server.sql(f"select count(*), count(*) filter (where quantity > 100) from {TABLE}")
        if found != f"{rows * 10}|{rows}":
            raise RuntimeError(f"{found} rows in the table and new")

    reset()
    copy = f"\\copy s from '{changed_orders(b.data)}' (format csv, header)"
    by_hand = b.server.psql("-c", "begin", "-c", STAGE, "-c", copy, "-c", BY_HAND[0], "-c", BY_HAND[1],
                            "-c", "commit")
    return b.compete("one client's tenth of a table replaced", rows, [
        Contender("\\copy, DELETE and INSERT, by hand", by_hand, reset=reset, check=check),
        Contender("etlhost, replace, one lane", run(b, "replace", 1), reset=reset, check=check,
                  cwd=project),
        Contender("etlhost, replace, two lanes", run(b, "replace", 2), reset=reset, check=check,
                  cwd=project),
    ])
