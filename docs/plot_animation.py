#!/usr/bin/env python3
"""Draws weights of an animation over the waveform it came from.

    python3 docs/plot_animation.py hello.csv samples/hello.wav docs/images/hello.png [NAME ...]

The csv is what `a2f animate` writes; NAMEs are columns of it (jawOpen and mouthClose by default). Needs matplotlib and numpy.
"""
import sys
import wave

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np


def read_wave(path):
    """Samples of channel 0 of a 16-bit PCM file, in -1..1, and the rate."""
    with wave.open(path) as w:
        data = np.frombuffer(w.readframes(w.getnframes()), "<i2").reshape(-1, w.getnchannels())
        return data[:, 0] / 32768.0, w.getframerate()


def main(csv, audio, out, *names):
    table = np.genfromtxt(csv, delimiter=",", names=True)
    samples, rate = read_wave(audio)
    names = names or ("jawOpen", "mouthClose")
    fig, axes = plt.subplots(2, 1, figsize=(11, 4.2), sharex=True, height_ratios=(1, 2))
    axes[0].plot(np.arange(len(samples)) / rate, samples, lw=0.4, color="0.35")
    axes[0].set_ylabel("waveform")
    axes[0].set_yticks([])
    for name in names:
        axes[1].plot(table["time"], table[name], lw=1.3, label=name)
    axes[1].set_ylabel("weight")
    axes[1].set_xlabel("seconds")
    axes[1].set_ylim(-0.02, None)
    axes[1].grid(alpha=0.3)
    axes[1].legend(loc="upper right")
    axes[1].set_xlim(0, len(samples) / rate)
    fig.tight_layout()
    fig.savefig(out, dpi=85)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
