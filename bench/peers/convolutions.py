#!/usr/bin/env python3
"""A tenth of an epoch of Adam in PyTorch, of the network of Benchmark Layers/adam-125 in bench/layers_test.go.

    MALLOC_TRIM_THRESHOLD_=4294967296 MALLOC_MMAP_THRESHOLD_=4294967296 python3 bench/peers/convolutions.py

Prints milliseconds of processor time of 6,000 samples on one thread, the median of three after one, for each batch and
for channels last and first.
"""
import torch
from torch import nn

from accuracy import torch_network
from adam import milliseconds

SAMPLES, RUNS = 6000, 3


def steps(batch, layout):
    torch.manual_seed(1)
    x = torch.randn(SAMPLES, 1, 28, 28).contiguous(memory_format=layout)
    y = torch.randint(10, (SAMPLES,))
    net = torch_network(nn, "cnn").to(memory_format=layout)
    return milliseconds(net, x, y, batch, RUNS)


def main():
    torch.set_num_threads(1)
    for batch in (125, 250):
        print(f"batch {batch}: channels last {steps(batch, torch.channels_last):.0f} ms, first {steps(batch, torch.contiguous_format):.0f} ms", flush=True)


if __name__ == "__main__":
    main()
