"""Runs a program at a terminal of its own and types an answer at each question.

terminal.py PROGRAM ARGUMENT... <answers, a line each; prints what the terminal showed. A question is
output that ends in ": ". When the answers are used up, the terminal is closed. The exit status is the
program's.
"""
import os
import pty
import sys

answers = sys.stdin.read().split("\n")[:-1]
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
shown = b""
while True:
    try:
        part = os.read(terminal, 4096)
    except OSError:  # the other end is closed
        break
    if not part:
        break
    shown += part
    if shown.endswith(b": "):
        if not answers:
            os.write(terminal, b"\x04")
        else:
            os.write(terminal, answers.pop(0).encode() + b"\n")
_, status = os.waitpid(pid, 0)
sys.stdout.write(shown.decode(errors="replace").replace("\r\n", "\n"))
sys.exit(os.waitstatus_to_exitcode(status) & 0xFF)
