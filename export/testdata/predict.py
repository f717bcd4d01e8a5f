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


def activate(spec, z):
    parameters = {name: value for name, value in spec.items() if name != "kind"}
    return ACTIVATIONS[spec["kind"]](z, **parameters)


def inputs(m, x):
    if m["pool"] > 1:
        height, width, channels = m["image"]
        p = int(m["pool"])
        x = x.reshape(-1, height // p, p, width // p, p, channels).mean(axis=(2, 4)).reshape(len(x), -1)
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


def predict(m, x):
    a = x if "columns" in m else inputs(m, x)
    for l, layer in enumerate(map(json.loads, m["layers"])):
        assert layer["map"] == {"kind": "dense"}, layer
        a = activate(layer["activation"], a @ m[f"{l}.weight"].T + m[f"{l}.bias"])
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


def torch_predict(m, tensors, x):
    """The same by torch, for the activations that it has."""
    kinds = {"relu": torch.nn.ReLU, "leaky-relu": lambda slope: torch.nn.LeakyReLU(slope), "tanh": torch.nn.Tanh,
             "sigmoid": torch.nn.Sigmoid, "hard-tanh": torch.nn.Hardtanh, "identity": torch.nn.Identity}
    modules, state = [], {}
    for l, layer in enumerate(map(json.loads, m["layers"])):
        parameters = dict(layer["activation"])
        kind = kinds.get(parameters.pop("kind"))
        if kind is None:
            return None
        w = torch.from_numpy(tensors[f"{l}.weight"].copy())
        state[f"{len(modules)}.weight"], state[f"{len(modules)}.bias"] = w, torch.from_numpy(tensors[f"{l}.bias"].copy())
        modules += [torch.nn.Linear(w.shape[1], w.shape[0]), kind(**parameters)]
    mlp = torch.nn.Sequential(*modules)
    mlp.load_state_dict(state)
    with torch.no_grad():
        z = mlp(torch.from_numpy(inputs(m, x).astype("f4")))
        return (torch.softmax(z, 1) if m["output"] == "probabilities" else z).numpy()


for path in sys.argv[1:]:
    m = np.load(path + ".npz")
    tensors, description = safetensors(path + ".safetensors")
    assert sorted(tensors) == sorted(n for n in m.files if n.endswith((".weight", ".bias"))), sorted(tensors)
    for name, t in tensors.items():
        assert t.dtype == m[name].dtype == np.float32 and np.array_equal(t, m[name]), name
    assert [json.loads(t) for t in m["layers"]] == description["layers"], description
    assert json.loads(str(m["loss"])) == description["loss"], description
    assert list(m.get("classes", [])) == description.get("classes", []), description
    if "columns" in m:
        x = table(m, json.load(open(path + ".json")))
    else:
        x = np.fromfile(path + ".f32", "<f4").reshape(-1, description["transform"]["inputs"])
    y = predict(m, x)
    if torch is not None and "target_factor" not in m and "columns" not in m:
        z = torch_predict(m, tensors, x)
        assert z is None or np.abs(y - z).max() < 1e-5, np.abs(y - z).max()
    print(json.dumps({"output": str(m["output"]), "shape": y.shape, "numbers": y.ravel().tolist(), "torch": torch is not None}))
