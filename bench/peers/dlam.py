#!/usr/bin/env python3
"""A sweep of DLAM in PyTorch, in the published codes' way: phi is evaluated at each trial of a line search.

The same work as Benchmark Sweep/196 in bench/sweep_test.go. Prints milliseconds of processor time a sweep, the
median of several after five. OPENBLAS_NUM_THREADS sets the threads of the products; PyTorch's own are set to one, as
both sets would fight for the processors.
"""
import statistics
import time

import torch

SAMPLES, WIDTHS, CLASSES = 55000, [196, 100, 100, 10], 10
RHO, ALPHA0, FACTOR = 1e-4, 1e-3, 2
FISTA_STEPS, FISTA_TOLERANCE = 500, 1e-3
WARM, RUNS = 5, 5


def blobs():
    generator = torch.Generator().manual_seed(1)
    centres = torch.randn(CLASSES, WIDTHS[0], generator=generator)
    y = torch.arange(SAMPLES) % CLASSES
    return centres[y] + 0.3 * torch.randn(SAMPLES, WIDTHS[0], generator=generator), y


def phi(a, w, b, z):
    return RHO / 2 * torch.sum((a @ w.T + b - z) ** 2).item()


def adapt(epsilon, risk):
    """Section 4.1.2 of the paper."""
    if risk > 10 * epsilon:
        return max(2 * epsilon, 1)
    return min(epsilon / 2, 0.01) if epsilon > 10 * risk else epsilon


class Dlam:
    def __init__(self):
        generator = torch.Generator().manual_seed(2)
        self.x, self.y = blobs()
        self.target = torch.nn.functional.one_hot(self.y, CLASSES).float()
        self.w = [0.1 * torch.randn(o, i, generator=generator) for i, o in zip(WIDTHS, WIDTHS[1:])]
        self.b = [0.1 * torch.randn(o, generator=generator) for o in WIDTHS[1:]]
        self.z, self.a, a = [], [], self.x
        for w, b in zip(self.w[:-1], self.b):
            self.z.append(a @ w.T + b)
            a = torch.relu(self.z[-1])
            self.a.append(a)
        self.z.append(2 * self.target - 1)
        self.epsilon, self.risk = 10.0, None

    def sweep(self):
        if self.risk is not None:
            self.epsilon = adapt(self.epsilon, self.risk)
            for z, a in zip(self.z, self.a):
                h = torch.relu(z)
                a.copy_(torch.minimum(torch.maximum(a, h - self.epsilon), h + self.epsilon))
        for layer in range(len(self.w)):
            a = self.x if layer == 0 else self.a[layer - 1]
            self.update_w(layer, a)
            self.b[layer] -= torch.mean(a @ self.w[layer].T + self.b[layer] - self.z[layer], 0)
            v = a @ self.w[layer].T + self.b[layer]
            if layer == len(self.w) - 1:
                self.z[layer] = self.update_output(self.z[layer], v)
                self.risk = torch.nn.functional.cross_entropy(self.z[layer], self.y).item()
            else:
                low = self.a[layer] - self.epsilon
                low[low <= 0] = -torch.inf
                self.z[layer] = torch.minimum(torch.maximum(v, low), self.a[layer] + self.epsilon)
                self.update_a(layer)

    def update_w(self, layer, a):
        """Algorithm 2."""
        w, b, z = self.w[layer], self.b[layer], self.z[layer]
        gradient = RHO * (a @ w.T + b - z).T @ a
        old, alpha = phi(a, w, b, z), ALPHA0
        while True:
            new = w - gradient / alpha
            move = new - w
            if phi(a, new, b, z) <= old + torch.sum(gradient * move + alpha / 2 * move**2).item():
                break
            alpha *= FACTOR
        self.w[layer] = new

    def update_a(self, layer):
        """Algorithm 3."""
        a, w, b, z = self.a[layer], self.w[layer + 1], self.b[layer + 1], self.z[layer + 1]
        gradient = RHO * (a @ w.T + b - z) @ w
        h = torch.relu(self.z[layer])
        old, tau = phi(a, w, b, z), ALPHA0
        while True:
            new = torch.minimum(torch.maximum(a - gradient / tau, h - self.epsilon), h + self.epsilon)
            move = new - a
            if phi(new, w, b, z) <= old + torch.sum(gradient * move + tau / 2 * move**2).item():
                break
            tau *= FACTOR
        self.a[layer] = new

    def update_output(self, z, v):
        """Eq. 5 by FISTA (Beck and Teboulle 2009), to a tolerance of the objective."""
        step, momentum, last, at = 4.0, 1.0, z, z
        value = None
        for _ in range(FISTA_STEPS):
            before = value
            risk = torch.nn.functional.cross_entropy(at, self.y, reduction="sum")
            value = (risk + RHO / 2 * torch.sum((at - v) ** 2)).item()
            if before is not None and abs(value - before) < FISTA_TOLERANCE:
                break
            gradient = torch.softmax(at, 1) - self.target
            new = (RHO * v + step * at - gradient) / (RHO + step)
            following = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
            at = new + (momentum - 1) / following * (new - last)
            last, momentum = new, following
        return last


def main():
    torch.set_num_threads(1)
    solver = Dlam()
    for _ in range(WARM):
        solver.sweep()
    times = []
    for _ in range(RUNS):
        start = time.process_time()
        solver.sweep()
        times.append(time.process_time() - start)
    print(f"Sweep/196-100-100-10 {1e3 * statistics.median(times):.1f} CPU-ms/op")


if __name__ == "__main__":
    main()
