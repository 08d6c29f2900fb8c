"""Running one contender: wall time, CPU time of all its processes, and their peak memory.

Memory is the sum of the peaks (VmHWM) of all processes that live at the same time, read from /proc
while they run: an upper bound of what they held together, in which what they share counts for each
of them. The database server is not part of it; it is nobody's client."""

import os
import statistics
import subprocess
import tempfile
import threading
import time

SAMPLE_S = 0.02


def _family(pid, found):
    found.append(pid)
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as children:
                for child in children.read().split():
                    _family(int(child), found)
    except OSError:
        pass
    return found


def _peak_kb(pid):
    try:
        with open(f"/proc/{pid}/status") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1])
    except OSError:
        pass
    return 0


class Result:
    def __init__(self, seconds, cpu, peak_mb):
        self.seconds, self.cpu, self.peak_mb = seconds, cpu, peak_mb


class _Sampler(threading.Thread):
    """Looks at a family of processes until told that it is gone."""

    def __init__(self, pid):
        super().__init__()
        self.pid, self.gone, self.peak_kb = pid, threading.Event(), 0

    def run(self):
        while not self.gone.wait(SAMPLE_S):
            self.peak_kb = max(self.peak_kb, sum(map(_peak_kb, _family(self.pid, []))))


def run(argv, env=None, cwd=None):
    """One run; raises with what the program said when it fails."""
    with tempfile.TemporaryFile() as said:
        started = time.monotonic()
        child = subprocess.Popen(argv, env=dict(os.environ, **(env or {})), cwd=cwd, stdout=said,
                                 stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        sampler = _Sampler(child.pid)
        sampler.start()
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        sampler.gone.set()
        sampler.join()
        if child.returncode != 0:
            said.seek(0)
            text = said.read().decode(errors="replace")
            raise RuntimeError(f"{' '.join(argv)}: exit {child.returncode}\n{text}")
    return Result(seconds, usage.ru_utime + usage.ru_stime, sampler.peak_kb / 1024)


def median(results):
    return Result(statistics.median(r.seconds for r in results),
                  statistics.median(r.cpu for r in results),
                  max(r.peak_mb for r in results))
