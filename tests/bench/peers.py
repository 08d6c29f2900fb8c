"""What people use today, installed from PyPI below build/bench/venv and measured in the same runs:
DuckDB with its Postgres scanner, pyarrow with ADBC, dlt by its fast path and by its tutorial's, and
Sling where its program can be had. Each is a small script, written to be fair: the tool's own best
way where it has one, into a table of the types that the file has."""

import glob
import os
import shutil
import subprocess
import sys
import venv

PACKAGES = ["duckdb==1.4.4", "duckdb-ext-postgres==1.4.4.20260205", "pyarrow",
            "adbc-driver-postgresql", "dlt[postgres]", "psycopg2-binary"]

DUCKDB = """
import duckdb
c = duckdb.connect()
c.execute("load '{extension}'")
c.execute("attach '{dsn}' as pg (type postgres)")
c.execute('''{sql}''')
"""
# DuckDB types the whole sample of a file, as we type all of it.
DUCKDB_NEW = "create table pg.peer.orders as select * from read_csv('{csv}')"
DUCKDB_OLD = "insert into pg.peer.orders select * from read_csv('{csv}')"
DUCKDB_JSON = """create table pg.peer.records as
  select * replace (to_json(address) as address) from read_json('{ndjson}')"""

ADBC = """
import adbc_driver_postgresql.dbapi as db, pyarrow.csv as csv
with db.connect("{dsn}") as connection, connection.cursor() as cursor:
    cursor.adbc_ingest("orders", csv.open_csv("{csv}"), mode="create", db_schema_name="peer")
    connection.commit()
"""

DLT = """
import dlt, os
os.environ.update(RUNTIME__LOG_LEVEL="ERROR", RUNTIME__DLTHUB_TELEMETRY="false")
p = dlt.pipeline("{name}", destination=dlt.destinations.postgres("{login}"),
                 dataset_name="peer", pipelines_dir="{folder}")
{body}
"""
# Arrow tables out of the file, Parquet between its stages, ADBC into the database.
DLT_BEST = """
import pyarrow.csv as csv
@dlt.resource(name="orders")
def orders():
    yield from csv.open_csv("{csv}")
p.run(orders(), loader_file_format="parquet")
"""
# As its tutorial does it: dicts from a generator.
DLT_TUTORIAL = """
import csv
@dlt.resource(name="orders")
def orders():
    with open("{csv}") as f:
        yield from csv.DictReader(f)
p.run(orders())
"""
DLT_JSON = """
import json
@dlt.resource(name="records", max_table_nesting=0)
def records():
    with open("{ndjson}") as f:
        for line in f:
            yield json.loads(line)
p.run(records())
"""
# Its own source for services like this, as its documentation declares it.
DLT_PAGES = """
from dlt.sources.rest_api import rest_api_source
p.run(rest_api_source({{
    "client": {{"base_url": "{url}"}},
    "resources": [{{"name": "records", "max_table_nesting": 0, "endpoint": {{
        "path": "records", "data_selector": "data",
        "paginator": {{"type": "cursor", "cursor_path": "next", "cursor_param": "page"}}}}}}],
}}))
"""
# The best that its own ways allow, by hand: a table of Arrow for each page, Parquet between.
DLT_PAGES_BEST = """
import json, pyarrow as pa
from dlt.sources.helpers import requests
@dlt.resource(name="records")
def records():
    page = 1
    while page is not None:
        answer = requests.get("{url}/records", params={{"page": page}}).json()
        for record in answer["data"]:
            record["address"] = json.dumps(record["address"])
        yield pa.Table.from_pylist(answer["data"])
        page = answer["next"]
p.run(records(), loader_file_format="parquet")
"""


class Peers:
    def __init__(self, folder, data, server):
        self.folder, self.data, self.server = folder, data, server
        self.python = os.path.join(folder, "venv", "bin", "python")
        if not os.path.exists(os.path.join(folder, "venv", "ready")):
            print("installing the peers from PyPI", file=sys.stderr)
            venv.create(os.path.join(folder, "venv"), with_pip=True)
            subprocess.run([self.python, "-m", "pip", "install", "-q", *PACKAGES], check=True)
            # Only for some machines; later versions download their program from elsewhere.
            subprocess.run([self.python, "-m", "pip", "install", "-q", "sling-linux-amd64"],
                           check=False)
            open(os.path.join(folder, "venv", "ready"), "w").close()
        scanner = self.installed("duckdb_ext/**/postgres_scanner.duckdb_extension")
        self.values = {"extension": scanner or "postgres", "dsn": server.tcp_url(),
                       # dlt insists on a password; the server asks for none.
                       "login": server.tcp_url().replace("etl@", "etl:none@"),
                       "csv": data.csv, "ndjson": data.ndjson, "folder": os.path.join(folder, "dlt")}

    def installed(self, name):
        found = glob.glob(os.path.join(self.folder, "venv", "lib", "python3*", "site-packages", name),
                          recursive=True)
        return found[0] if found else None

    def fresh(self):
        shutil.rmtree(self.values["folder"], ignore_errors=True)
        self.server.sql("set client_min_messages = warning; "
                        "drop schema if exists peer, peer_staging cascade; create schema peer")

    def fresh_with_table(self):
        self.fresh()
        self.server.sql("create table peer.orders as select order_id, customer_id, created_at, day, "
                        "status, country, currency, sku, quantity, amount, tax, paid, email, note "
                        "from etl.orders limit 0")

    def script(self, name, text, **more):
        """Writes a script and gives the command that runs it."""
        path = os.path.join(self.folder, f"peer-{name}.py")
        values = dict(self.values, name=name.replace("-", "_"), **more)
        with open(path, "w") as out:
            out.write(text.format(**dict(values, **{k: v.format(**values) for k, v in more.items()})))
        return [self.python, path]

    def duckdb(self, name, sql):
        return self.script(name, DUCKDB, sql=sql)

    def dlt(self, name, body):
        return self.script(name, DLT, body=body)

    def csv(self):
        from groups import Contender
        return [
            Contender("DuckDB, create table as", self.duckdb("duck-new", DUCKDB_NEW), reset=self.fresh),
            Contender("DuckDB, into an existing table", self.duckdb("duck-old", DUCKDB_OLD),
                      reset=self.fresh_with_table),
            Contender("pyarrow and ADBC", self.script("adbc", ADBC), reset=self.fresh),
            Contender("dlt, Arrow, Parquet and ADBC", self.dlt("dlt-best", DLT_BEST), reset=self.fresh),
            Contender("dlt as in its tutorial", self.dlt("dlt-tutorial", DLT_TUTORIAL),
                      reset=self.fresh, runs=1),
            *self.sling(Contender),
        ]

    def json(self):
        from groups import Contender
        return [
            Contender("DuckDB, create table as", self.duckdb("duck-json", DUCKDB_JSON),
                      reset=self.fresh),
            Contender("dlt as in its tutorial", self.dlt("dlt-json", DLT_JSON), reset=self.fresh,
                      runs=1),
        ]

    def pages(self, service, rows):
        from groups import Contender
        self.values["url"] = service.url

        def check():
            found = int(self.server.sql("select count(*) from peer.records"))
            if found != rows:
                raise RuntimeError(f"{found} rows in peer.records, not {rows}")

        return [
            Contender("dlt, Arrow tables made by hand", self.dlt("dlt-pages-best", DLT_PAGES_BEST),
                      reset=self.fresh, check=check),
            Contender("dlt, its rest_api source", self.dlt("dlt-pages", DLT_PAGES),
                      reset=self.fresh, check=check, runs=1),
        ]

    def sling(self, contender):
        found = self.installed("sling_linux_amd64/bin/sling-linux-amd64")
        if found is None:
            print("Sling's program cannot be had here: left out", file=sys.stderr)
            return []
        program = os.path.join(self.folder, "sling")
        shutil.copy(found, program)
        os.chmod(program, 0o755)
        return [contender("Sling", [program, "run", "--src-stream", "file://" + self.data.csv,
                                    "--tgt-conn", "PEER", "--tgt-object", "peer.orders"],
                          reset=self.fresh, env={"PEER": self.server.tcp_url() + "?sslmode=disable",
                                                 "SLING_DISABLE_TELEMETRY": "true"})]
