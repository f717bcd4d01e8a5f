#!/usr/bin/env python3
"""Makes files that are small and stand for much, or large and of one line, and has dlam
read each under a cap on its memory: a table of the cap, the peak of resident memory,
and the time to the refusal, as docs/formats.md has it.

    go build -o /tmp/dlam ./cmd/dlam
    python3 bench/peers/bombs.py /tmp/dlam [64]

The cap is in MB of 2^20 bytes. A peak above 1.3 times the cap and 60 MB, or another end
than success and refusal, makes the exit code 1. Needs NumPy, /usr/bin/time, and 1.5 GB
on the disk.
"""
import gzip, io, os, re, shutil, struct, subprocess, sys, tempfile, zipfile, zlib
import numpy as np

M = 1 << 20


def gz(name, chunks):
    with gzip.open(name, "wb", compresslevel=6) as f:
        for c in chunks: f.write(c)


def plain(name, chunks):
    with open(name, "wb") as f:
        for c in chunks: f.write(c)


def picture(name, side):
    """A gray PNG file of zeros."""
    def chunk(kind, b): return struct.pack(">I", len(b)) + kind + b + struct.pack(">I", zlib.crc32(kind + b))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    plain(name, [b"\x89PNG\r\n\x1a\n", head, chunk(b"IDAT", zlib.compress(bytes((side + 1) * side), 9)), chunk(b"IEND", b"")])


def pictures(name):
    for i in range(12):
        os.makedirs(os.path.join(name, "ab"[i % 2]), exist_ok=True)
        picture(os.path.join(name, "ab"[i % 2], "%d.png" % i), 2048)


def npz(name, rows, columns, kind):
    """An archive of zeros, inflated by parts."""
    size = rows * columns * np.dtype(kind).itemsize
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": np.dtype(kind).str, "fortran_order": False, "shape": (rows, columns)})
    labels = io.BytesIO()
    np.save(labels, np.zeros(rows, "u1"))
    with zipfile.ZipFile(name, "w", zipfile.ZIP_DEFLATED) as z:
        with z.open("X.npy", "w", force_zip64=True) as f:
            f.write(head.getvalue())
            for at in range(0, size, M): f.write(bytes(min(M, size - at)))
        z.writestr("y.npy", labels.getvalue())


BOMBS = [
    ("CSV.gz, one line of 1,000 MiB", "line.csv.gz", lambda n: gz(n, (b"1" * M for _ in range(1000)))),
    ("CSV.gz, 30 million rows of 6 bytes", "rows.csv.gz", lambda n: gz(n, (b"1,2,0\n" * 1000000 for _ in range(30)))),
    ("CSV.gz, 300,000 labels of 1,000 bytes", "texts.csv.gz", lambda n: gz(n, [b"a,label\n"] + [b"".join(b"%d,%s%d\n" % (i, b"x" * 1000, k * 1000 + i) for i in range(1000)) for k in range(300)])),
    ("CSV, one line of 200 MiB", "line.csv", lambda n: plain(n, [b"a,b\n"] + [b"1" * M] * 200)),
    ("CSV, an open quote and 200 MiB", "quote.csv", lambda n: plain(n, [b'a,b\n1,"'] + [b"xy,\n" * (M // 4)] * 200)),
    ("CSV, a million labels", "labels.csv", lambda n: plain(n, [b"a,label\n"] + [b"%d,l%d\n" % (i % 7, i) for i in range(1000000)])),
    ("CSV, a million columns", "columns.csv", lambda n: plain(n, [",".join(map(str, range(1000000))).encode() + b"\n"] * 2)),
    ("CSV, 2 million rows", "rows.csv", lambda n: plain(n, [b"a,b,label\n"] + [b"%d,2,%d\n" % (i % 9, i % 2) for i in range(2000000)])),
    ("JSON Lines.gz, one line of 1,000 MiB", "line.jsonl.gz", lambda n: gz(n, [b'{"a":"'] + [b"x" * M] * 1000 + [b'"}\n'])),
    ("JSON Lines.gz, 10 million rows", "rows.jsonl.gz", lambda n: gz(n, [b'{"a":1,"b":2,"label":0}\n' * 1000000] * 10)),
    ("12 PNG of 2048×2048 zeros", "pictures", pictures),
    ("NPZ, bytes, 200,000×1,000 zeros", "u1.npz", lambda n: npz(n, 200000, 1000, "u1")),
    ("NPZ, float32, 50,000×1,000 zeros", "f4.npz", lambda n: npz(n, 50000, 1000, "f4")),
    ("NPY, float32, 50,000×1,000", "f4.npy", lambda n: np.save(n, np.zeros((50000, 1000), "f4"))),
    ("IDX.gz, 300,000 pictures of 56×56", "images-idx3-ubyte.gz", lambda n: gz(n, [b"\0\0\x08\x03" + struct.pack(">III", 300000, 56, 56)] + [bytes(3136000)] * 300)),
]


def size_of(path):
    if os.path.isdir(path): return sum(os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk(path) for f in files)
    return os.path.getsize(path)


def main():
    program, cap = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 64
    dir, failed = tempfile.mkdtemp(), False
    try:
        os.chdir(dir)
        print("| file | its size, MB | `data info`: peak, MB | time, s | exit code | `train`: peak, MB | time, s | exit code |\n|---|---|---|---|---|---|---|---|")
        for what, name, make in BOMBS:
            make(name)
            row = [what, "%.1f" % (size_of(name) / M)]
            for command in (["data", "info", name], ["train", "--solver", "adam", "--hidden", "4", "--iterations", "1", "--quiet", "--run", "run", "--data", name]):
                p = subprocess.run(["/usr/bin/time", "-v", program] + command + ["--max-memory", "%dMB" % cap], capture_output=True, text=True)
                peak = int(re.search(r"Maximum resident set size \(kbytes\): (\d+)", p.stderr).group(1)) / 1024
                took = re.search(r"Elapsed .*: (?:(\d+):)?(\d+):([\d.]+)", p.stderr).groups("0")
                failed = failed or peak > 1.3 * cap + 60 or p.returncode not in (0, 2)
                row += ["%.0f" % peak, "%.1f" % (3600 * int(took[0]) + 60 * int(took[1]) + float(took[2])), str(p.returncode)]
                shutil.rmtree("run", ignore_errors=True)
            print("| " + " | ".join(row) + " |", flush=True)
            shutil.rmtree(name) if os.path.isdir(name) else os.remove(name)
    finally:
        shutil.rmtree(dir)
    sys.exit(failed)


main()
