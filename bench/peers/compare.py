#!/usr/bin/env python3
"""Runs this package's benchmarks and its peers in turn, several times, and prints medians and ratios.

    /usr/bin/python3 bench/peers/compare.py [--rounds 5] [--threads 1] [--only gemm,sweep,epoch,limit] [--coretype SKYLAKEX]

It needs Go, NumPy and PyTorch (Debian: python3-numpy, python3-torch, libopenblas0-pthread). Rates are of processor
time. What is better is above 1: the peer's time over ours, or our rate over the peer's.
"""
import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# what: our benchmarks, iterations of each, the peer's script
WORK = {
    "limit": ("Limit", "20x", None),
    "gemm": ("Product|Outer", "5x", "gemm.py"),
    "sweep": ("Sweep/196", "10x", "dlam.py"),
    "wide": ("Sweep/784", "3x", None),
    "epoch": ("Epoch", "2x", "adam.py"),
}
UNITS = {"GFLOP/s", "GB/s", "CPU-ms/op"}


def output(command, env):
    return subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE, text=True).stdout


def ours(binary, pattern, times, threads, env):
    text = output([binary, "-test.run", "^$", "-test.bench", pattern, "-test.benchtime", times, "-test.cpu", str(threads)], env)
    for line in text.splitlines():
        words = line.split()
        if not words or not words[0].startswith("Benchmark"):
            continue
        name = words[0].removeprefix("Benchmark")
        if threads > 1:
            name = re.sub(rf"-{threads}$", "", name)
        for value, unit in zip(words[1:], words[2:]):
            if unit in UNITS:
                yield name, unit, float(value)


def theirs(script, env):
    for line in output([sys.executable, str(HERE / script)], env).splitlines():
        name, value, unit = line.split()
        yield name, unit, float(value)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", default=",".join(WORK))
    parser.add_argument("--coretype", help="OpenBLAS's kernels: an old one takes a new processor for a very old one "
                        "(NumPy under 50 GFLOP/s with AVX-512: try SKYLAKEX)")
    arguments = parser.parse_args()
    unknown = set(arguments.only.split(",")) - set(WORK)
    if unknown:
        parser.error(f"--only: got {', '.join(sorted(unknown))}, want some of {', '.join(WORK)}")
    env = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    # A first b.Loop runs before -test.cpu takes effect.
    env |= {"OPENBLAS_NUM_THREADS": str(arguments.threads), "OMP_NUM_THREADS": "1", "GOMAXPROCS": str(arguments.threads)}
    if arguments.coretype:
        env["OPENBLAS_CORETYPE"] = arguments.coretype
    # glibc would give each batch's memory back and take it again: PyTorch's epoch took four times as long.
    env |= {"MALLOC_TRIM_THRESHOLD_": str(1 << 32), "MALLOC_MMAP_THRESHOLD_": str(1 << 32)}
    mine, peers = defaultdict(list), defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        binary = os.path.join(folder, "bench.test")
        subprocess.run(["go", "test", "-c", "-o", binary, "./bench"], cwd=ROOT, check=True)
        for _ in range(arguments.rounds):
            for what in arguments.only.split(","):
                pattern, times, script = WORK[what]
                for name, unit, value in ours(binary, pattern, times, arguments.threads, env):
                    mine[name, unit].append(value)
                for name, unit, value in theirs(script, env) if script else ():
                    peers[name, unit].append(value)
    print(f"{'work':32s} {'unit':10s} {'ours':>9s} {'peer':>9s} {'ratio':>6s}")
    for (name, unit), values in mine.items():
        row = f"{name:32s} {unit:10s} {statistics.median(values):9.1f}"
        if (name, unit) in peers:
            ratios = [p / m if unit == "CPU-ms/op" else m / p for m, p in zip(values, peers[name, unit])]
            row += f" {statistics.median(peers[name, unit]):9.1f} {statistics.median(ratios):6.2f}"
        print(row)


if __name__ == "__main__":
    main()
