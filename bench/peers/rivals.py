#!/usr/bin/env python3
"""sync beside AdamW, Muon and schedule-free AdamW, each rival tuned for each length of run.

Rates are chosen on the last 10,000 training pictures, of four each, and of further ones as long as the best is at an
edge; then three seeds of each method train on all 60,000 and are tested once. All methods have the same start, label
smoothing and random moves. Results are kept in --out, a line of JSON a run, and what is there is not run again, so that
the script may be stopped and go on. Time is processor time of the whole program, reading and the test included, which
other work on the machine changes least.

    go build -o dlam ./cmd/dlam
    DLAM_DATA_DIR=data python3 bench/peers/rivals.py --dlam ./dlam --out rivals.jsonl     # hours
    DLAM_DATA_DIR=data python3 bench/peers/rivals.py --out rivals.jsonl --table
"""
import argparse
import gzip
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile

from accuracy import NETWORKS

DENSE, CNN = NETWORKS["dense"], NETWORKS["cnn"]
WORKS = {  # name: data, network
    "MNIST 500,500": ("mnist", DENSE),
    "Fashion-MNIST 500,500": ("fashion-mnist", DENSE),
    "MNIST ten of 100": ("mnist", ["--hidden", ",".join(["100"] * 10)]),
    "MNIST convolutions": ("mnist", CNN),
    "Fashion-MNIST convolutions": ("fashion-mnist", CNN),
}
LENGTHS = [1, 2, 4, 10]
COMMON = ["--label-smoothing", "0.1", "--evaluate-every", "0", "--checkpoint-every", "never", "--quiet", "--json"]
RIVALS = {  # batch of dense networks and with convolutions, flags, rates
    "adamw": (64, 32, ["--schedule", "cosine", "--warm-up", "0.02"], [0.0005, 0.001, 0.002, 0.004]),
    "schedule-free": (64, 32, ["--warm-up", "0.02"], [0.00125, 0.0025, 0.005, 0.01]),
    "muon": (250, 125, ["--schedule", "cosine", "--warm-up", "0.02"], [0.01, 0.02, 0.05, 0.1]),
}
SEEDS = [0, 1, 2]


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--dlam", default="./dlam", help="the program")
    p.add_argument("--data-dir", default=os.environ.get("DLAM_DATA_DIR", "data"))
    p.add_argument("--out", default="rivals.jsonl", help="where results are kept")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--lengths", default=",".join(map(str, LENGTHS)), help="epochs")
    p.add_argument("--methods", default="adamw,schedule-free,muon,sync")
    p.add_argument("--works", default=";".join(WORKS), help="names of the table's first column, with ; between")
    p.add_argument("--table", action="store_true", help="print what is there, and run nothing")
    return p.parse_args()


def read(path):
    opener = gzip.open if os.path.exists(path + ".gz") else open
    with opener(path + ".gz" if opener is gzip.open else path, "rb") as f:
        return f.read()


def hold_back(folder, data, into):
    """The first 50,000 training pictures, and the last 10,000 in the place of the test set, as IDX files."""
    images, labels = read(os.path.join(folder, data, "train-images-idx3-ubyte")), read(os.path.join(folder, data, "train-labels-idx1-ubyte"))
    kept = 50000
    for part, lo, hi in (("train", 0, kept), ("t10k", kept, 60000)):
        count = (hi - lo).to_bytes(4, "big")
        with open(os.path.join(into, part + "-images-idx3-ubyte"), "wb") as f:
            f.write(images[:4] + count + images[8:16] + images[16 + lo * 784:16 + hi * 784])
        with open(os.path.join(into, part + "-labels-idx1-ubyte"), "wb") as f:
            f.write(labels[:4] + count + labels[8 + lo:8 + hi])
    return os.path.join(into, "train-images-idx3-ubyte")


class Runs:
    def __init__(self, a):
        self.a, self.done, self.held = a, {}, {}
        if os.path.exists(a.out):
            with open(a.out) as f:
                self.done = {json.dumps(r["key"]): r for r in map(json.loads, f)}

    def get(self, work, method, rate, epochs, seed, tuning):
        key = [work, method, rate, epochs, seed, tuning]
        if json.dumps(key) in self.done or self.a.table:
            return self.done.get(json.dumps(key))
        data, network = WORKS[work]
        if tuning:
            if data not in self.held:
                self.held[data] = tempfile.TemporaryDirectory()
                hold_back(self.a.data_dir, data, self.held[data].name)
            data = os.path.join(self.held[data].name, "train-images-idx3-ubyte")
        flags = []
        if method != "sync":
            dense, shared, flags, _ = RIVALS[method]
            flags = ["--batch", str(shared if network == CNN else dense), "--lr", str(rate), *flags]
        with tempfile.TemporaryDirectory() as folder:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            out = subprocess.run([self.a.dlam, "train", "--data", data, "--data-dir", self.a.data_dir, *network, "--solver", method,
                                  "--iterations", str(epochs), "--seed", str(seed), "--threads", str(self.a.threads),
                                  "--run", os.path.join(folder, "run"), *COMMON, *flags], stdout=subprocess.PIPE)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
        result = json.loads(out.stdout) if out.returncode == 0 else {}
        r = {"key": key, "test": result.get("test_accuracy", 0), "seconds": result.get("seconds", 0),
             "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}
        self.done[json.dumps(key)] = r
        with open(self.a.out, "a") as f:
            f.write(json.dumps(r) + "\n")
        print(key, r["test"], round(r["cpu"], 1), flush=True)
        return r

    def best(self, work, method, epochs):
        """The rate that is best on the held-back pictures, with neighbours on both sides; None where a run is missing."""
        *_, rates = RIVALS[method]
        while True:
            tried = [self.get(work, method, rate, epochs, 0, True) for rate in rates]
            if any(r is None for r in tried):
                return None
            best = max(range(len(rates)), key=lambda i: tried[i]["test"])
            if 0 < best < len(rates) - 1:
                return rates[best]
            rates = rates + [2 * rates[-1]] if best else [rates[0] / 2] + rates


def main():
    a = arguments()
    runs = Runs(a)
    for epochs in map(int, a.lengths.split(",")):
        for work in a.works.split(";"):
            for method in a.methods.split(","):
                rate = None if method == "sync" else runs.best(work, method, epochs)
                if rate is None and method != "sync":
                    continue
                results = [r for r in (runs.get(work, method, rate, epochs, seed, False) for seed in SEEDS) if r]
                if a.table and results:
                    test = sorted(100 * r["test"] for r in results)
                    print(f"| {work} | {epochs} | {method} | {'' if rate is None else rate} | {', '.join(f'{t:.2f}' for t in test)}: "
                          f"median {statistics.median(test):.2f} | {statistics.median(r['cpu'] for r in results):.1f} |")


if __name__ == "__main__":
    sys.exit(main())
