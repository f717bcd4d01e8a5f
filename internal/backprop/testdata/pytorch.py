"""Random networks of PyTorch, with what it computes in float64: pytorch.py SEED COUNT.

A line of JSON for each: what --layers asks for, the shape of a sample, samples channels last
and their classes, the outputs and the summed cross-entropy, and as safetensors files in base64
the state and the gradients under the names of the parameters: 0 for the second intercept of
a recurrent layer, whose gradient is that of the first, but for the third of a GRU's that is its own.
All numbers that go in are float32."""
import base64
import json
import random
import struct
import sys

import torch

torch.set_default_dtype(torch.float64)
ACTIVATIONS = {
    "relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "sigmoid": torch.nn.Sigmoid, "identity": torch.nn.Identity,
    "leaky-relu:slope=0.01": torch.nn.LeakyReLU, "leaky-relu:slope=0.25": lambda: torch.nn.LeakyReLU(0.25),
}


class States(torch.nn.RNN):
    """A recurrent layer that gives its states alone, as a Sequential needs it."""

    def forward(self, x):
        return super().forward(x)[0]


class GatedStates(torch.nn.GRU):
    """The same with gates."""

    def forward(self, x):
        return super().forward(x)[0]


class Order(torch.nn.Module):
    """A change of shape, which has no parameters."""

    def __init__(self, f):
        super().__init__()
        self.f = f

    def forward(self, x):
        return self.f(x)


class Network:
    """What is drawn layer by layer, and the shape that there is after it: channels, rows and
    columns of a picture, or steps and columns of a sequence, or a length."""

    def __init__(self, rng):
        self.rng, self.text, self.modules = rng, [], []

    def activation(self):
        name = self.rng.choice(list(ACTIVATIONS))
        self.modules.append(ACTIVATIONS[name]())
        return name

    def conv(self, kernel=None):
        c, h, w = self.shape
        rng, units = self.rng, self.rng.randint(1, 5)
        high, wide = kernel or (rng.randint(1, min(4, h)), rng.randint(1, min(4, w)))
        stride, pad, said = rng.randint(1, 2), (0, 0), ""
        if kernel:
            stride = 1
        elif rng.random() < 0.3 and high % 2 and wide % 2:
            stride, pad, said = 1, (high // 2, wide // 2), " same"
        elif rng.random() < 0.5:
            pad = rng.randint(0, 2), rng.randint(0, 2)
            said = f" pad {pad[0]}x{pad[1]}"
        self.modules.append(torch.nn.Conv2d(c, units, (high, wide), stride, pad))
        self.shape = units, (h + 2 * pad[0] - high) // stride + 1, (w + 2 * pad[1] - wide) // stride + 1
        self.text.append(f"conv {units} {high}x{wide}" + (f" /{stride}" if stride > 1 else "") + said + " " + self.activation())

    def pool(self):
        c, h, w = self.shape
        kind, side = self.rng.choice(["max", "mean"]), self.rng.randint(2, 3)
        if side > min(h, w):
            return
        self.modules.append((torch.nn.MaxPool2d if kind == "max" else torch.nn.AvgPool2d)(side))
        self.text.append(f"{kind} {side}")
        self.shape = c, h // side, w // side

    def recurrent(self, last):
        steps, inputs = self.shape
        units, kind, layers = self.rng.randint(1, 6), self.rng.choice(["tanh", "relu", "gru"]), self.rng.randint(1, 2)
        if kind == "gru":
            self.modules.append(GatedStates(inputs, units, layers, batch_first=True))
        else:
            self.modules.append(States(inputs, units, layers, nonlinearity=kind, batch_first=True))
        text = f"gru {units} all" if kind == "gru" else f"rnn {units} all {kind}"
        self.text += [text] * layers
        self.shape = steps, units
        if last:
            self.text[-1] = text.replace(" all", "")
            self.modules.append(Order(lambda x: x[:, -1]))
            self.shape = (units,)

    def dense(self, units, hidden=True):
        size = 1
        for n in self.shape:
            size *= n
        if len(self.shape) > 1:
            self.modules.append(torch.nn.Flatten())
        self.modules.append(torch.nn.Linear(size, units))
        self.shape = (units,)
        if hidden:
            self.text.append(f"dense {units} " + self.activation())

    def picture(self):
        h, w, c = self.rng.randint(5, 12), self.rng.randint(5, 12), self.rng.randint(1, 3)
        self.shape = c, h, w
        if self.rng.random() < 0.2:
            kind = self.rng.randint(2, 3)
            self.modules.append(torch.nn.AvgPool2d(kind))
            self.text.append(f"mean {kind}")
            self.shape = c, h // kind, w // kind
        for _ in range(self.rng.randint(1, 3)):
            self.conv()
            if self.rng.random() < 0.6:
                self.pool()
        return h, w, c

    def sequence(self):
        steps, inputs = self.rng.randint(3, 9), self.rng.randint(1, 4)
        self.shape = steps, inputs
        if self.rng.random() < 0.3:  # a convolution over three steps and all columns
            self.modules.append(Order(lambda x: x.unsqueeze(1)))
            self.shape = 1, steps, inputs
            self.conv(kernel=(3, inputs))
            self.modules.append(Order(lambda x: x.squeeze(3).transpose(1, 2)))
            self.shape = self.shape[1], self.shape[0]
        after = "last" if self.shape[0] < 3 else self.rng.choice(["last", "all", "conv"])
        if self.shape[0] == 1:
            return steps, inputs, 1
        self.recurrent(after == "last")
        if after == "conv":
            self.modules.append(Order(lambda x: x.transpose(1, 2).unsqueeze(3)))
            self.shape = self.shape[1], self.shape[0], 1
            self.conv(kernel=(2, 1))
        return steps, inputs, 1


def tensors(named, kind):
    """The file of tensors, as float64 or float32."""
    head, data = {"__metadata__": {"format": "pt"}}, b""
    for name, t in named:
        values = t.detach().reshape(-1).tolist()
        raw = struct.pack(f"<{len(values)}{'d' if kind == 'F64' else 'f'}", *values)
        head[name] = {"dtype": kind, "shape": list(t.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(head).encode()
    return base64.b64encode(struct.pack("<Q", len(text)) + text + data).decode()


def gradient(net, name, p):
    """That of a parameter, with what is that of another one 0."""
    g = p.grad.clone()
    if "bias_hh" in name:
        gated = isinstance(net.get_submodule(name.rpartition(".")[0]), GatedStates)
        g[:len(g) * 2 // 3 if gated else len(g)] = 0
    return g


def line(rng, number):
    n = Network(rng)
    h, w, c = n.picture() if number % 2 == 0 else n.sequence()
    for _ in range(rng.randint(0, 2)):
        n.dense(rng.randint(1, 6))
    outputs, samples = rng.randint(2, 4), rng.randint(1, 6)
    n.dense(outputs, hidden=False)
    net = torch.nn.Sequential(*n.modules)
    with torch.no_grad():
        for p in net.parameters():
            p.copy_((0.5 * torch.randn(p.shape)).float())
    x = torch.randn(samples, h, w, c).float().double()
    y = torch.tensor([rng.randrange(outputs) for _ in range(samples)])
    z = net(x.permute(0, 3, 1, 2) if number % 2 == 0 else x.squeeze(3))
    risk = torch.nn.functional.cross_entropy(z, y, reduction="sum")
    risk.backward()
    kind = ["F64", "F32"][number // 2 % 2]
    return {
        "layers": ", ".join(n.text), "shape": f"{h}x{w}x{c}", "x": x.reshape(samples, -1).tolist(), "y": y.tolist(),
        "outputs": z.tolist(), "risk": float(risk), "state": tensors(net.named_parameters(), kind),
        "gradients": tensors(((name, gradient(net, name, p)) for name, p in net.named_parameters()), "F64"),
    }


def main(seed, count):
    rng = random.Random(seed)
    torch.manual_seed(seed)
    for number in range(count):
        print(json.dumps(line(rng, number)))


main(int(sys.argv[1]), int(sys.argv[2]))
