#!/usr/bin/env python3
"""tests/dlt/pipeline.py URL FOLDER: fills the dataset `shop` of a PostgreSQL with dlt, as its users
do: orders are merged by their key and have children, events are appended, exports come from files
of FOLDER, which are made here and bear a time of 2024."""

import csv
import os
import sys

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"

import dlt  # noqa: E402
from dlt.sources.filesystem import filesystem  # noqa: E402

WRITTEN = 1714557600  # 2024-05-01T10:00:00Z


@dlt.resource(name="orders", write_disposition="merge", primary_key="id")
def orders(updated_at=dlt.sources.incremental("updated_at", "2024-01-01T00:00:00Z")):
    for i in range(1, 6):
        yield {"id": i, "updated_at": f"2024-03-0{i}T10:00:00Z", "amount": i * 1.5,
               "customer": {"name": f"n{i}"}, "items": [{"sku": "a", "n": i}, {"sku": "b", "n": 2}]}


@dlt.resource(name="events", write_disposition="append")
def events(seq=dlt.sources.incremental("seq")):
    for i in range(1, 8):
        yield {"seq": i, "kind": "click" if i % 2 else "view", "ok": True}


@dlt.transformer
def rows(items):
    for item in items:
        with item.open(mode="rt") as file:
            for row in csv.DictReader(file):
                yield {"id": int(row["id"]), "v": row["v"]}


def write_files(folder):
    os.makedirs(folder, exist_ok=True)
    for name, text in {"a.csv": "id,v\n1,a\n2,b\n", "b.csv": "id,v\n3,c\n"}.items():
        path = os.path.join(folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.utime(path, (WRITTEN, WRITTEN))


@dlt.source(name="shop")
def shop(folder):
    files = filesystem(bucket_url="file://" + os.path.abspath(folder), file_glob="*.csv",
                       incremental=dlt.sources.incremental("modification_date"))
    return orders, events, (files | rows).with_name("exports")


def main():
    url, folder = sys.argv[1:3]
    write_files(folder)
    pipeline = dlt.pipeline("shop_pipeline", destination=dlt.destinations.postgres(url),
                            dataset_name="shop", pipelines_dir=os.path.join(folder, ".dlt"))
    pipeline.run(shop(folder))
    pipeline.run(shop(folder))  # nothing new: its state is read back


main()
