#!/usr/bin/env python3
"""Reads random tables and arrays with pandas and NumPy, and with dlam's readers, and
compares: the values are equal, or both refuse the file.

    go build -o /tmp/readers ./bench/peers/readers
    python3 bench/peers/readers.py /tmp/readers csv 100000 [seed]
    python3 bench/peers/readers.py /tmp/readers npy 20000 [seed]

Disagreements that are decided (docs/formats.md, "Where readers differ") are counted
by their name; any other is printed with its file, and the exit code is 1. Needs pandas
and NumPy.
"""
import io, json, math, os, random, shutil, subprocess, sys, tempfile, warnings
import numpy as np
import pandas as pd

warnings.simplefilter("ignore")
WORDS = ["a", "b", "cat", "dog", "é", "x y", "-", "+", "True", "No", "12a", "1,5", "a;b", "0x10", "1_0", "..", "e5", "inf.", '5" pipe', "it's", "2024-13-01", "#", "名"]
GAPS = ["", "NA", "nan", "?", "null", "N/A", "NULL", "NaN", "n/a", "-", "<NA>", "#N/A"]


def number(r):
    kind = r.randrange(12)
    if kind == 0: return str(r.randrange(-5, 100))
    if kind == 1: return str(r.randrange(-10**18, 10**18))
    if kind == 2: return repr(r.uniform(-1e3, 1e3))
    if kind == 3: return repr(r.gauss(0, 1) * 10.0 ** r.randrange(-300, 300))
    if kind == 4: return "%.*f" % (r.randrange(8), r.uniform(-1e4, 1e4))
    if kind == 5: return "%.*e" % (r.randrange(20), r.gauss(0, 1e5))
    if kind == 6: return r.choice(["0", "-0", "+1", "1.", ".5", "-.5e3", "1e5", "1E-5", "007", "1e+05", "0.1e1"])
    if kind == 7: return r.choice(["inf", "-inf", "Infinity", "1e400", "-1e999", "1e-400"])
    if kind == 8: return str(r.choice([2**63 - 1, -2**63, 2**53 + 1, 10**15]))
    if kind == 9: return "%d.%d" % (r.randrange(1000), r.randrange(10**r.randrange(1, 25)))
    return str(r.randrange(10))


def value(r, kind):
    if kind == "int": return str(r.randrange(-1000, 1000))
    if kind == "number": return number(r)
    if kind == "bool": return r.choice(["True", "False"])
    if kind == "date": return "2024-%02d-%02d" % (r.randrange(1, 13), r.randrange(1, 29))
    if kind == "word": return r.choice(WORDS)
    return r.choice([number(r), r.choice(WORDS), r.choice(["True", "false", "TRUE"])])


def quote(r, v, sep, newline):
    must = sep in v or '"' in v and v.startswith('"') or "\n" in v or "\r" in v
    if must or r.random() < 0.1:
        if r.random() < 0.05: v += r.choice([newline, '"', sep]) + "z"
        v = '"' + v.replace('"', '""') + '"'
    return v


def text(r):
    """A text, its separator, its decimal sign, and whether its first line is names."""
    sep, newline = r.choice([",", ",", ";", "\t", "|"]), r.choice(["\n", "\n", "\r\n", "\r"])
    decimal = "," if sep != "," and r.random() < 0.1 else "."
    width, rows, header = r.randrange(1, 6), r.randrange(0, 30), r.random() < 0.8
    kinds = [r.choice(["int", "number", "number", "bool", "date", "word", "any"]) for _ in range(width)]
    gaps = [r.choice([0, 0, 0.2]) for _ in kinds]
    lines = []
    if header:
        names = ["c%d" % i if r.random() < 0.9 else r.choice(["x", "2019", "", "a b", "label", "x,y"]) for i in range(width)]
        lines.append(sep.join(quote(r, n, sep, newline) for n in names))
    for _ in range(rows):
        row = []
        for k, g in zip(kinds, gaps):
            v = r.choice(GAPS) if r.random() < g else value(r, k)
            if decimal == "," and k in ("int", "number"): v = v.replace(".", ",").replace("1e400", "7").replace("-1e999", "8")
            v = quote(r, v, sep, newline)
            if r.random() < 0.03: v = " " + v
            if r.random() < 0.03: v += " "
            row.append(v)
        if r.random() < 0.002: row.append("1")
        if r.random() < 0.002: row.pop()
        lines.append(sep.join(row))
        if r.random() < 0.02: lines.append(r.choice(["", "  "]))
    if r.random() < 0.01: lines.append('"open')
    out = newline.join(lines) + (newline if r.random() < 0.8 else "")
    if r.random() < 0.05: out = "\ufeff" + out
    return out, sep, decimal, header


def pandas_table(path, sep, decimal, header):
    options = dict(sep=sep, decimal=decimal, header=0 if header else None, skipinitialspace=True, na_values=["?", "-"], encoding="utf-8")
    with open(path, newline="", encoding="utf-8-sig") as f: lines = f.read()
    if "\r" in lines and "\n" not in lines.replace("\r\n", ""):  # pandas 1.5 overflows and makes rows up where lines end with CR
        path = io.StringIO(lines.replace("\r\n", "\n").replace("\r", "\n"))
    d = pd.read_csv(path, float_precision="round_trip", low_memory=False, **options)
    if len(d) and not isinstance(d.index, pd.RangeIndex):
        d = d.reset_index()
    return d


def close(a, b):
    return a == b or math.isnan(a) and math.isnan(b)


def differ_csv(ours, d, header, sep, decimal):
    """None if equal, the name of a decided disagreement, or what differs."""
    if len(ours) != d.shape[1]: return "%d columns, want %d" % (len(ours), d.shape[1])
    decided, around = None, " " if sep == "\t" else " \t"
    for j, c in enumerate(ours):
        s = d.iloc[:, j]
        if len(c["values"]) != len(s): return "%d rows, want %d" % (len(c["values"]), len(s))
        name = str(d.columns[j])
        c["name"] = c["name"].replace("\r\n", "\n").replace("\r", "\n")
        if header and c["name"] != name.strip(around):
            if name.startswith(("Unnamed: ", "level_", "index")): decided = "names"
            elif "." in c["name"]: decided = "names"
            else: return "column %d is called %r, want %r" % (j, c["name"], name)
        for i, (v, w) in enumerate(zip(c["values"], s)):
            missing = w is None or isinstance(w, float) and math.isnan(w)
            if v is None and missing: continue
            if missing and v == "-9.223372036854776e+18" or v == "-9223372036854775808" and missing: decided = "least integer"; continue
            if missing and v == "-": decided = "dash"; continue
            if v is None and str(w).strip(around) in GAPS: decided = "blanks"; continue
            if v is None or missing: return "column %d row %d: %r, want %r" % (j, i, v, w)
            if isinstance(w, (bool, np.bool_)):
                if v.lower() == str(w).lower(): continue
            elif isinstance(w, (int, float, np.integer, np.floating)):
                if c["kind"] == "numbers" and close(float(v), float(w)) and (not isinstance(w, (int, np.integer)) or "e" in v or int(float(v)) == float(v)): continue
            else:
                t = str(w).strip(around)
                v = v.replace("\r\n", "\n").replace("\r", "\n")
                if v == t.replace("\r\n", "\n"): continue
                if c["kind"] == "numbers":  # pandas keeps a column as text if one has too many digits, or blanks after a word
                    try:
                        if close(float(v), float(t.replace(decimal, "."))): decided = "numbers as text"; continue
                    except ValueError: pass
                if c["kind"] == "dates" and v == t: continue
                if c["kind"] == "truth values" and v.lower() == t.lower(): continue
            return "column %d (%s, %s) row %d: %r, want %r" % (j, c["kind"], s.dtype, i, v, w)
    return decided


def compare_csv(r, ask, dir, n):
    count = {}
    for k in range(n):
        path = os.path.join(dir, "t%d.csv" % k)
        out, sep, decimal, header = text(r)
        with open(path, "w", newline="", encoding="utf-8") as f: f.write(out)
        settings = ["separator=" + {"\t": "tab"}.get(sep, sep), "decimal=" + decimal, "header" if header else "no-header"]
        ours = ask(path, settings)
        try: d, fault = pandas_table(path, sep, decimal, header), None
        except Exception as e: d, fault = None, str(e)
        if "error" in ours and fault: result = "both refuse"
        elif "error" in ours: result = refused(ours["error"], d)
        elif fault: result = accepted(fault, ours)
        else: result = differ_csv(ours["columns"], d, header, sep, decimal) or "equal"
        yield path, result, out


def refused(error, d):
    if "fields, want" in error: return "= short or long lines"
    if "no samples" in error: return "= no rows"
    if "not UTF-8" in error: return "= not UTF-8"
    return "refused: %s; pandas has %d rows" % (error, len(d))


def accepted(fault, ours):
    return "taken, but pandas says: " + fault


def array(r):
    shape = tuple(r.randrange(0, 6) for _ in range(r.randrange(1, 3)))
    kind = r.choice(["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "b1", "U3", "S4", "M8[s]", "M8[ns]", "M8[D]", "c8", "O"])
    rng = np.random.default_rng(r.getrandbits(32))
    n = int(np.prod(shape))
    if kind[0] in "iu":
        t = np.iinfo(kind)
        a = np.array([r.choice([t.min, t.max, r.randint(t.min, t.max), r.randrange(0, 100)]) for _ in range(n)], dtype=kind)
    elif kind[0] == "f": a = (rng.standard_normal(n) * 10.0 ** rng.integers(-8, 5, n)).astype(kind)
    elif kind[0] == "b": a = rng.integers(0, 2, n).astype(bool)
    elif kind[0] in "US": a = np.array([r.choice(["", "a", "bc", "xyz", "é" if kind[0] == "U" else "e"]) for _ in range(n)], dtype=kind)
    elif kind[0] == "M": a = np.array([r.randrange(-10**9, 10**9) if r.random() < 0.9 else np.iinfo("i8").min for _ in range(n)], dtype="i8").astype("M8[s]").astype(kind)
    elif kind == "O": a = np.array([1] * n, dtype=object)
    else: a = np.zeros(n, dtype=kind)
    a = a.reshape(shape)
    if r.random() < 0.3: a = np.asfortranarray(a)
    if r.random() < 0.2 and kind[0] in "iufM": a = a.astype(a.dtype.newbyteorder(">"))
    return a


def compare_npy(r, ask, dir, n):
    for k in range(n):
        path = os.path.join(dir, "a%d.npy" % k)
        a = array(r)
        with open(path, "wb") as f: np.lib.format.write_array(f, a, version=r.choice([(1, 0), (2, 0), (3, 0)]))
        if r.random() < 0.05:
            raw = open(path, "rb").read()
            open(path, "wb").write(raw[: r.randrange(len(raw))])
        ours = ask(path, [])
        try: b, fault = np.load(path), None
        except Exception as e: b, fault = None, str(e)
        if "error" in ours:
            result = "both refuse" if fault else "= unknown types" if "elements of type" in ours["error"] else "= empty" if b.size == 0 else "refused: " + ours["error"]
        elif fault: result = "taken, but NumPy says: " + fault
        else: result = differ_npy(ours["columns"], b)
        yield path, result, repr(a)


def differ_npy(ours, b):
    b = b.reshape(len(b), -1) if b.size else b.reshape(b.shape[0], int(np.prod(b.shape[1:])))
    if len(ours) != b.shape[1]: return "%d columns, want %d" % (len(ours), b.shape[1])
    decided = "equal"
    for j, c in enumerate(ours):
        if len(c["values"]) != b.shape[0]: return "%d rows, want %d" % (len(c["values"]), b.shape[0])
        for i, v in enumerate(c["values"]):
            w = b[i, j]
            if b.dtype.kind in "iu":
                if v == str(w): continue
                if max(b[:, j]) >= 2**63 and float(v) == float(w): decided = "= large integers"; continue
            elif b.dtype.kind == "f":
                if v is None and np.isnan(w) or v is not None and float(v) == float(w): continue
            elif b.dtype.kind == "b":
                if v == str(w): continue
            elif b.dtype.kind == "U":
                if v == str(w): continue
            elif b.dtype.kind == "S":
                if v == w.decode("utf-8"): continue
            elif b.dtype.kind == "M":
                if v is None and np.isnat(w): continue
                if v is not None and np.datetime64(v.replace(" ", "T"), "us") == w.astype("M8[us]"): continue
            return "column %d row %d (%s): %r, want %r" % (j, i, b.dtype, v, w)
    return decided


def main():
    program, kind, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
    r = random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    p = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")

    def ask(path, settings):
        p.stdin.write("\t".join([path] + settings) + "\n")
        p.stdin.flush()
        return json.loads(p.stdout.readline())

    dir, count, bad = tempfile.mkdtemp(), {}, 0
    for path, result, content in {"csv": compare_csv, "npy": compare_npy}[kind](r, ask, dir, n):
        known = result in ("equal", "both refuse", "names", "dash", "blanks", "numbers as text", "least integer") or result.startswith("= ")
        if not known:
            bad += 1
            if bad <= 20: print("%s: %s\n%r" % (path, result, content[:600]))
            result = "UNDECIDED"
        count[result] = count.get(result, 0) + 1
        os.remove(path)
    shutil.rmtree(dir)
    print(json.dumps(count, sort_keys=True))
    sys.exit(bad > 0)


main()
