#!/usr/bin/python3
"""tests/support/http2.py CERT KEY LOG: an HTTP/2 server that misbehaves by its paths. Prints its port;
ends when its standard input does. LOG has a line of JSON for each request, with its connection."""

import gzip
import hashlib
import hmac
import json
import socket
import ssl
import sys
import threading
import urllib.parse

import h2.config
import h2.connection
import h2.events

INTERNAL_ERROR, REFUSED_STREAM = 2, 7
seen = {}
lock = threading.Lock()


def log(entry):
    with lock, open(sys.argv[3], "a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


def first(path):
    """Is it the first request of this path, on whichever connection?"""
    with lock:
        seen[path] = seen.get(path, 0) + 1
        return seen[path] == 1


def is_signed(headers, secret):
    """AWS signature version 4 of a GET, worked out once more; :authority is its host."""
    words = dict(part.split("=", 1) for part in headers["authorization"].split(" ", 1)[1].split(", "))
    path, _, query = headers[":path"].partition("?")
    names = words["SignedHeaders"].split(";")
    values = dict(headers, host=headers[":authority"])
    canonical = ["GET", path, "&".join(sorted(query.split("&"))),
                 *(f"{name}:{values[name].strip()}" for name in names), "",
                 words["SignedHeaders"], values["x-amz-content-sha256"]]
    scope = words["Credential"].split("/", 1)[1]
    text = "\n".join(["AWS4-HMAC-SHA256", values["x-amz-date"], scope,
                      hashlib.sha256("\n".join(canonical).encode()).hexdigest()])
    key = b"AWS4" + secret.encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, text.encode(), "sha256").hexdigest() == words["Signature"]


def rows(begin, count):
    return json.dumps({"data": [{"id": i} for i in range(begin, begin + count)]}).encode()


class Connection:
    def __init__(self, number, sock):
        self.number, self.sock, self.open = number, sock, True
        # What is sent may be wrong: that is the point.
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, validate_outbound_headers=False)
        )
        self.requests, self.bodies, self.waiting = {}, {}, {}

    def flush(self):
        self.sock.sendall(self.h2.data_to_send())

    def head(self, stream, status=200, headers=(), end=False):
        named = [(":status", str(status)), ("content-type", "application/json"), *headers]
        self.h2.send_headers(stream, named, end_stream=end)

    def send(self, stream, body):
        """As much as the windows have room for; the rest when they open."""
        size = self.h2.max_outbound_frame_size
        while body:
            room = min(self.h2.local_flow_control_window(stream), size)
            if room == 0:
                self.waiting[stream] = body
                return
            self.h2.send_data(stream, body[:room], end_stream=len(body) <= room)
            body = body[room:]
        self.waiting.pop(stream, None)

    def reply(self, stream, body, headers=()):
        self.head(stream, headers=[("content-length", str(len(body))), *headers])
        self.send(stream, body)

    def part(self, stream, length):
        """The head of an answer of so many bytes, and ten of them."""
        self.head(stream, headers=[("content-length", str(length))])
        self.h2.send_data(stream, b'{"data":[{')

    def leave(self):
        self.flush()
        self.sock.shutdown(socket.SHUT_WR)
        self.open = False

    def bucket(self, stream, headers, query):
        if not is_signed(headers, "the/secret"):
            self.head(stream, 403, end=True)
        elif "list-type" in query:
            self.reply(stream, b"<ListBucketResult><IsTruncated>false</IsTruncated><Contents>"
                       b"<Key>orders/a b.csv</Key><Size>10</Size><ETag>&quot;e1&quot;</ETag>"
                       b"<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
                       b"</ListBucketResult>")
        else:
            self.reply(stream, b"id,v\n1,a\n\n", [("etag", '"e1"')])

    def answer(self, stream, headers, body):
        target = urllib.parse.urlsplit(headers[":path"])
        query = dict(urllib.parse.parse_qsl(target.query))
        path, once = target.path, first(target.path)
        if path == "/page":
            self.reply(stream, rows(int(query["n"]) * 1000, 1000))
        elif path == "/gzip":
            self.reply(stream, gzip.compress(rows(1, 5)), [("content-encoding", "gzip")])
        elif path == "/gzip-cut":
            self.reply(stream, gzip.compress(rows(1, 5))[:-9], [("content-encoding", "gzip")])
        elif path == "/bomb":
            self.reply(stream, gzip.compress(bytes(1 << 26)), [("content-encoding", "gzip")])
        elif path == "/reset" and once:
            self.part(stream, 1000)
            self.h2.reset_stream(stream, INTERNAL_ERROR)
        elif path == "/refused" and once:
            self.h2.reset_stream(stream, REFUSED_STREAM)
        elif path == "/goaway" and once:
            self.h2.close_connection(last_stream_id=stream - 2)
            self.leave()
        elif path == "/goaway-in-the-middle" and once:
            self.part(stream, 1000)
            self.h2.close_connection(last_stream_id=stream)
            self.leave()
        elif path == "/goaway-behind":
            self.reply(stream, rows(1, 5))
            self.h2.close_connection(last_stream_id=stream)
            self.leave()
        elif path == "/short":
            self.part(stream, 1000)
            self.h2.send_data(stream, b"", end_stream=True)
        elif path == "/without-end":
            self.head(stream)
            self.h2.send_data(stream, rows(1, 5))
            self.leave()
        elif path == "/away":
            self.head(stream, 302, [("location", query["to"])], end=True)
        elif path.startswith("/bucket"):
            self.bucket(stream, headers, query)
        elif path == "/echo":
            self.reply(stream, json.dumps({"headers": headers, "body": body.decode()}).encode())
        else:
            self.reply(stream, rows(1, 5))

    def on_event(self, event):
        stream = getattr(event, "stream_id", None)
        if isinstance(event, h2.events.RequestReceived):
            self.requests[stream] = {k.decode(): v.decode() for k, v in event.headers}
            self.bodies[stream] = b""
        elif isinstance(event, h2.events.DataReceived):
            self.bodies[stream] += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, stream)
        elif isinstance(event, h2.events.StreamEnded):
            headers = self.requests[stream]
            log({"connection": self.number, "stream": stream, "headers": headers,
                 "body": self.bodies[stream].decode()})
            self.answer(stream, headers, self.bodies[stream])
        elif isinstance(event, h2.events.WindowUpdated):
            for one in [stream] if stream else list(self.waiting):
                if one in self.waiting:
                    self.send(one, self.waiting[one])
        elif isinstance(event, h2.events.StreamReset):
            self.waiting.pop(stream, None)

    def serve(self):
        self.h2.initiate_connection()
        self.flush()
        while self.open:
            data = self.sock.recv(65536)
            if not data:
                break
            for event in self.h2.receive_data(data):
                if self.open:
                    self.on_event(event)
            if self.open:
                self.flush()
        while self.sock.recv(65536):
            pass


def serve(number, sock, context):
    try:
        with context.wrap_socket(sock, server_side=True) as tls:
            if tls.selected_alpn_protocol() == "h2":
                Connection(number, tls).serve()
    except OSError:
        pass


def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    context.set_alpn_protocols(["h2"])
    server = socket.create_server(("127.0.0.1", 0))
    print(server.getsockname()[1], flush=True)

    def accept():
        number = 0
        while True:
            number += 1
            sock, _ = server.accept()
            threading.Thread(target=serve, args=(number, sock, context), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


main()
