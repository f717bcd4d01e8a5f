#!/usr/bin/env python3
"""Real tables: dlam, by its command line on the raw CSV, and scikit-learn's models on the same splits.

    go build -o ./dlam ./cmd/dlam
    DLAM_DATA_DIR=... /usr/bin/python3 bench/peers/tables.py --results tables.csv [--sets mpg,glass] [--models dlam,mlp,hgb,lin]
    /usr/bin/python3 bench/peers/tables.py --results tables.csv --summary dlam

Five folds of each file of DLAM_DATA_DIR/tables, the rows of a class in each alike; adult by its official split, whose
test rows are scored in five parts. One thread. What is in the results already is not done again, so that it can be
stopped at any time. --dlam NAME=FLAGS adds a contestant: dlam with these flags, in which
{EXPRESSION} is of the number n of training rows, as --l2 {max(3,0.003*n)}; with --space among them it is dlam search. --inner takes four fifths of a fold's
training rows to train on and the last fifth to judge by, so that settings can be chosen without the test rows of that
fold; --extra takes tables that come with scikit-learn or are generated instead.

Peers have scikit-learn's defaults. Their tables: the same columns, and dates as year, month, day of week, hour and days;
missing numbers are the training rows' median, with an indicator; texts are one-hot (rare ones, under 5 rows, together);
numbers are standardised for MLP and the linear models, and the target of MLPRegressor too: kinder than the literal
defaults. Needs pandas, NumPy and scikit-learn 1.2 (Debian: python3-pandas, python3-sklearn).
"""
import os
import re

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[threads] = "1"
import argparse
import csv
import gzip
import io
import resource
import shlex
import subprocess
import sys
import tempfile
import time
import warnings
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import balanced_accuracy_score, log_loss, roc_auc_score
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

warnings.simplefilter("ignore")
ROOT = Path(os.environ.get("DLAM_DATA_DIR", ".")) / "tables"
FOLDS = 5
GAPS = ["", "?", "NA", "nan"]
# label: a name, or a number from 0 in a file without names; drop: what is known only with the label; ids: what dlam finds to be one
SETS = {
    "titanic": dict(label="survived", drop=["alive"]),
    "penguins": dict(label="species"),
    "sonar": dict(label=60), "ionosphere": dict(label=34), "german": dict(label=20), "glass": dict(label=9), "phoneme": dict(label=5),
    "breast-cancer": dict(label=9),
    "horse-colic": dict(label=23, drop=[2, 24, 25, 26]),  # the hospital's number; what the operation found
    "oil-spill": dict(label=49, drop=[22], auc=True),
    "adult": dict(label=14),
    "mpg": dict(label="mpg", values=True),
    "taxis": dict(label="tip", drop=["total"], dates=["pickup", "dropoff"], values=True),  # the total has the tip in it
    "winequality-red": dict(label=11, values=True),
    "auto-insurance": dict(label=1, values=True),
    "monthly-car-sales": dict(label="Sales", dates=["Month"], values=True),
}
MEASURES = ["accuracy", "balanced", "auc", "log_loss", "rmse", "seconds"]  # balanced: accuracy, the mean of the classes
KEY = ["set", "part", "fold", "model"]


class Table:
    """A file's lines, and the same as a frame."""

    def __init__(self, name, spec, text):
        self.name, self.values, self.auc = name, spec.get("values", False), spec.get("auc", False)
        self.label, self.drop, self.dates = spec["label"], spec.get("drop", []), spec.get("dates", [])
        lines = [line for line in text.splitlines() if line.strip()]
        self.header = [lines.pop(0)] if isinstance(self.label, str) else []
        self.lines = lines
        frame = pd.read_csv(io.StringIO("\n".join(self.header + lines)), header=0 if self.header else None, na_values=GAPS, skipinitialspace=True)
        y = frame[self.label]
        self.y = y.to_numpy(float) if self.values else y.astype(str).str.rstrip(".").to_numpy()
        self.x = frame.drop(columns=[self.label, *self.drop])
        for c in self.dates:
            d = pd.to_datetime(self.x.pop(c))
            for unit, v in dict(year=d.dt.year, month=d.dt.month, weekday=d.dt.weekday, hour=d.dt.hour, days=d.astype("int64") / 86400e9).items():
                self.x[f"{c}.{unit}"] = v
        self.x.columns = [str(c) for c in self.x.columns]
        for c in self.x.columns:
            if self.x[c].dtype == bool or self.x[c].dtype == object:
                self.x[c] = self.x[c].astype(object).where(self.x[c].notna(), "missing").astype(str)

    def write(self, path, rows):
        path.write_text("\n".join(self.header + [self.lines[i] for i in rows]) + "\n")

    def flags(self):
        """What dlam is told of the table."""
        f = ["--label", str(self.label)] + ([] if self.header else ["--no-header"])
        f += ["--drop", ",".join(map(str, self.drop))] if self.drop else []
        return f + (["--task", "regression"] if self.values else [])


def published(name):
    def text(file):
        path = ROOT / file
        return gzip.open(path, "rt").read() if file.endswith(".gz") else path.read_text()

    if name != "adult":
        t = Table(name, SETS[name], text(name + ".csv"))
        return t, list(divide(t, range(len(t.lines)), FOLDS))
    train, test = text("adult-train.csv.gz"), text("adult-test.csv.gz")
    t = Table(name, SETS[name], train + test)
    n = len([line for line in train.splitlines() if line.strip()])
    return t, [(np.arange(n), np.arange(n, len(t.lines)))]


def divide(t, rows, folds, seed=0):
    rows = np.asarray(rows)
    if t.values:
        splits = KFold(folds, shuffle=True, random_state=seed).split(rows)
    else:
        splits = StratifiedKFold(folds, shuffle=True, random_state=seed).split(rows, t.y[rows])
    for train, test in splits:
        yield rows[train], rows[test]


def extra():
    """Tables that are no file's: some come with scikit-learn, others are generated."""
    r = np.random.RandomState(0)
    load = lambda f: f(return_X_y=True)
    classes = {
        "iris": load(datasets.load_iris), "wine": load(datasets.load_wine), "breast": load(datasets.load_breast_cancer),
        "moons": datasets.make_moons(1000, noise=0.25, random_state=0),
        "noisy": datasets.make_classification(1500, 20, n_informative=6, flip_y=0.15, random_state=1),
        "many": datasets.make_classification(3000, 40, n_informative=15, n_classes=6, class_sep=1.2, random_state=2),
        "wide": datasets.make_classification(300, 200, n_informative=10, random_state=3),
        "large": datasets.make_classification(24000, 25, n_informative=12, n_clusters_per_class=6, flip_y=0.1, random_state=4),
    }
    x = r.randn(2000, 8)
    heavy = np.exp(x[:, 0] + 0.5 * x[:, 1] * x[:, 2] + 0.3 * r.randn(2000))
    big = datasets.make_friedman1(30000, 12, noise=1.0, random_state=8)
    values = {
        "diabetes": load(datasets.load_diabetes), "friedman1": datasets.make_friedman1(1200, 10, noise=1.0, random_state=5),
        "friedman2": datasets.make_friedman2(800, noise=50, random_state=6), "friedman3": datasets.make_friedman3(2500, noise=0.1, random_state=7),
        "linear": datasets.make_regression(150, 60, n_informative=10, noise=20, random_state=9), "heavy": (x, heavy), "friedman-large": big,
        "noise": (x[:400, :6], x[:400, 0] + 3 * r.randn(400)),
    }
    for name, (x, y) in {**classes, **values}.items():
        text = "\n".join(",".join(f"{v:.6g}" for v in row) + (f",{c:.7g}" if name in values else f",c{c}") for row, c in zip(x, y))
        yield "extra-" + name, Table("extra-" + name, dict(label=x.shape[1], values=name in values), text)


def features(t, model, rows):
    """What makes features of t's columns for a model."""
    model = model.partition("-")[0]
    text = [c for c in t.x if t.x[c].dtype == object]
    numbers = [c for c in t.x if c not in text]
    number = "passthrough" if model == "hgb" else make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    one_hot = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=5, max_categories=100, sparse_output=False)
    return ColumnTransformer([("numbers", number, numbers), ("texts", one_hot, text)])


def peer(t, model, seed):
    model, _, weight = model.partition("-")
    if not t.values:
        m = {"mlp": MLPClassifier(random_state=seed), "hgb": HistGradientBoostingClassifier(random_state=seed), "lin": LogisticRegression()}[model]
        return m.set_params(class_weight=weight) if weight else m
    mlp = TransformedTargetRegressor(MLPRegressor(random_state=seed), transformer=StandardScaler())
    return {"mlp": mlp, "hgb": HistGradientBoostingRegressor(random_state=seed), "lin": Ridge()}[model]


def run_peer(t, model, train, test, seed):
    start = time.process_time()
    m = make_pipeline(features(t, model, train), peer(t, model, seed)).fit(t.x.iloc[train], t.y[train])
    if t.values:
        return m.predict(t.x.iloc[test]), None, time.process_time() - start
    p = m.predict_proba(t.x.iloc[test])
    return p, list(m.classes_), time.process_time() - start


def run_dlam(t, binary, flags, train, test, seed):
    flags = [re.sub(r"\{(.*?)\}", lambda m: f"{eval(m[1], dict(n=len(train), max=max, min=min)):g}", f) for f in flags]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        t.write(folder / "train.csv", train)
        t.write(folder / "test.csv", test)
        common = ["--threads", "1"]
        work = ["search"] if "--space" in flags else ["train", "--evaluate-every", "0", "--checkpoint-every", "never"]
        call([binary, *work, "--data", folder / "train.csv", *t.flags(), *common, "--test-split", "0", "--quiet",
              "--seed", str(seed), "--run", folder / "run", *flags])
        read = ["--label", str(t.label)] + ([] if t.header else ["--no-header"])
        out = call([binary, "predict", folder / "run", folder / "test.csv", *read, *common])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    frame = pd.read_csv(io.StringIO(out), skipinitialspace=True)
    if t.values:
        return frame[[c for c in frame if str(c).startswith("value")][-1]].to_numpy(float), None, seconds
    names = list(frame.columns)
    names = names[len(names) - len(set(t.y[train])):]
    return frame[names].to_numpy(float), [c.strip() for c in names], seconds


def call(command):
    r = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if r.returncode:
        sys.exit(f"{shlex.join(map(str, command))}: {r.stderr}")
    return r.stdout


def measure(t, out, classes, test):
    """The measures of some test rows, all parts of a fold."""
    y = t.y[test]
    if t.values:
        return dict(rmse=float(np.sqrt(np.mean((out - y) ** 2))))
    out = out / out.sum(1, keepdims=True)
    known = [c.strip() for c in map(str, classes)]
    at = np.array([known.index(v) for v in y])
    m = dict(accuracy=float(np.mean(out.argmax(1) == at)), balanced=float(balanced_accuracy_score(at, out.argmax(1))), log_loss=float(log_loss(at, out, labels=range(len(known)))))
    if len(known) == 2 and len(set(at)) == 2:
        m["auc"] = float(roc_auc_score(at, out[:, 1]))
    return m


def work(a):
    """Every (table, part, fold, training rows, test rows) asked for."""
    wanted = lambda name, values: (not a.sets or name in a.sets.split(",")) and (not a.kind or values == (a.kind == "values"))
    if a.extra:
        for name, t in extra():
            if wanted(name, t.values):
                yield t, "extra", list(divide(t, range(len(t.lines)), FOLDS))[: 2 if len(t.lines) > 20000 else a.folds]
        return
    for name in SETS:
        if not wanted(name, SETS[name].get("values", False)):
            continue
        t, folds = published(name)
        if a.inner:
            folds = [next(divide(t, train, FOLDS, seed=1 + f)) for f, (train, _) in enumerate(folds)]
        yield t, "inner" if a.inner else "test", folds[: a.folds]


def measured(a, mine):
    done = {tuple(row[k] for k in KEY) for row in load(a.results)}
    new = not os.path.exists(a.results)
    with open(a.results, "a", newline="") as f:
        w = csv.DictWriter(f, KEY + MEASURES)
        if new:
            w.writeheader()
        for t, part, folds in work(a):
            for fold, (train, test) in enumerate(folds):
                for model in a.models.split(",") if a.models else []:
                    if (t.name, part, str(fold), model) in done:
                        continue
                    if model in mine:
                        out, classes, seconds = run_dlam(t, a.binary, mine[model], train, test, fold)
                    else:
                        out, classes, seconds = run_peer(t, model, train, test, fold)
                    # Of one split, the test rows are scored in parts, so that there is an error to go by.
                    parts = [(fold, slice(None))] if len(folds) > 1 or len(test) < 5000 else [(i, slice(i, None, FOLDS)) for i in range(FOLDS)]
                    for i, rows in parts:
                        w.writerow(dict(set=t.name, part=part, fold=i, model=model, seconds=round(seconds, 4), **measure(t, out[rows], classes, test[rows])))
                    f.flush()
            print(part, t.name, flush=True)


def load(path):
    if not os.path.exists(path):
        return []
    with open(path, newline="") as f:
        return list(csv.DictReader(f))


def main_measure(name, rows, asked=None):
    if rows[0]["rmse"]:
        return "rmse"
    if asked:
        return asked
    return "auc" if SETS.get(name, {}).get("auc") else "accuracy"


def compare(table, name, a, b, what):
    """The mean over folds of how much better a is than b, in standard errors; None without common folds."""
    folds = sorted(set(table[name, a]) & set(table[name, b]))
    if not folds or not table[name, a][folds[0]][what]:
        return None
    d = np.array([float(table[name, a][f][what]) - float(table[name, b][f][what]) for f in folds])
    if what in ("rmse", "log_loss", "seconds"):
        d = -d
    error = d.std(ddof=1) / np.sqrt(len(d)) if len(d) > 1 else 0
    return d.mean() / error if error > 0 else np.inf * np.sign(d.mean()) if d.mean() else 0.0


def summary(a):
    """Wins, ties and losses of a model by one standard error of paired folds, and the table."""
    table, models, parts = defaultdict(dict), [], "inner" if a.inner else "extra" if a.extra else "test"
    for row in load(a.results):
        if row["part"] == parts:
            table[row["set"], row["model"]][row["fold"]] = row
            models += [row["model"]] if row["model"] not in models else []
    names = list(dict.fromkeys(n for n, _ in table))
    mean = lambda n, m, what: np.mean([float(r[what]) for r in table[n, m].values()]) if table.get((n, m)) else np.nan
    print(f"{'set':20s} {'measure':9s}" + "".join(f"{m:>16s}" for m in models))
    for n in names:
        rows = next(list(table[n, m].values()) for m in models if table.get((n, m)))
        what = main_measure(n, rows, a.measure)
        for w in [what] + (["log_loss"] if what != "rmse" else []):
            scale = 100 if w in ("accuracy", "balanced", "auc") else 1
            print(f"{n:20s} {w:9s}" + "".join(f"{scale * mean(n, m, w):16.4g}" for m in models))
    base = a.summary
    print(f"\n{base} against, by one standard error: wins / ties / losses; processor time, median of the peer's over ours")
    for m in models:
        if m == base:
            continue
        count = {k: [0, 0, 0] for k in ("classes", "log-loss", "values")}
        gain, ratios = defaultdict(list), []
        for n in names:
            if not (table.get((n, m)) and table.get((n, base))):
                continue
            what = main_measure(n, list(table[n, m].values()), a.measure)
            for k, w in [("values", what)] if what == "rmse" else [("classes", what), ("log-loss", "log_loss")]:
                s = compare(table, n, base, m, w)
                count[k][0 if s > 1 else 2 if s < -1 else 1] += 1
                x, y = mean(n, base, w), mean(n, m, w)
                gain[k].append(100 * (x / y - 1) if k == "values" else 100 * (x - y) if k == "classes" else x - y)
            ratios.append(mean(n, m, "seconds") / mean(n, base, "seconds"))
        if ratios:
            text = "   ".join(f"{k} {' / '.join(map(str, c))} ({np.mean(gain[k]):+.3f}{' %' if k == 'values' else ''})" for k, c in count.items() if gain[k])
            print(f"{m:16s} {text}   time {np.median(ratios):.2f}")


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0], epilog=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--binary", default="./dlam")
    p.add_argument("--results", default="tables.csv")
    p.add_argument("--sets", help=f"some of {','.join(SETS)}")
    p.add_argument("--kind", choices=["classes", "values"], help="sets of these labels alone")
    p.add_argument("--models", default="", help="dlam, mlp, hgb, lin, or contestants by name; hgb-balanced and lin-balanced have scikit-learn's class_weight")
    p.add_argument("--measure", choices=["accuracy", "balanced", "auc"], help="of classes, for the summary")
    p.add_argument("--dlam", action="append", default=[], metavar="NAME=FLAGS", help="a contestant: dlam with these flags")
    p.add_argument("--folds", type=int, default=FOLDS)
    p.add_argument("--inner", action="store_true", help="judge by a part of the training rows")
    p.add_argument("--extra", action="store_true", help="tables that come with scikit-learn, and generated ones")
    p.add_argument("--summary", metavar="MODEL", help="print what is in the results; no new ones")
    a = p.parse_args()
    mine = {"dlam": []}
    for d in a.dlam:
        name, _, flags = d.partition("=")
        mine[name] = shlex.split(flags)
        a.models = ",".join(filter(None, [a.models, name]))
    if a.summary:
        return summary(a)
    a.models = a.models or "dlam,mlp,hgb,lin"
    measured(a, mine)
    summary(argparse.Namespace(**{**vars(a), "summary": "dlam"}))


if __name__ == "__main__":
    main()
