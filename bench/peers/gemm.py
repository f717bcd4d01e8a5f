#!/usr/bin/env python3
"""The products of bench/gemm_test.go in numpy: GFLOP/s of processor time, the mean of several runs.

OPENBLAS_NUM_THREADS=1 python3 bench/peers/gemm.py
"""
import time

import numpy as np

SAMPLES = 55000
RUNS = 7


def measure(name, flops, product):
    product()
    start = time.process_time()
    for _ in range(RUNS):
        product()
    mean = (time.process_time() - start) / RUNS
    print(f"{name} {flops / mean / 1e9:.1f} GFLOP/s", flush=True)


def main():
    rng = np.random.default_rng(1)

    def normal(*shape):
        return rng.standard_normal(shape, dtype=np.float32)

    for k, n in [(196, 100), (784, 500), (500, 500), (100, 10), (100, 196)]:
        a, w, c = normal(SAMPLES, k), normal(n, k), np.empty((SAMPLES, n), np.float32)
        measure(f"Product/{SAMPLES}x{k}x{n}", 2 * SAMPLES * k * n, lambda: np.matmul(a, w.T, out=c))
    for m, n in [(500, 784), (100, 196)]:
        e, a, g = normal(SAMPLES, m), normal(SAMPLES, n), np.empty((m, n), np.float32)
        measure(f"Outer/{m}x{SAMPLES}x{n}", 2 * SAMPLES * m * n, lambda: np.matmul(e.T, a, out=g))


if __name__ == "__main__":
    main()
