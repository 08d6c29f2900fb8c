#!/usr/bin/env python3
"""tests/support/refuser.py PORT FILE: answers each PostgreSQL client with the error that FILE has
for its database, in lines of DATABASE|CODE|TEXT, as poolers do that cannot run here. Prints `ready`
and then the database of each client that came."""

import socket
import struct
import sys

SSL_REQUEST = 80877103


def read_startup(client):
    """The parameters of the startup message, TLS declined before."""
    while True:
        (length,) = struct.unpack("!I", client.recv(4, socket.MSG_WAITALL))
        body = client.recv(length - 4, socket.MSG_WAITALL)
        if struct.unpack("!I", body[:4])[0] != SSL_REQUEST:
            words = body[4:].split(b"\0")
            return dict(zip(words[0::2], words[1::2]))
        client.sendall(b"N")


def main():
    with open(sys.argv[2], encoding="utf-8") as file:
        lines = [line.rstrip("\n").split("|", 2) for line in file]
    answers = {name.encode(): (code, text) for name, code, text in lines}
    server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    print("ready", flush=True)
    while True:
        client, _ = server.accept()
        with client:
            database = read_startup(client)[b"database"]
            print("client", database.decode(), flush=True)
            code, text = answers[database]
            fields = f"SFATAL\0VFATAL\0C{code}\0M{text}\0\0".encode()
            client.sendall(b"E" + struct.pack("!I", len(fields) + 4) + fields)


main()
