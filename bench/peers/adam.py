#!/usr/bin/env python3
"""An epoch of Adam in PyTorch, as Benchmark Epoch/adam-128 in bench/epoch_test.go: 60,000 samples, 784-500-500-10.

Prints milliseconds of processor time, the median of several after one. OPENBLAS_NUM_THREADS sets the threads of the
products; PyTorch's own are set to one, as both sets would fight for the processors. Set MALLOC_TRIM_THRESHOLD_ and
MALLOC_MMAP_THRESHOLD_ to 4294967296, as compare.py does.
"""
import statistics
import time

import torch

from accuracy import torch_network

SAMPLES, BATCH, RUNS = 60000, 128, 3


def milliseconds(net, x, y, batch, runs):
    """Processor time of an epoch of Adam on x and y in mini-batches, the median of so many after one."""
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3)

    def epoch():
        for index in torch.randperm(len(x)).split(batch):
            optimiser.zero_grad(set_to_none=True)
            torch.nn.functional.cross_entropy(net(x[index]), y[index]).backward()
            optimiser.step()

    epoch()
    times = []
    for _ in range(runs):
        start = time.process_time()
        epoch()
        times.append(time.process_time() - start)
    return 1e3 * statistics.median(times)


def main():
    torch.set_num_threads(1)
    torch.manual_seed(1)
    y = torch.randint(10, (SAMPLES,))  # not to be learnt: a risk of 0 has gradients that are denormal, and slow
    x = torch.randn(SAMPLES, 784)
    net = torch_network(torch.nn, "dense")
    print(f"Epoch/adam-128 {milliseconds(net, x, y, BATCH, RUNS):.1f} CPU-ms/op")


if __name__ == "__main__":
    main()
