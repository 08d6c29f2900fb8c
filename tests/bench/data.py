"""The files that are measured: deterministic, made once under build/bench/data.

A million orders look like what a shop exports: ids, times with an offset, money with two decimals,
short words that repeat, an address that does not, and a note that is mostly empty. No field holds a
line break, so that the file can also be cut in two for a comparison."""

import gzip
import os
import random

COLUMNS = [
    ("order_id", "bigint"), ("customer_id", "bigint"), ("created_at", "timestamptz"),
    ("day", "date"), ("status", "text"), ("country", "text"), ("currency", "text"),
    ("sku", "text"), ("quantity", "bigint"), ("amount", "numeric"), ("tax", "numeric"),
    ("paid", "boolean"), ("email", "text"), ("note", "text"),
]
STATUS = ["new", "paid", "packed", "shipped", "delivered", "returned"]
COUNTRY = [("DE", "EUR"), ("AT", "EUR"), ("PL", "PLN"), ("GB", "GBP"), ("US", "USD"), ("JP", "JPY")]
NOTES = ["leave at the door", "ring twice", "gift, no invoice please", 'said ""call first""']


def orders(count):
    """Yields CSV lines without the header."""
    rng = random.Random(713)
    bits = rng.getrandbits
    for i in range(1, count + 1):
        r = bits(60)
        country, currency = COUNTRY[r % 6]
        r //= 6
        day, second = r % 365, bits(17) % 86400
        month, dom = day // 31 + 1, day % 28 + 1
        hour, minute, sec = second // 3600, second // 60 % 60, second % 60
        cents = bits(17) + 99
        quantity = 1 + bits(2)
        total = cents * quantity
        tax = total * 19 // 119
        note = f'"{NOTES[r % 4]}"' if r % 10 == 0 else ""
        yield (f"{i},{bits(20)},2025-{month:02d}-{dom:02d}T{hour:02d}:{minute:02d}:{sec:02d}+01:00,"
               f"2025-{month:02d}-{dom:02d},{STATUS[r % 6]},{country},{currency},"
               f"{r % 9000:04d}-SKU,{quantity},{total // 100}.{total % 100:02d},"
               f"{tax // 100}.{tax % 100:02d},{'true' if r % 3 else 'false'},"
               f"c{bits(24)}@mail.example.com,{note}\n")


def records(count):
    """Yields JSON lines: the same orders with one nested object."""
    rng = random.Random(714)
    bits = rng.getrandbits
    for i in range(1, count + 1):
        r = bits(40)
        country, currency = COUNTRY[r % 6]
        cents = bits(17) + 99
        yield (f'{{"order_id":{i},"customer_id":{bits(20)},'
               f'"created_at":"2025-{r % 12 + 1:02d}-{r % 28 + 1:02d}T{r % 24:02d}:{r % 60:02d}:07Z",'
               f'"status":"{STATUS[r % 6]}","amount":{cents // 100}.{cents % 100:02d},'
               f'"paid":{"true" if r % 3 else "false"},'
               f'"note":{"null" if r % 10 else chr(34) + "ring twice" + chr(34)},'
               f'"address":{{"country":"{country}","currency":"{currency}","zip":"{r % 99999:05d}",'
               f'"lines":["Street {r % 300}","Floor {r % 9}"]}}}}\n')


def header():
    return ",".join(name for name, _ in COLUMNS) + "\n"


class Data:
    """Paths of the files, which exist once it is made."""

    def __init__(self, folder, rows):
        self.rows, self.json_rows = rows, rows // 4
        self.folder = os.path.join(folder, str(rows))
        self.csv = self._path("orders.csv")
        self.tenth = self._path("tenth.csv")
        self.halves = [self._path(f"half-{n}.csv") for n in (1, 2)]
        self.parts = [self._path(f"part-{n}.csv.gz") for n in range(1, 9)]
        self.ndjson = self._path("orders.jsonl")
        self.one_row = self._path("one.csv")
        done = self._path("done")
        if not os.path.exists(done):
            os.makedirs(self.folder, exist_ok=True)
            self._make()
            open(done, "w").close()

    def all(self):
        return [self.csv, self.tenth, *self.halves, *self.parts, self.ndjson, self.one_row]

    def _path(self, name):
        return os.path.abspath(os.path.join(self.folder, name))

    def _make(self):
        with open(self.csv, "w") as whole, open(self.tenth, "w") as tenth:
            whole.write(header())
            tenth.write(header())
            for i, line in enumerate(orders(self.rows)):
                whole.write(line)
                if i < self.rows // 10:
                    tenth.write(line)
        self._split(self.halves, open)
        self._split(self.parts, lambda path, mode: gzip.GzipFile(
            filename="", fileobj=open(path, "wb"), mode="wb", compresslevel=6, mtime=0))
        with open(self.ndjson, "w") as out:
            out.writelines(records(self.json_rows))
        with open(self.one_row, "w") as out:
            out.write(header() + next(orders(1)))

    def _split(self, paths, opener):
        each = self.rows // len(paths)
        with open(self.csv, "rb") as whole:
            whole.readline()
            for n, path in enumerate(paths):
                out = opener(path, "wb")
                out.write(header().encode())
                last = n == len(paths) - 1
                for _ in range(self.rows - each * n if last else each):
                    out.write(whole.readline())
                out.close()
