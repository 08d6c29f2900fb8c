"""The scripted server of the tests, playing a service. It ends with us."""

import os
import subprocess

SERVER = os.path.abspath("build/tests/http_server")


class Service:
    """scenario: a Lua file beside this one; options: what it reads as options.NAME."""

    def __init__(self, scenario, **options):
        words = [word for name, value in options.items() for word in ("--set", f"{name}={value}")]
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), scenario)
        self.child = subprocess.Popen([SERVER, path, *words], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)
        self.address = "127.0.0.1:" + self.child.stdout.readline().strip()
        self.url = "http://" + self.address

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.stdin.close()
        self.child.wait()
