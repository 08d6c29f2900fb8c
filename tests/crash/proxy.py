#!/usr/bin/env python3
"""tests/crash/proxy.py LISTEN_PORT SERVER_PORT MODE N: a TCP proxy in front of PostgreSQL that loses
the answer to the N-th COMMIT that passes, as a network does. Of all COMMITs for swallow, of those
that end a transaction with a COPY for cut.

  swallow   the server answers; the client sees its connection close instead of the answer
  cut       the client's connection closes as soon as COMMIT is on its way; the server's stays open,
            so that the server does not notice and the COMMIT runs on

Only the shape of messages is read (a type byte and a length); everything else passes as it is."""

import selectors
import socket
import struct
import sys


class Link:
    """One client connection and its server connection."""

    def __init__(self, client, server):
        self.client, self.server = client, server
        self.pending = b""      # bytes from the client that are not a whole message yet
        self.started = False    # the first message has no type byte
        self.lost = False       # from now on nothing reaches the client
        self.copied = False     # the transaction has seen rows

    def messages(self, data):
        """The whole messages that the client has sent so far: (type, body)."""
        self.pending += data
        while True:
            header = 5 if self.started else 4
            if len(self.pending) < header:
                return
            (length,) = struct.unpack("!I", self.pending[header - 4:header])
            total = length + header - 4
            if len(self.pending) < total:
                return
            kind = self.pending[:1] if self.started else b""
            body = self.pending[header:total]
            self.pending = self.pending[total:]
            # SSLRequest and the like are followed by another message without a type.
            if not self.started and body[:2] == b"\x00\x03":
                self.started = True
            yield kind, body


def is_commit(kind, body):
    if kind == b"Q":
        text = body
    elif kind == b"P":
        text = body.split(b"\0", 2)[1]
    else:
        return False
    return text.strip(b"\0 ;\n").upper().startswith(b"COMMIT")


def main():
    listen, server_port, mode, countdown = (
        int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
    selector = selectors.DefaultSelector()
    listener = socket.create_server(("127.0.0.1", listen))
    selector.register(listener, selectors.EVENT_READ, None)
    print("ready", flush=True)

    def close(sock):
        if sock in selector.get_map():
            selector.unregister(sock)
        sock.close()

    while True:
        for key, _ in selector.select():
            link = key.data
            if link is None:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", server_port))
                link = Link(client, server)
                for sock in (client, server):
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    selector.register(sock, selectors.EVENT_READ, link)
                continue
            try:
                data = key.fileobj.recv(65536)
            except OSError:
                data = b""
            if key.fileobj is link.client:
                if not data:
                    close(link.client)
                    close(link.server)
                    continue
                for kind, body in link.messages(data):
                    if kind == b"d":
                        link.copied = True
                    elif is_commit(kind, body):
                        if link.copied or mode == "swallow":
                            countdown -= 1
                        link.copied = False
                        if countdown == 0:
                            countdown = -1
                            print("lost", flush=True)
                            link.lost = True
                link.server.sendall(data)
                if link.lost and mode == "cut":
                    close(link.client)
            elif link.lost:
                # The server's answer to COMMIT, or its goodbye: nobody hears it.
                if mode == "swallow":
                    close(link.client)
                    close(link.server)
                elif not data:
                    close(link.server)
            elif not data:
                close(link.client)
                close(link.server)
            else:
                try:
                    link.client.sendall(data)
                except OSError:
                    close(link.client)
                    close(link.server)


main()
