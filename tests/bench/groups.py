"""What is measured. A group is a list of contenders that run in turn, each run preceded by a reset
and a CHECKPOINT; the first one is what the others are compared with."""

import os
import shutil
import sys

import measure
from data import COLUMNS
from table import Line

ETLHOST = os.path.abspath("build/etlhost")
NAMES = ",".join(name for name, _ in COLUMNS)
TABLE = 'etl."orders"'


class Contender:
    """runs: fewer than the others', for what takes minutes. most_mb: the benchmark fails where its
    processes ever had more memory."""

    def __init__(self, name, argv, goal=None, reset=None, cwd=None, env=None, check=None, runs=None,
                 most_mb=None):
        self.name, self.argv, self.goal, self.runs = name, argv, goal, runs
        self.most_mb = most_mb
        self.reset, self.cwd, self.env, self.check = reset, cwd, env, check
        self.results = []


class Bench:
    def __init__(self, folder, data, server, runs, peers):
        self.folder, self.data, self.server = folder, data, server
        self.runs, self.peers = runs, peers
        self.broken = []  # bounds that did not hold
        # A folder with no project above it, in which the files have short names, as where people
        # work: the name stands in every row.
        self.outside = server.sockets
        for path in data.all():
            os.symlink(path, os.path.join(self.outside, os.path.basename(path)))

    def load(self, files, table, url, *more):
        files = map(os.path.basename, [files] if isinstance(files, str) else files)
        return [ETLHOST, "load", *files, "--into", table, "--destination", url, *more]

    def checkpoint(self):
        self.server.sql("checkpoint")

    def empty(self):
        """The same table for everybody, empty, and a bookkeeping that is there but knows nothing."""
        self.server.sql(f"truncate {TABLE}, _etl.units, _etl.files")

    def make_table(self, source):
        """Let etlhost make the table from the data, once."""
        self.server.sql("set client_min_messages = warning; drop schema if exists _etl cascade; "
                        f"drop table if exists {TABLE}")
        measure.run(self.load(source, "orders", self.server.url()), cwd=self.outside)

    def loaded(self, rows):
        def check():
            found = int(self.server.sql(f"select count(*) from {TABLE}"))
            if found != rows:
                raise RuntimeError(f"{found} rows in the table, not {rows}")
        return check

    def compete(self, title, rows, contenders):
        """Runs them in turn; gives (title, lines)."""
        for n in range(self.runs):
            for one in contenders:
                if one.runs and n >= one.runs:
                    continue
                if one.reset:
                    one.reset()
                self.checkpoint()
                one.results.append(measure.run(one.argv, env=one.env, cwd=one.cwd or self.outside))
                if one.check and n == 0:
                    one.check()
                print(f"  {title}: {one.name} {one.results[-1].seconds:.2f} s", file=sys.stderr)
        for one in contenders:
            peak = measure.median(one.results).peak_mb
            if one.most_mb and peak > one.most_mb:
                self.broken.append(f"{one.name}: {peak:.0f} MB of memory, more than {one.most_mb}")
        base = contenders[0]
        base_result = measure.median(base.results)
        return title, [Line(one.name, measure.median(one.results), rows,
                            base_result if one is not base else None, base.name, one.goal)
                       for one in contenders]

    def copy_all(self):
        """The very rows that etlhost loads, its added columns in the file too."""
        path = os.path.join(self.folder, "all-columns.csv")
        measure.run(self.server.psql("-c", f"\\copy {TABLE} to '{path}' (format csv, header)"))
        return path

    def copy(self, path):
        return self.server.psql("-c", f"\\copy {TABLE} ({NAMES}) from '{path}' (format csv, header)")


def both(*commands):
    """One shell that runs commands at the same time and fails when one does."""
    words = [" ".join("'" + w.replace("'", "'\\''") + "'" for w in c) for c in commands]
    return ["sh", "-c", " & ".join(words) + " & wait -n && wait -n"]


def csv_postgres(b):
    b.make_table(b.data.csv)
    full = b.copy_all()
    url, check = b.server.url(), b.loaded(b.data.rows)
    contenders = [
        Contender("\\copy", b.copy(b.data.csv), reset=b.empty, check=check),
        Contender("etlhost, one lane", b.load(b.data.csv, "orders", url, "--lanes", "1"),
                  goal="0.75", reset=b.empty, check=check),
        Contender("etlhost, two lanes", b.load(b.data.csv, "orders", url, "--lanes", "2"),
                  goal="0.52", reset=b.empty, check=check),
        Contender("\\copy, etlhost's four columns in the file too",
                  b.server.psql("-c", f"\\copy {TABLE} from '{full}' (format csv, header)"),
                  reset=b.empty, check=check),
        Contender("two psql, half each", ["bash", *both(*map(b.copy, b.data.halves))[1:]],
                  reset=b.empty, check=check),
    ]
    if b.peers:
        contenders += b.peers.csv()
    return b.compete("CSV -> Postgres", b.data.rows, contenders)


def gzip_postgres(b):
    b.make_table(b.data.csv)
    url, check = b.server.url(), b.loaded(b.data.rows)
    by_psql = []
    for part in b.data.parts:
        by_psql += ["-c", f"\\copy {TABLE} ({NAMES}) from program 'zcat {part}' (format csv, header)"]
    return b.compete("eight gzipped CSV files -> Postgres", b.data.rows, [
        Contender("zcat and \\copy", b.server.psql(*by_psql), reset=b.empty, check=check),
        Contender("etlhost, one lane", b.load(b.data.parts, "orders", url, "--lanes", "1"),
                  reset=b.empty, check=check),
        Contender("etlhost, two lanes", b.load(b.data.parts, "orders", url, "--lanes", "2"),
                  reset=b.empty, check=check),
    ])


BY_SQL = """insert into etl.records select (j->>'order_id')::bigint, (j->>'customer_id')::bigint,
 (j->>'created_at')::timestamptz, j->>'status', (j->>'amount')::numeric, (j->>'paid')::boolean,
 j->>'note', j->'address' from etl.lines"""


def json_postgres(b):
    url, rows = b.server.url(), b.data.json_rows

    def fresh():
        b.server.sql("set client_min_messages = warning; drop schema if exists _etl, etl cascade; "
                     "create schema etl; create table etl.lines (j jsonb); "
                     "create table etl.records (order_id bigint, customer_id bigint, "
                     "created_at timestamptz, status text, amount numeric, paid boolean, note text, "
                     "address jsonb)")

    def bare():
        b.server.sql("set client_min_messages = warning; drop schema if exists _etl, etl cascade")

    # Quote and delimiter are bytes that JSON text cannot hold: each line is one value.
    copy = f"\\copy etl.lines from '{b.data.ndjson}' (format csv, quote e'\\x01', delimiter e'\\x02')"
    contenders = [
        Contender("\\copy into jsonb, then SQL", b.server.psql("-c", copy, "-c", BY_SQL), reset=fresh),
        Contender("etlhost, one lane", b.load(b.data.ndjson, "records", url, "--lanes", "1"),
                  reset=bare),
        Contender("etlhost, two lanes", b.load(b.data.ndjson, "records", url, "--lanes", "2"),
                  reset=bare, goal="no slower than DuckDB"),
    ]
    if b.peers:
        contenders += b.peers.json()
    return b.compete("NDJSON -> Postgres", rows, contenders)


def csv_sqlite(b):
    path = os.path.join(b.folder, "bench.db")
    kinds = {"bigint": "integer"}
    create = ", ".join(f"{name} {kinds.get(kind, 'text')}" for name, kind in COLUMNS)

    def clean():
        for end in ("", "-wal", "-shm", "-journal"):
            if os.path.exists(path + end):
                os.remove(path + end)

    by_shell = ["sqlite3", path, "pragma journal_mode = wal", f"create table orders ({create})",
                f".import --csv --skip 1 {b.data.csv} orders"]
    return b.compete("CSV -> SQLite", b.data.rows, [
        Contender("sqlite3 .import", by_shell, reset=clean),
        Contender("etlhost", b.load(b.data.csv, "orders", "sqlite:" + path), reset=clean,
                  goal="below 1"),
    ])


PIPELINES = {
    "no row function": "{}",
    "declared: rename, hash, keep": """{ rename = { note = "remark" }, hash = { "email" },
      keep = { currency = { "EUR", "PLN", "GBP", "USD", "JPY" } } }""",
    "a row function, two cells read, one written":
        "{ row = function(row) row.note = row.status .. row.country end }",
}


def functions(b):
    project = os.path.join(b.folder, "project")
    shutil.rmtree(project, ignore_errors=True)
    for folder in ("config/clients", "exports/orders", "pipelines"):
        os.makedirs(os.path.join(project, folder))
    os.link(b.data.csv, os.path.join(project, "exports/orders/orders.csv"))

    def write(name, text):
        with open(os.path.join(project, name), "w") as out:
            out.write(text)

    write("config/etlhost.yaml", "version: 1\n")
    write("config/clients/bench.yaml", 'version: 1\nid: "bench"\nname: Bench\nsources:\n'
          '  s3_exports:\n    url: "file:exports"\n    prefixes: { orders: {} }\n')

    def reset():
        b.server.sql("set client_min_messages = warning; drop schema if exists _etl, etl cascade")

    contenders = []
    for n, (name, resource) in enumerate(PIPELINES.items()):
        write(f"pipelines/{n}.lua",
              f'return require "etl.pipeline" {{ s3_exports = {{ orders = {resource} }} }}\n')
        contenders.append(Contender(name, [ETLHOST, "run", f"pipelines/{n}.lua", "--destination",
                                           b.server.url()], reset=reset, cwd=project))
    return b.compete("a pipeline, two lanes -> Postgres", b.data.rows, contenders)


def memory(b):
    import transfers
    b.make_table(b.data.csv)
    url = b.server.url()
    title, lines = b.compete("peak memory of all processes together, two lanes", None, [
        Contender(f"etlhost, {b.data.rows // 10:,} orders", b.load(b.data.tenth, "orders", url),
                  reset=b.empty, goal="below 96 MB", most_mb=96),
        Contender(f"etlhost, {b.data.rows:,} orders", b.load(b.data.csv, "orders", url),
                  reset=b.empty, goal="the same", most_mb=96),
    ])
    lines[1].base = None
    return title, lines + transfers.memory_services(b)[1]


def start(b):
    path = os.path.join(b.folder, "one.db")

    def clean():
        for end in ("", "-wal", "-shm"):
            if os.path.exists(path + end):
                os.remove(path + end)

    return b.compete("from the command to the first row", None, [
        Contender("psql -c 'select 1'", b.server.psql("-A", "-t", "-c", "select 1")),
        Contender("etlhost preview of one row", [ETLHOST, "preview", b.data.one_row], goal="30 ms"),
        Contender("etlhost load of one row into a new SQLite",
                  b.load(b.data.one_row, "orders", "sqlite:" + path), reset=clean),
    ])


def clients(b):
    """A thousand clients of one template: what an operator types all day."""
    project = os.path.join(b.folder, "clients")
    texts = {
        "config/etlhost.yaml": "version: 1\n",
        "config/templates/shop.yaml": "version: 1\ntimezone: Europe/Berlin\nsources:\n  shop:\n"
        "    use: s3_exports\n    prefixes: { orders: { columns: { amount: numeric } }, leads: {} }\n",
        "pipelines/sync.lua": 'return require "etl.pipeline" {}\n',
    }
    for n in range(1000):
        os.makedirs(os.path.join(project, f"exports/{n}"), exist_ok=True)
        texts[f"config/clients/{n}.yaml"] = (
            f'version: 1\nid: "{n}"\nname: Client {n}\nextends: shop\nsources:\n'
            f"  shop: {{ url: 'file:exports/{n}' }}\n")
    for name, text in texts.items():
        os.makedirs(os.path.dirname(os.path.join(project, name)), exist_ok=True)
        with open(os.path.join(project, name), "w") as out:
            out.write(text)
    return b.compete("a project of 1,000 clients", None, [
        Contender("etlhost check", [ETLHOST, "check"], cwd=project, goal="1 s"),
        Contender("etlhost status", [ETLHOST, "status", "--destination", b.server.url()],
                  cwd=project, goal="1 s"),
    ])


ALL = {
    "csv": csv_postgres, "gzip": gzip_postgres, "json": json_postgres, "sqlite": csv_sqlite,
    "functions": functions, "memory": memory, "start": start,
    "clients": clients,
}
