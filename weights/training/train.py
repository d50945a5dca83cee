"""Makes the default model: speech, targets, training, export. Seeded; see ../README.md.

  python3 weights/training/train.py [--steps 6000 | --minutes 40] [--work DIR] [--out weights/default]

Needs Debian's python3-torch, python3-torchaudio, python3-onnx, python3-scipy and espeak-ng.
"""
import argparse
import os

import torch

import layout
from dataset import load
from deploy import deploy
from training import train


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--work", default=os.path.join(layout.ROOT, "artifacts", "training"), help="cache of features and network")
    ap.add_argument("--out", default=os.path.join(layout.ROOT, "weights", "default"))
    ap.add_argument("--utterances", type=int, default=1600)
    ap.add_argument("--steps", type=int, default=6000)
    ap.add_argument("--batch", type=int, default=48, help="chunks of 16 windows in a step")
    ap.add_argument("--minutes", type=float, help="stop by then; the learning rate falls accordingly")
    ap.add_argument("--resume", help="a network.pt to go on from")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--threads", type=int, default=1)
    a = ap.parse_args()
    torch.set_num_threads(a.threads)
    os.makedirs(a.work, exist_ok=True)
    data = load(os.path.join(a.work, f"speech-{a.utterances}-{a.seed}.npz"), a.utterances, a.seed)
    print(f"{len(data[0]) / 12000:.1f} minutes of sound", flush=True)
    path = os.path.join(a.work, "network.pt")
    log, save = lambda line: print(line, flush=True), lambda state: torch.save(state, path)
    resume = torch.load(a.resume) if a.resume else None
    state = train(data, a.steps, a.batch, a.seed, log, save, a.minutes, resume)
    deploy(state, a.out)


if __name__ == "__main__":
    main()
