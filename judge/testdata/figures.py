#!/usr/bin/env python3
"""Writes figures.json: small inputs, and what scikit-learn 1.2 gives for them.

    python3 judge/testdata/figures.py

Inputs are multiples of 1/64, which float32 has exactly, with ties."""
import json
import pathlib
import warnings

import numpy as np
from sklearn import metrics
from sklearn.calibration import calibration_curve

warnings.filterwarnings("ignore")
rng = np.random.default_rng(1)


def rows(n, k):
    """n distributions over k classes in 64ths."""
    cuts = np.sort(rng.integers(0, 65, (n, k - 1)), axis=1)
    return np.diff(np.hstack([np.zeros((n, 1)), cuts, np.full((n, 1), 64)])) / 64


def ece(p, hit, w):
    bins = np.searchsorted(np.linspace(0, 1, 11)[1:-1], p)
    return sum(abs(np.sum((w * (p - hit))[bins == b])) for b in range(10)) / w.sum()


def classes(name, p, y, w=None):
    k = p.shape[1]
    ones = np.ones(len(y)) if w is None else np.array(w, float)
    said = p.argmax(1)
    hot = np.eye(k)[y]
    ranked = [j for j in range(k) if 0 < (ones * hot[:, j]).sum() < ones.sum()]
    if k == 2:
        ranked = [1]
    precision, recall, f1, support = metrics.precision_recall_fscore_support(y, said, labels=range(k), sample_weight=ones, zero_division=0)
    seen = [j for j in range(k) if support[j] > 0 or (ones * (said == j)).sum() > 0]
    auc = {j: metrics.roc_auc_score(hot[:, j], p[:, j], sample_weight=ones) for j in ranked}
    ap = {j: metrics.average_precision_score(hot[:, j], p[:, j], sample_weight=ones) for j in ranked}
    top = p[:, 1] if k == 2 else p.max(1)
    hit = (y == 1) if k == 2 else (y == said)
    true, pred = calibration_curve(hit, top, n_bins=10)
    if k == 2:
        brier = metrics.brier_score_loss(y, p[:, 1], sample_weight=ones)
    else:
        brier = np.average(((p - hot) ** 2).sum(1), weights=ones)
    if k > 2 and len(ranked) == k and w is None:  # the means are scikit-learn's own, where it gives them
        assert np.isclose(metrics.roc_auc_score(y, p, multi_class="ovr"), np.mean(list(auc.values())))
        assert np.isclose(metrics.average_precision_score(hot, p), np.mean(list(ap.values())))
        assert np.isclose(metrics.f1_score(y, said, average="macro"), np.mean([f1[j] for j in seen]))
    return {
        "name": name, "outputs": p.tolist(), "class": y.tolist(), "weight": w,
        "want": {
            "accuracy": metrics.accuracy_score(y, said, sample_weight=ones),
            "balanced_accuracy": metrics.balanced_accuracy_score(y, said, sample_weight=ones),
            "log_loss": metrics.log_loss(y, p, labels=range(k), sample_weight=ones),
            "roc_auc": np.mean(list(auc.values())), "average_precision": np.mean(list(ap.values())),
            "f1": np.mean([f1[j] for j in seen]), "brier": brier, "ece": ece(top, hit, ones),
        },
        "precision": precision.tolist(), "recall": recall.tolist(), "f1s": f1.tolist(), "support": support.tolist(),
        "confusion": metrics.confusion_matrix(y, said, labels=range(k)).tolist(),
        "observed": true.tolist(), "predicted": pred.tolist(),
    }


def values(name, z, y, quantile, w=None):
    want = {}
    for j in range(y.shape[1]):
        of = f":{'ab'[j]}" if y.shape[1] > 1 else ""
        want |= {
            "rmse" + of: metrics.mean_squared_error(y[:, j], z[:, j], sample_weight=w) ** 0.5,
            "mae" + of: metrics.mean_absolute_error(y[:, j], z[:, j], sample_weight=w),
            "r2" + of: metrics.r2_score(y[:, j], z[:, j], sample_weight=w),
            "pinball" + of: metrics.mean_pinball_loss(y[:, j], z[:, j], alpha=quantile, sample_weight=w),
        }
    want["r2"] = metrics.r2_score(y, z, sample_weight=w, multioutput="uniform_average")
    return {
        "name": name, "outputs": z.tolist(), "values": y.tolist(), "weight": w, "quantile": quantile,
        "want": want,
    }


def weights(n):
    return rng.integers(0, 5, n).astype(float).tolist()


edges = np.array([[1 - p, p] for p in (0, 0, 1, 1, 0.5, 0.5, 0.25, 0.75, 0.125, 0.875)])
three = rows(60, 3)
absent = rows(40, 4)
cases = {
    "classes": [
        classes("two", rows(50, 2), rng.integers(0, 2, 50)),
        classes("two, weighted", rows(50, 2), rng.integers(0, 2, 50), weights(50)),
        classes("ends of bins and of [0, 1]", edges, np.array([0, 1, 1, 0, 1, 0, 0, 1, 0, 1])),
        classes("three", three, rng.integers(0, 3, 60)),
        classes("three, weighted", three, rng.integers(0, 3, 60), weights(60)),
        classes("all tied", np.full((12, 2), 0.5), np.array([0, 1, 1] * 4)),
        classes("two of four classes absent", absent, rng.integers(0, 2, 40) * 2),
    ],
    "values": [
        values("one", rng.integers(-64, 64, (40, 1)) / 16, rng.integers(-64, 64, (40, 1)) / 16, 0.5),
        values("one, weighted", rng.integers(-64, 64, (40, 1)) / 16, rng.integers(-64, 64, (40, 1)) / 16, 0.1, weights(40)),
        values("two", rng.integers(-64, 64, (30, 2)) / 16, rng.integers(-64, 64, (30, 2)) / [16, 2], 0.9, weights(30)),
    ],
}
path = pathlib.Path(__file__).with_name("figures.json")
text = json.dumps(cases)
path.write_text(text.replace('{"name"', '\n{"name"') + "\n")
