"""Predicts with numpy alone: for each argument F, the model F.npz on the samples
of F.f32 (float32, row by row), or of F.json: for each raw column its name, with a
list of texts, or of numbers with null for missing ones. F.safetensors must hold the same weights; where
torch can be imported, it must predict the same from them. Prints a JSON object
a model: what the numbers are, their shape, and they."""
import json
import os
import struct
import sys

import numpy as np

try:
    import torch
except ImportError:
    torch = None

# By the kind of an activation's Spec; its parameters are the Spec's other keys.
ACTIVATIONS = {
    "relu": lambda z: np.maximum(z, 0),
    "leaky-relu": lambda z, slope: np.maximum(z, np.float32(slope) * z),
    "tanh": lambda z: np.tanh(z),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "hard-tanh": lambda z: np.clip(z, -1, 1),
    "identity": lambda z: z,
    "sign": lambda z: np.where(z >= 0, np.float32(1), np.float32(-1)),
}


def windows(x, side):
    """Squares of a picture (samples, rows, columns, channels), which axes 2 and 4 of what is given go through."""
    n, height, width, channels = x.shape
    x = x[:, :height // side * side, :width // side * side]
    return x.reshape(n, height // side, side, width // side, side, channels)


def patches(spec, x):
    """U(x): a row for each sample and place, and how many places there are."""
    if spec["kind"] in ("dense", "last"):
        return x[:, -spec.get("inputs", x.shape[1]):], (1, 1)
    assert spec["kind"] == "conv", spec
    x = x.reshape(-1, spec["height"], spec["width"], spec["channels"])
    x = windows(x, spec["mean"]).mean(axis=(2, 4))
    tall, wide = spec["pad-height"], spec["pad-width"]
    x = np.pad(x, ((0, 0), (tall, tall), (wide, wide), (0, 0)))
    u = np.lib.stride_tricks.sliding_window_view(x, (spec["kernel-height"], spec["kernel-width"]), axis=(1, 2))
    u = u[:, ::spec["stride"], ::spec["stride"]].transpose(0, 1, 2, 4, 5, 3)  # (row, column, channel) of the kernel last
    return u.reshape(u.shape[0] * u.shape[1] * u.shape[2], -1), u.shape[1:3]


def linear(layer, w, b, x):
    """What a layer gives before its activation: U(x)Wᵀ + b, or of that the largest in each window."""
    u, (height, width) = patches(layer["map"], x)
    z = (u @ w.T + b).reshape(len(x), height, width, len(b))
    if layer.get("max", 0) > 1:
        z = windows(z, layer["max"]).max(axis=(2, 4))
    return z.reshape(len(x), -1)


def recurrent(layer, w, b, x, absent):
    """The states of a recurrent layer, step after step; 0 at steps before those that are there."""
    u = layer["map"]
    x = x.reshape(len(x), u["steps"], u["inputs"])
    states = [np.zeros((len(x), u["units"]), "f4")]
    for t in range(u["steps"]):
        state = activate(layer["activation"], np.concatenate([x[:, t], states[-1]], 1) @ w.T + b)
        states.append(np.where(t < absent, np.float32(0), state))
    return np.concatenate(states[1:], 1)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def gated(layer, w, b, x, absent):
    """The same with gates: rows of w give the new state, the gates of that and of the state before, and what is remembered."""
    u = layer["map"]
    x = x.reshape(len(x), u["steps"], u["inputs"])
    states = [np.zeros((len(x), u["units"]), "f4")]
    for t in range(u["steps"]):
        new, reset, update, old = np.split(np.concatenate([x[:, t], states[-1]], 1) @ w.T + b, 4, 1)
        state = sigmoid(-update) * np.tanh(new + sigmoid(reset) * old) + sigmoid(update) * states[-1]
        states.append(np.where(t < absent, np.float32(0), state))
    return np.concatenate(states[1:], 1)


def forward(layer, w, b, x, absent):
    if layer["map"]["kind"] == "rnn":
        return recurrent(layer, w, b, x, absent)
    if layer["map"]["kind"] == "gru":
        return gated(layer, w, b, x, absent)
    return activate(layer["activation"], linear(layer, w, b, x))


def activate(spec, z):
    parameters = {name: value for name, value in spec.items() if name != "kind"}
    return ACTIVATIONS[spec["kind"]](z, **parameters)


def inputs(m, x):
    if m["pool"] > 1:
        height, width, channels = m["image"]
        p = int(m["pool"])
        x = windows(x.reshape(-1, height, width, channels), p).mean(axis=(2, 4)).reshape(len(x), -1)
    return (x - m["shift"]) * m["factor"]


def part(name, t):
    """A part of times, in seconds since 1970."""
    days = np.floor(t / 86400)
    day = days.astype("datetime64[D]")
    month = day.astype("datetime64[M]").astype("f8")  # since 1970
    return {"hour": (t - days * 86400) / 3600, "elapsed": t / 86400, "weekday": (days + 3) % 7, "month": month % 12 + 1, "year": month // 12 + 1970}[name]


def level(c, parts, missing, text):
    """The features of a text that have a 1, and those that are scaled."""
    if text in c["levels"]:
        hot = [p == "level" and text == c["levels"][i] for i, p in enumerate(parts)]
    else:
        hot = [p == ("missing" if text in missing else "rare") for p in parts]
    return np.array(hot, "f8"), np.full(len(parts), float(any(hot)))


def table(m, rows):
    """Raw columns as the network takes them, in float64 until they are scaled."""
    features, missing = [], set(m["missing"])
    for c in map(json.loads, m["columns"]):
        parts = [f["part"] for f in c["features"]]
        shift, factor = (np.array([f[key] for f in c["features"]], "f8") for key in ("shift", "factor"))
        if not parts:
            continue
        if c["kind"] == "category":
            c.setdefault("levels", [])
            both = np.array([level(c, parts, missing, text) for text in rows[c["name"]]])
            x = (both[:, 0] - shift) * factor * both[:, 1]
        else:
            v = np.array(rows[c["name"]], "f8")
            there = np.where(np.isnan(v), c.get("fill", 0), v)
            edges = iter(zip(c.get("edges", []), c.get("edges", [])[1:]))
            below = lambda low, high: np.clip((there - low) / (high - low), 0, 1)
            values = [np.isnan(v) if p == "missing" else there if p == "value" else np.interp(there, c["knots"], c["heights"]) if p == "curve" else below(*next(edges)) if p == "bin" else part(p, there) for p in parts]
            curve = np.array([p == "curve" for p in parts])
            x = (np.stack(values, 1) - np.where(curve, 0, shift)) * np.where(curve, 1, factor)
        features.append(x.astype("f4"))
    return np.concatenate(features, 1)


def sequences(m, rows, x):
    """Of the features x of rows a row for each sequence, its steps last, and how many of the model's steps are not there."""
    steps, of = int(m["steps"]), rows[str(m["sequence"])]
    when = rows[str(m["time"])] if str(m["time"]) else [0] * len(of)
    names = list(dict.fromkeys(of))
    a, absent = np.zeros((len(names), steps, x.shape[1]), "f4"), np.zeros((len(names), 1), int)
    for i, name in enumerate(names):
        own = sorted((k for k in range(len(of)) if of[k] == name), key=lambda k: when[k])
        absent[i] = steps - len(own)
        a[i, steps - len(own):] = x[own]
    return a.reshape(len(names), -1), absent


def weights(m, l):
    """The weights of a layer, a row a unit."""
    if f"{l}.weight" in m:
        return m[f"{l}.weight"]
    plus = np.unpackbits(m[f"{l}.signs"], axis=1, count=int(m[f"{l}.columns"]))
    return np.where(plus, 1, -1).astype("f4") * m[f"{l}.magnitude"][:, None]


def predict(m, x, absent=0):
    a = x if "columns" in m else inputs(m, x)
    for l, layer in enumerate(map(json.loads, m["layers"])):
        a = forward(layer, weights(m, l), m[f"{l}.bias"], a, absent)
    if m["output"] == "probabilities":
        e = np.exp(a - a.max(axis=1, keepdims=True))
        a = e / e.sum(axis=1, keepdims=True)
    if "target_factor" in m:
        a = a / m["target_factor"] + m["target_shift"]
        if "target_low" in m:
            a = np.clip(a, m["target_low"], m["target_high"])
    return a


def safetensors(path):
    """The tensors of a file, by the format's description: the header's length,
    a JSON header, the data."""
    raw = open(path, "rb").read()
    (n,) = struct.unpack("<Q", raw[:8])
    header, data = json.loads(raw[8:8 + n]), raw[8 + n:]
    tensors = {}
    for name, t in header.items():
        if name != "__metadata__":
            assert t["dtype"] == "F32", t
            lo, hi = t["data_offsets"]
            tensors[name] = np.frombuffer(data[lo:hi], "<f4").reshape(t["shape"])
    return tensors, json.loads(header["__metadata__"]["dlam"])


TORCH = {"relu": lambda z: z.relu(), "leaky-relu": lambda z, slope: torch.nn.functional.leaky_relu(z, slope), "tanh": lambda z: z.tanh(),
         "sigmoid": lambda z: z.sigmoid(), "hard-tanh": lambda z: z.clip(-1, 1), "identity": lambda z: z}


def torch_recurrent(layer, w, b, x):
    u = layer["map"]
    rnn = torch.nn.RNN(u["inputs"], u["units"], nonlinearity=layer["activation"]["kind"], batch_first=True)
    rnn.load_state_dict({"weight_ih_l0": w[:, :u["inputs"]], "weight_hh_l0": w[:, u["inputs"]:], "bias_ih_l0": b, "bias_hh_l0": torch.zeros(len(b))})
    return rnn(x.reshape(len(x), u["steps"], u["inputs"]))[0].reshape(len(x), -1)


def torch_gated(layer, w, b, x):
    u = layer["map"]
    (new, reset, update, old), (b_new, b_reset, b_update, b_old) = w.chunk(4), b.chunk(4)
    rows, i = torch.cat([reset, update]), u["inputs"]
    gru = torch.nn.GRU(i, u["units"], batch_first=True)
    gru.load_state_dict({
        "weight_ih_l0": torch.cat([rows, new])[:, :i], "weight_hh_l0": torch.cat([rows, old])[:, i:],
        "bias_ih_l0": torch.cat([b_reset, b_update, b_new]), "bias_hh_l0": torch.cat([0 * b_reset, 0 * b_update, b_old])})
    return gru(x.reshape(len(x), u["steps"], i))[0].reshape(len(x), -1)


def torch_convolution(layer, w, b, x):
    u = layer["map"]
    x = x.reshape(len(x), u["height"], u["width"], u["channels"]).permute(0, 3, 1, 2)
    w = w.reshape(len(w), u["kernel-height"], u["kernel-width"], u["channels"]).permute(0, 3, 1, 2)
    x = torch.nn.functional.avg_pool2d(x, u["mean"])
    z = torch.nn.functional.conv2d(x, w, b, stride=u["stride"], padding=(u["pad-height"], u["pad-width"]))
    if layer.get("max", 0) > 1:
        z = torch.nn.functional.max_pool2d(z, layer["max"])
    return z.permute(0, 2, 3, 1).reshape(len(x), -1)


def torch_predict(m, tensors, x):
    """The same by torch, where it has the activations."""
    with torch.no_grad():
        z = torch.from_numpy(inputs(m, x).astype("f4"))
        for l, layer in enumerate(map(json.loads, m["layers"])):
            parameters = dict(layer["activation"])
            h, kind = TORCH.get(parameters.pop("kind")), layer["map"]["kind"]
            w, b = (torch.from_numpy(tensors[f"{l}.{name}"].copy()) for name in ("weight", "bias"))
            if h is None or kind == "rnn" and layer["activation"]["kind"] not in ("tanh", "relu"):
                return None
            if kind in ("rnn", "gru"):
                z = (torch_gated if kind == "gru" else torch_recurrent)(layer, w, b, z)
                continue
            z = torch_convolution(layer, w, b, z) if kind == "conv" else z[:, -w.shape[1]:] @ w.T + b
            z = h(z, **parameters)
        return (torch.softmax(z, 1) if m["output"] == "probabilities" else z).numpy()


for path in sys.argv[1:]:
    m = np.load(path + ".npz")
    tensors, description = safetensors(path + ".safetensors")
    same = {name: m[name] for name in m.files if name.endswith(".bias")}
    same.update({f"{l}.weight": weights(m, l) for l in range(len(same))})
    assert sorted(tensors) == sorted(same), sorted(tensors)
    for name, t in tensors.items():
        assert t.dtype == same[name].dtype == np.float32 and np.array_equal(t, same[name]), name
    assert [json.loads(t) for t in m["layers"]] == description["layers"], description
    assert json.loads(str(m["loss"])) == description["loss"], description
    assert list(m.get("classes", [])) == description.get("classes", []), description
    absent = 0
    if "columns" in m:
        rows = json.load(open(path + ".json"))
        x = table(m, rows)
        if "steps" in m:
            x, absent = sequences(m, rows, x)
    else:
        x = np.fromfile(path + ".f32", "<f4").reshape(-1, description["transform"]["inputs"])
    y = predict(m, x, absent)
    if torch is not None and "target_factor" not in m and "columns" not in m:
        z = torch_predict(m, tensors, x)
        assert z is None or np.abs(y - z).max() < 1e-5, np.abs(y - z).max()
    print(json.dumps({"output": str(m["output"]), "shape": y.shape, "numbers": y.ravel().tolist(), "torch": torch is not None}))
