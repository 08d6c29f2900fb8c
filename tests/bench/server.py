"""A private PostgreSQL for the benchmark, with the durability that it ships with: fsync,
synchronous_commit and full_page_writes are on. Changed are only max_wal_size (so that no checkpoint
falls into a measurement; one is made before each) and shared_buffers."""

import atexit
import glob
import os
import pwd
import shutil
import socket
import subprocess
import tempfile

SETTINGS = """
listen_addresses = '127.0.0.1'
shared_buffers = 256MB
max_wal_size = 8GB
checkpoint_timeout = 1h
autovacuum = off
"""


class Server:
    def __init__(self, folder):
        os.makedirs(folder, exist_ok=True)
        self.bin = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        # The data lies beside the benchmark's files (a /tmp in memory would flatter everybody).
        self.data = tempfile.mkdtemp(dir=folder, prefix="pg-")
        self.sockets = tempfile.mkdtemp(prefix="etlhost-bench-")
        os.chmod(self.data, 0o700)
        self.prefix = []
        if os.getuid() == 0:
            nobody = pwd.getpwnam("nobody")
            for path in (self.data, self.sockets):
                os.chown(path, nobody.pw_uid, nobody.pw_gid)
            self.prefix = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._must("initdb", "-D", self.data, "-U", "etl", "-A", "trust", "-E", "UTF8",
                   "--locale=C.UTF-8")
        with open(os.path.join(self.data, "postgresql.conf"), "a") as conf:
            conf.write(SETTINGS + f"port = {self.port}\nunix_socket_directories = '{self.sockets}'\n")
        atexit.register(self.stop)
        self._must("pg_ctl", "-D", self.data, "-l", self.data + "/log", "-w", "start")

    def _must(self, program, *words):
        subprocess.run(self.prefix + [os.path.join(self.bin, program), *words], check=True,
                       stdout=subprocess.DEVNULL, cwd="/")

    def stop(self):
        subprocess.run(self.prefix + [os.path.join(self.bin, "pg_ctl"), "-D", self.data, "-m",
                       "immediate", "stop"], stdout=subprocess.DEVNULL, cwd="/", check=False)
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.rmtree(self.sockets, ignore_errors=True)

    # By socket, as a local client would; etlhost and psql get the same one.
    def url(self):
        return f"postgresql://etl@/postgres?host={self.sockets}&port={self.port}"

    def tcp_url(self):
        return f"postgresql://etl@127.0.0.1:{self.port}/postgres"

    def psql(self, *words):
        # The program itself: the one in PATH is a wrapper, which would be measured too.
        return [os.path.join(self.bin, "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", self.url(), *words]

    def sql(self, text):
        done = subprocess.run(self.psql("-A", "-t", "-c", text), check=True, capture_output=True,
                              text=True)
        return done.stdout.strip()
