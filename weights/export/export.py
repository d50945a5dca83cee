"""Model folders with seeded random weights at any size.

  export.py export KIND OUT [--seed N] [name=value ...]   KIND: regression, diffusion, emotion
  export.py record DIR [--n 1] [--seed N]                 adds inputs and outputs of a batch of n to DIR/io.npz
  export.py chain DIR [--seed N]                          a track of 4 s through a diffusion network in float64: DIR/chain.npz
  export.py describe DIR                                  operators and tensors of DIR/network.onnx
  export.py check DIR                                     runs the recorded inputs of DIR/io.npz again

Needs Debian's python3-torch, python3-torchaudio, python3-onnx and python3-numpy. See README.md.
"""
import argparse
import ast
import os

import torch

import folders
from graph import describe, export_onnx
from networks import build
from recording import chain, check, record


def export(kind, out_dir, seed, **sizes):
    """Writes a complete model folder; returns the completed sizes."""
    os.makedirs(out_dir, exist_ok=True)
    net, c, actors = build(kind, seed, **sizes)
    export_onnx(net, kind, c, os.path.join(out_dir, "network.onnx"))
    if kind == "regression":
        folders.regression_files(out_dir, c, seed)
    elif kind == "diffusion":
        folders.diffusion_files(out_dir, c, seed, actors)
    else:
        folders.emotion_files(out_dir, c, seed)
    folders.dump(os.path.join(out_dir, "oracle.json"), {
        "kind": kind, "seed": seed, "sizes": sizes, "parameters": sum(p.numel() for p in net.parameters()), "torch": torch.__version__,
    })  # fmt: skip
    io_path = os.path.join(out_dir, "io.npz")
    if os.path.exists(io_path):
        os.remove(io_path)
    return c


def parse_sizes(pairs):
    """["name=value", ...] as a dictionary; a value that is no Python literal stays text."""
    sizes = {}
    for pair in pairs:
        name, value = pair.split("=", 1)
        try:
            sizes[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            sizes[name] = value
    return sizes


def main():
    torch.set_num_threads(int(os.environ.get("EXPORT_THREADS", "1")))  # the last bits of sums depend on it
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = ap.add_subparsers(dest="cmd", required=True)
    e = sub.add_parser("export")
    e.add_argument("kind", choices=["regression", "diffusion", "emotion"])
    e.add_argument("out")
    e.add_argument("--seed", type=int, default=1)
    r = sub.add_parser("record")
    r.add_argument("dir")
    r.add_argument("--n", type=int, default=1)
    r.add_argument("--seed", type=int, default=1)
    r.add_argument("--length", type=int)
    h = sub.add_parser("chain")
    h.add_argument("dir")
    h.add_argument("--seed", type=int, default=5)
    for name in ("describe", "check"):
        sub.add_parser(name).add_argument("dir")
    a, sizes = ap.parse_known_args()  # argparse takes no list of positionals after an option
    if any(s.startswith("-") or "=" not in s or a.cmd != "export" for s in sizes):
        ap.error(f"not understood: {' '.join(sizes)}")
    if a.cmd == "export":
        export(a.kind, a.out, a.seed, **parse_sizes(sizes))
    elif a.cmd == "record":
        print(record(a.dir, a.n, a.seed, a.length))
    elif a.cmd == "chain":
        print(chain(a.dir, seed=a.seed))
    else:
        print(describe(a.dir) if a.cmd == "describe" else check(a.dir))


if __name__ == "__main__":
    main()
