"""The one table: a line a contender, each with its comparison from the same run."""


class Line:
    def __init__(self, what, result, rows=None, base=None, base_name=None, goal=None):
        self.what, self.result, self.rows = what, result, rows
        self.base, self.base_name, self.goal = base, base_name, goal

    def cells(self):
        seconds = self.result.seconds
        ratio = f"{seconds / self.base.seconds:.2f}" if self.base else ""
        against = f"{self.base_name} {self.base.seconds:.2f} s" if self.base else ""
        rate = f"{self.rows / seconds:,.0f}" if self.rows else ""
        time = f"{seconds * 1000:.1f} ms" if seconds < 0.1 else f"{seconds:.2f} s"
        return [self.what, time, rate, ratio, against, self.goal or "",
                f"{self.result.peak_mb:.0f} MB" if self.result.peak_mb else "", f"{self.result.cpu:.2f} s"]


HEAD = ["", "time", "rows/s", "ratio", "to", "goal", "peak", "client CPU"]


def text(groups):
    """groups: list of (title, lines)."""
    rows = [HEAD]
    for title, lines in groups:
        rows.append([title])
        rows.extend([["  " + c[0]] + c[1:] for c in (line.cells() for line in lines)])
    widths = [max(len(r[i]) for r in rows if len(r) > 1) for i in range(len(HEAD))]
    left = {0, 4, 5}
    out = []
    for row in rows:
        if len(row) == 1:
            out.append(row[0])
            continue
        out.append("  ".join(c.ljust(w) if i in left else c.rjust(w)
                             for i, (c, w) in enumerate(zip(row, widths))).rstrip())
    return "\n".join(out)
