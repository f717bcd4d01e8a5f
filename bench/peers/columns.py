#!/usr/bin/env python3
"""Writes a table of 40 mixed columns, for measuring how fast it is read and made
features of, beside pandas' read_csv on the same file.

    python3 bench/peers/columns.py write /tmp/mixed.csv [rows] [levels]
    python3 bench/peers/columns.py read /tmp/mixed.csv

levels are how many each of the eight categories has, with commas between. The file is
the same each time. Then, on two threads (`-test.cpu`):

    go test -c -o /tmp/bench.test ./bench
    DLAM_TABLE=/tmp/mixed.csv /usr/bin/time -v /tmp/bench.test -test.run '^$' -test.bench Columns -test.benchtime 1x -test.cpu 2

Needs NumPy and pandas.
"""
import resource, sys, time
import numpy as np
import pandas as pd

ROWS, LEVELS = 1_000_000, [3, 4, 6, 10, 20, 50, 100, 200]


def write(path, rows=ROWS, levels=LEVELS):
    r = np.random.default_rng(17)
    part = 50_000  # rows that are in memory at a time
    for at in range(0, rows, part):
        table(r, min(part, rows - at), levels).to_csv(path, index=False, header=at == 0, mode="w" if at == 0 else "a")


def table(r, n, levels):
    """n rows: 20 numbers, six of them with gaps, four whole numbers, eight categories,
    one of them with gaps, four truth values, four dates and times, and a label."""
    d = {}
    for j in range(20):
        v = r.standard_normal(n)
        if j % 5 == 4: v = np.exp(2 * v)  # a heavy tail
        if j < 8: v = np.round(v * 100, 2)  # as people write them
        elif j < 14: v = np.round(v, 6)
        if j % 3 == 1: v[r.random(n) < 0.05] = np.nan
        d["number%d" % j] = v
    for j, high in enumerate([10, 100, 10_000, 10_000_000]):
        d["count%d" % j] = r.integers(0, high, n)
    for j, k in enumerate(levels):
        names = np.array(["level %d" % i for i in range(k)], dtype=object)
        v = names[(k * r.random(n) ** 2).astype(int)]
        if j == 2: v[r.random(n) < 0.03] = None
        d["category%d" % j] = v
    for j in range(4):
        d["flag%d" % j] = np.array(["False", "True"])[(r.random(n) < 0.1 * (j + 1)).astype(int)]
    seconds = r.integers(0, 10 * 365 * 86400, (4, n))
    start = np.datetime64("2014-01-01T00:00:00")
    for j in range(4):
        v = start + seconds[j].astype("m8[s]")
        d["time%d" % j] = np.datetime_as_string(v.astype("M8[D]")) if j < 2 else np.char.replace(np.datetime_as_string(v), "T", " ")
    d["label"] = np.where(d["number0"] + 50 * r.standard_normal(n) > 0, "yes", "no")
    return pd.DataFrame(d)


def read(path):
    start, processor = time.time(), time.process_time()
    d = pd.read_csv(path)
    print("%d rows, %d columns: %.2f s, %.2f s of processor time, peak %.0f MB" % (*d.shape, time.time() - start, time.process_time() - processor, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(sys.argv[2], *[int(a) for a in sys.argv[3:4]], *[[int(k) for k in a.split(",")] for a in sys.argv[4:5]])
    else:
        read(sys.argv[2])
