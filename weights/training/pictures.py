"""Pictures of the face and of a held-out sentence (matplotlib)."""
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import PolyCollection
from PIL import Image

from face import EYE, MOUTH_POINTS

LIGHT = np.array([0.35, 0.45, 0.82])


def save(fig, path, dpi):
    """A small PNG: 64 colours are enough."""
    fig.tight_layout()
    fig.savefig(path, dpi=dpi)
    plt.close(fig)
    Image.open(path).convert("RGB").quantize(64).save(path, optimize=True)


def shaded(points, triangles, colour, turn):
    """Depth-sorted, shaded triangles seen from the front, turned by some degrees: polygons, colours, depths."""
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    p = points @ np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])
    v = p[triangles]
    normal = np.cross(v[:, 1] - v[:, 0], v[:, 2] - v[:, 0])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-12
    light = 0.35 + 0.65 * np.clip(normal @ LIGHT, 0, 1)
    return v[:, :, :2], np.clip(np.array(colour) * light[:, None], 0, 1), v[:, :, 2].mean(1)


def ball(centre, radius):
    """A sphere's triangles, with the pupil's side in front."""
    a, b = np.meshgrid(np.linspace(0, np.pi, 15), np.linspace(0, 2 * np.pi, 25), indexing="ij")
    p = np.stack([np.sin(a) * np.cos(b), np.sin(a) * np.sin(b), np.cos(a)], 2).reshape(-1, 3) * radius + centre
    i = (np.arange(14)[:, None] * 25 + np.arange(24)).ravel()
    return p, np.concatenate([np.stack([i, i + 25, i + 26], 1), np.stack([i, i + 26, i + 1], 1)]), np.repeat(np.arange(14), 24)


def draw(ax, face, skin, tongue=None, turn=20, lip_mask=None):
    parts = []
    colour = np.tile([0.93, 0.76, 0.66], (len(face.triangles), 1))
    if lip_mask is not None:
        colour[lip_mask[face.triangles].mean(1) > 0.7] = [0.80, 0.42, 0.40]
    parts.append(shaded(skin, face.triangles, colour, turn))
    for sign in (1, -1):
        p, t, ring = ball(np.array([sign * EYE[0], EYE[1], 5.75]), 1.45)
        colours = np.where(np.concatenate([ring, ring])[:, None] < 2, [0.15, 0.2, 0.3], [0.97, 0.97, 0.97])
        parts.append(shaded(p, t, colours, turn))
    cavity = np.array([[sign * 3.6, y, 2.6] for y in (-3.0, -9.4) for sign in (-1, 1)])
    parts.append(shaded(cavity, np.array([[0, 2, 1], [1, 2, 3]]), [0.28, 0.10, 0.10], turn))
    if tongue is not None:
        parts.append(shaded(*tongue, [0.85, 0.45, 0.45], turn))
    polygons, colours, depth = (np.concatenate(x) for x in zip(*parts))
    order = np.argsort(depth)
    ax.add_collection(PolyCollection(polygons[order], facecolors=colours[order], edgecolors=colours[order], linewidths=0.3))
    ax.set_xlim(-9, 9)
    ax.set_ylim(-14.5, 12.5)
    ax.set_aspect("equal")
    ax.set_xticks([])
    ax.set_yticks([])


def both(**weights):
    """Weights of left and right shapes together."""
    return {n + side: w for n, w in weights.items() for side in ("Left", "Right")}


SHOWN = [
    ("rest", {}),
    ("jawOpen", dict(jawOpen=1)),
    ("jawOpen + mouthClose", dict(jawOpen=0.5, mouthClose=0.5)),
    ("mouthSmile", both(mouthSmile=1)),
    ("eyeBlink", both(eyeBlink=1)),
    ("mouthPucker", dict(mouthPucker=1)),
    ("mouthFunnel, jawOpen 0.3", dict(mouthFunnel=1, jawOpen=0.3)),
    ("mouthFrown, browInnerUp", {**both(mouthFrown=1), "browInnerUp": 1}),
    ("mouthStretch, browDown", both(mouthStretch=1, browDown=1)),
    ("mouthUpperUp, mouthLowerDown", both(mouthUpperUp=1, mouthLowerDown=1)),
    ("mouthRollLower (f, v)", {**both(mouthUpperUp=0.15), "mouthRollLower": 0.5, "jawOpen": 0.1, "mouthClose": 0.08}),
    ("cheekPuff, eyeWide", {**both(eyeWide=1), "cheekPuff": 1}),
]


def face_sheet(path, face, poses, tongue):
    """A sheet of named poses."""
    lips = np.zeros(len(face.skin))
    lips[: 3 * MOUTH_POINTS] = 1
    fig, axes = plt.subplots(2, 6, figsize=(13, 6.6))
    for ax, (title, weights) in zip(axes.flat, SHOWN):
        skin = face.skin + sum(w * poses[n] for n, w in weights.items()) if weights else face.skin
        draw(ax, face, skin, tongue, 15, lips)
        ax.set_title(title, fontsize=8)
    save(fig, path, 72)


def sentence_plot(path, audio, rate, times, curves, marks, title):
    """Waveform with phonemes, and curves {label: (values, axis)} below; marks: [(start, end, name, kind), ...] in seconds."""
    fig, (top, bottom) = plt.subplots(2, 1, figsize=(13, 5.4), sharex=True, gridspec_kw={"height_ratios": [1, 1.7]})
    top.plot(np.arange(0, len(audio), 4) / rate, audio[::4], lw=0.35, color="0.35")
    bounds = np.abs(audio).max()
    for start, end, name, kind in marks:
        top.text((start + end) / 2, 1.08 * bounds, name, ha="center", fontsize=7)
        if kind in ("closed", "labiodental", "open"):
            colour = {"closed": "tab:red", "labiodental": "tab:orange", "open": "tab:green"}[kind]
            for ax in (top, bottom):
                ax.axvspan(start, end, color=colour, alpha=0.13, lw=0)
    top.set_ylim(-1.05 * bounds, 1.3 * bounds)
    top.set_title(title + "    red: p b m, orange: f v, green: open vowels", fontsize=9)
    other = bottom.twinx()
    for label, (values, right) in curves.items():
        (other if right else bottom).plot(times, values, lw=1.2, label=label, ls="--" if right else "-", color="k" if right else None)
    bottom.set_ylabel("weight")
    other.set_ylabel("lip opening, cm")
    other.set_ylim(-0.1, None)
    bottom.set_xlabel("seconds")
    lines = [line for ax in (bottom, other) for line in ax.get_lines()]
    bottom.legend(lines, [line.get_label() for line in lines], loc="upper right", fontsize=8, ncol=4)
    save(fig, path, 75)
