"""What PyTorch gives for the networks of TestAgainstPyTorch: the summed cross-entropy, and
of each layer's gradients by weights and by intercepts the sum over elements k, row by row,
of cos(k) times the element. Parameters and samples are sin(k+1)/2, k counted on through
all tensors and the samples. Run by hand: its figures are in the test."""
import itertools
import math

import torch

torch.set_default_dtype(torch.float64)


def numbers(count, *shape):
    n = math.prod(shape)
    return torch.tensor([math.sin(next(count) + 1) / 2 for _ in range(n)]).reshape(shape)


def figure(g):
    return float((torch.cos(torch.arange(g.numel(), dtype=torch.float64)) * g.reshape(-1)).sum())


def run(layers, outputs, samples=5, steps=6, inputs=3):
    count, modules, width = itertools.count(), [], inputs
    for kind, units in layers:
        rnn = torch.nn.RNN(width, units, nonlinearity=kind, batch_first=True)
        w, b = numbers(count, units, width + units), numbers(count, units)
        with torch.no_grad():
            rnn.weight_ih_l0.copy_(w[:, :width])
            rnn.weight_hh_l0.copy_(w[:, width:])
            rnn.bias_ih_l0.copy_(b)
            rnn.bias_hh_l0.zero_()
        modules.append(rnn)
        width = units
    dense = torch.nn.Linear(width, outputs)
    with torch.no_grad():
        dense.weight.copy_(numbers(count, outputs, width))
        dense.bias.copy_(numbers(count, outputs))
    a = numbers(count, samples, steps, inputs)
    for rnn in modules:
        a = rnn(a)[0]
    loss = torch.nn.functional.cross_entropy(dense(a[:, -1]), torch.arange(samples) % outputs, reduction="sum")
    loss.backward()
    grads = []
    for rnn in modules:
        grads += [torch.cat([rnn.weight_ih_l0.grad, rnn.weight_hh_l0.grad], 1), rnn.bias_ih_l0.grad]
    print(layers, [float(loss)] + [figure(g) for g in grads + [dense.weight.grad, dense.bias.grad]])


run([("tanh", 4)], 3)
run([("tanh", 5), ("relu", 4)], 3)
