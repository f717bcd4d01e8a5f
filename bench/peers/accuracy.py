#!/usr/bin/env python3
"""Time to a test accuracy on MNIST: sync, our Adam, and PyTorch's; 98.3 % of 784-500-500-10, or 99.2 % with convolutions.

Runs take turns, a seed at a time, on the same threads; only training is timed, not loading or testing. On a machine that
others use --processor counts processor time: PyTorch's, and of our program as much as training has of the clock's.
Adam's schedule (cosine), label smoothing and initialisation are the same in both programs.

    go build -o dlam ./cmd/dlam
    DLAM_DATA_DIR=data python3 bench/peers/accuracy.py --dlam ./dlam --repeat 5
    DLAM_DATA_DIR=data python3 bench/peers/accuracy.py --dlam ./dlam --network cnn --target 0.992 --threads 1 \
        --adam 0.004,32,1 --torch 0.002,64,4
"""
import argparse
import gzip
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time


NETWORKS = {
    "dense": ["--hidden", "500,500"],
    "cnn": ["--layers", "conv 16 5x5, max 2, conv 32 5x5, max 2, dense 128"],
}


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--dlam", default="./dlam", help="the program")
    p.add_argument("--data-dir", default=os.environ.get("DLAM_DATA_DIR", "data"))
    p.add_argument("--network", choices=NETWORKS, default="dense")
    p.add_argument("--repeat", type=int, default=5, help="seeds")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--processor", action="store_true", help="processor time in the place of the clock's")
    p.add_argument("--target", type=float, default=0.983)
    p.add_argument("--sync-epochs", type=int, default=1)
    p.add_argument("--adam", default="0.002,128,2", help="our Adam's rate, batch and epochs")
    p.add_argument("--torch", default="0.002,128,3", help="PyTorch's")
    p.add_argument("--torch-seed", type=int, help=argparse.SUPPRESS)
    return p.parse_args()


def first_time(curve, target):
    """Seconds of training at the first test accuracy of at least target; infinite if there is none."""
    return next((seconds for seconds, accuracy in curve if accuracy >= target), math.inf)


def run_dlam(a, seed, *flags):
    with tempfile.TemporaryDirectory() as folder:
        run, before, start = os.path.join(folder, "run"), resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run([a.dlam, "train", "--data", "mnist", "--data-dir", a.data_dir, *NETWORKS[a.network], "--threads", str(a.threads),
                        "--seed", str(seed), "--quiet", "--checkpoint-every", "never", "--run", run, *flags], check=True)
        after, seconds = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - start
        share = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / seconds if a.processor else 1
        with open(os.path.join(run, "trace.jsonl")) as f:
            return [(share * r["elapsed"], r["test"]["accuracy"]) for r in map(json.loads, f)]


def run_torch(a, seed):
    env = dict(os.environ, OPENBLAS_NUM_THREADS=str(a.threads), OMP_NUM_THREADS="1")
    out = subprocess.run([sys.executable, __file__, "--data-dir", a.data_dir, "--network", a.network, "--torch", a.torch, "--torch-seed", str(seed),
                          *(["--processor"] if a.processor else [])],
                         check=True, env=env, stdout=subprocess.PIPE).stdout
    return json.loads(out)


def mnist(folder, part):
    import numpy as np

    def read(name, offset):
        path = os.path.join(folder, "mnist", name)
        opener = gzip.open if os.path.exists(path + ".gz") else open
        with opener(path + ".gz" if opener is gzip.open else path, "rb") as f:
            return np.frombuffer(f.read(), np.uint8, offset=offset)

    x = read(part + "-images-idx3-ubyte", 16).reshape(-1, 784).astype(np.float32) / 255
    return x, read(part + "-labels-idx1-ubyte", 8).astype(np.int64)


def torch_network(nn, name):
    if name == "dense":
        return nn.Sequential(nn.Linear(784, 500), nn.ReLU(), nn.Linear(500, 500), nn.ReLU(), nn.Linear(500, 10))
    return nn.Sequential(
        nn.Conv2d(1, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(512, 128), nn.ReLU(), nn.Linear(128, 10),
    )


def torch_curve(a):
    """Adam in PyTorch, as one would write it; OpenBLAS has the threads."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(a.torch_seed)
    rate, batch, epochs = float(a.torch.split(",")[0]), *map(int, a.torch.split(",")[1:])
    (x, y), (tx, ty) = [tuple(map(torch.from_numpy, mnist(a.data_dir, part))) for part in ("train", "t10k")]
    net = torch_network(torch.nn, a.network)
    if a.network == "cnn":  # channels last, which is the faster
        net = net.to(memory_format=torch.channels_last)
        x, tx = (v.view(-1, 1, 28, 28).contiguous(memory_format=torch.channels_last) for v in (x, tx))
    for layer in net:
        if hasattr(layer, "weight"):
            torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            torch.nn.init.zeros_(layer.bias)
    loss = torch.nn.CrossEntropyLoss(label_smoothing=0.1)
    adam = torch.optim.Adam(net.parameters(), lr=rate)
    updates = epochs * math.ceil(len(x) / batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(adam, lambda k: (1 + math.cos(math.pi * min(1, k / updates))) / 2)
    clock = time.process_time if a.processor else time.perf_counter
    curve, seconds = [], 0.0
    for _ in range(epochs):
        start = clock()
        order = torch.randperm(len(x))
        for at in range(0, len(x), batch):
            pick = order[at : at + batch]
            adam.zero_grad(set_to_none=True)
            loss(net(x[pick]), y[pick]).backward()
            adam.step()
            schedule.step()
        seconds += clock() - start
        with torch.no_grad():
            curve.append((seconds, (net(tx).argmax(1) == ty).float().mean().item()))
    return curve


def main():
    a = arguments()
    if a.torch_seed is not None:
        print(json.dumps(torch_curve(a)))
        return
    rate, batch, epochs = a.adam.split(",")
    contestants = {
        "sync": lambda s: run_dlam(a, s, "--iterations", str(a.sync_epochs)),
        "our Adam": lambda s: run_dlam(a, s, "--solver", "adam", "--lr", rate, "--batch", batch, "--iterations", epochs,
                                       "--schedule", "cosine", "--label-smoothing", "0.1"),
        "PyTorch's Adam": lambda s: run_torch(a, s),
    }
    times = {name: [] for name in contestants}
    for seed in range(a.repeat):
        for name, run in contestants.items():
            curve = run(seed)
            times[name].append(first_time(curve, a.target))
            print(f"{name:15s} seed {seed}: {times[name][-1]:6.2f} s  ", ", ".join(f"{100 * acc:.2f} % at {s:.2f} s" for s, acc in curve), flush=True)
    base = statistics.median(times["sync"])
    for name, t in times.items():
        print(f"{name:15s} median {statistics.median(t):6.2f} s, {statistics.median(t) / base:.2f} of sync's")


if __name__ == "__main__":
    main()
