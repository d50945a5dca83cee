"""Measures the default model on sentences and voices that training never saw, and draws the pictures in docs/images.

  python3 weights/training/evaluate.py [--model weights/default] [--pictures docs/images]
"""
import argparse
import os

import numpy as np
import torch

import layout
from dataset import HELD_OUT_VOICES, PAD, speak
from deployed_model import Model
from espeak import Espeak
from layout import RATE, SKIN_INDEX
from sentences import HELD_OUT
from sound import level, noise
from visemes import STEP, mouth_targets, segments

TRAINING_VOICES = ["gmw/en-US", "gmw/en+f2", "gmw/en-GB-scotland+m3"]
OPEN = ("a", "A", "O", "E", "V")
OTHERS = ("mouthClose", "mouthPressLeft", "mouthPucker", "mouthFunnel", "mouthStretchLeft", "mouthLowerDownLeft", "mouthRollLower")
FPS = 50


def utterance(synthesiser, text, voice, rng):
    """Audio with 0.4 s of near silence on both sides at -24 dB, and its segments in seconds."""
    audio, phonemes = speak(synthesiser, text, voice)
    audio = np.concatenate([np.zeros(PAD), level(audio, -24), np.zeros(PAD)])
    audio = np.clip(audio + 10 ** (-70 / 20) * noise(len(audio), 1.0, rng), -1, 1).astype(np.float32)
    shifted = [(0.0, "_:")] + [(t + PAD / RATE, n) for t, n in phonemes] + [((len(audio) - PAD) / RATE, "_:")]
    return audio, shifted


def measure(model, synthesiser, voices, rng, emotion=None):
    """Numbers over all held-out sentences in these voices."""
    found = {k: [] for k in ("closed", "labiodental", "vowel", "vowel_jaw", "silence_jaw", "silence_all", "jaw", "jaw0", "gap", "gap0", "others", "others0")}
    others = [SKIN_INDEX[n] for n in OTHERS]
    for voice in voices:
        for text in HELD_OUT:
            audio, phonemes = utterance(synthesiser, text, voice, rng)
            skin = model.skin(model.raw(audio, FPS, emotion))
            gap, weights = model.gap(skin), model.weights(skin)
            t = np.arange(len(gap)) / FPS
            jaw = weights[:, SKIN_INDEX["jawOpen"]]
            for start, stop, pose in segments(phonemes, len(audio) / RATE):
                inside = (t >= start - 0.5 / FPS) & (t <= stop + 0.5 / FPS)
                if pose in ("closed", "labiodental"):
                    found[pose].append(gap[inside].min())
                elif pose in OPEN and stop - start > 0.05:
                    found["vowel"].append(gap[inside].max())
                    found["vowel_jaw"].append(jaw[inside].max())
                elif pose == "rest" and stop - start > 0.35:
                    quiet = (t > start + 0.20) & (t < stop - 0.15) | (t < start + 0.1) & (start == 0)
                    if quiet.any():
                        found["silence_jaw"].append(jaw[quiet].mean())
                        found["silence_all"].append(weights[quiet].max())
            target, _, _ = mouth_targets(phonemes, len(audio) / RATE)
            target = target[np.minimum((t / STEP).astype(int), len(target) - 1)]
            found["jaw"].append(jaw)
            found["jaw0"].append(target[:, SKIN_INDEX["jawOpen"]])
            found["gap"].append(gap)
            found["others"].append(weights[:, others])
            found["others0"].append(target[:, others])
            deltas = np.stack([model.blendshapes[n] for n in model.names])
            found["gap0"].append(model.gap(model.data["shapes_mean_skin"] + np.tensordot(target.astype(np.float32), deltas, 1)))
    return {k: np.concatenate(v) if k[:3] in ("jaw", "gap", "oth") else np.array(v) for k, v in found.items()}


def report(title, f):
    share = lambda x, limit: f"{100 * np.mean(x < limit):.0f} %"
    p, d = f["closed"], f["labiodental"]
    print(title)
    print(f"  p b m: {len(p)} closures; lips within 0.1 cm {share(p, 0.1)}, within 0.2 cm {share(p, 0.2)}, median {np.median(p):.3f} cm")
    print(f"  f v: {len(d)}; median lip gap {np.median(d):.3f} cm, within 0.3 cm {share(d, 0.3)}")
    print(f"  open vowels: {len(f['vowel'])}; median lip gap {np.median(f['vowel']):.2f} cm, mean peak jawOpen {f['vowel_jaw'].mean():.3f}")
    print(f"  silence: mean jawOpen {f['silence_jaw'].mean():.4f}, mean of largest weight {f['silence_all'].mean():.4f}")
    for name, unit in (("jaw", "jawOpen"), ("gap", "lip gap, cm")):
        a, b = f[name], f[name + "0"]
        error, size = np.sqrt(np.mean((a - b) ** 2)), np.sqrt(np.mean(b**2))
        print(f"  {unit} against target: correlation {np.corrcoef(a, b)[0, 1]:.3f}, rms error {error:.3f} (rms of target {size:.3f})")
    each = (f"{n} {np.corrcoef(f['others'][:, i], f['others0'][:, i])[0, 1]:.2f}" for i, n in enumerate(OTHERS))
    print(f"  correlation with the target: {', '.join(each)}")


def still(model, rng):
    """Largest weight of any shape while nothing speaks."""
    n = 3 * RATE
    t = np.arange(n) / RATE
    click = np.zeros(n)
    click[::4000] = 0.5
    sounds = {
        "digital silence": np.zeros(n), "white noise -60 dB": noise(n, 0, rng) * 1e-3, "white noise -40 dB": noise(n, 0, rng) * 1e-2,
        "white noise -30 dB": noise(n, 0, rng) * 0.0316, "pink noise -40 dB": noise(n, 1, rng) * 1e-2, "brown noise -35 dB": noise(n, 2, rng) * 0.0178,
        "440 Hz tone -20 dB": 0.141 * np.sin(2 * np.pi * 440 * t), "1 kHz tone -20 dB": 0.141 * np.sin(2 * np.pi * 1000 * t),
        "50 Hz square hum -35 dB": 0.0178 * np.sign(np.sin(2 * np.pi * 50 * t)), "clicks": click,
    }  # fmt: skip
    for name, audio in sounds.items():
        w = model.weights(model.skin(model.raw(audio.astype(np.float32), 30)))
        k = np.unravel_index(w.argmax(), w.shape)[1]
        print(f"  {name}: largest weight {w.max():.4f} ({model.names[k]}), largest change over time {np.ptp(w[10:-10], axis=0).max():.4f}")


def feelings_report(model, synthesiser, rng):
    voices = [HELD_OUT_VOICES[0]]
    for name in model.emotions:
        audio, _ = utterance(synthesiser, HELD_OUT[0], voices[0], rng)
        w = model.weights(model.skin(model.raw(audio, 30, {name: 0.6}))).mean(0) - model.weights(model.skin(model.raw(audio, 30))).mean(0)
        top = np.argsort(-np.abs(w))[:4]
        print(f"  {name}=0.6: " + ", ".join(f"{model.names[i]} {w[i]:+.2f}" for i in top))
    report("held-out sentences, held-out voice, joy=0.6", measure(model, synthesiser, voices, rng, {"joy": 0.6}))


def draw(model, synthesiser, out, rng):
    import deploy
    import pictures

    head = deploy.Head()
    pictures.face_sheet(os.path.join(out, "default-face.png"), head.face, head.poses, (head.tongue, head.tongue_triangles))
    text, voice = HELD_OUT[0], HELD_OUT_VOICES[1]
    audio, phonemes = utterance(synthesiser, text, voice, rng)
    skin = model.skin(model.raw(audio, 60))
    w, fast = model.weights(skin, exact=True), model.weights(skin)
    print(f"bounded solver against the clipped unbounded one on the drawn sentence: worst difference {np.abs(w - fast).max():.4f}")
    ends = [t for t, _ in phonemes[1:]] + [len(audio) / RATE]
    marks = [(start, stop, "", "open" if pose in OPEN else pose) for start, stop, pose in segments(phonemes, len(audio) / RATE)]
    marks += [(start, stop, name, "") for (start, name), stop in zip(phonemes, ends) if not name.startswith("_")]
    curves = {n: (w[:, SKIN_INDEX[n]], False) for n in ("jawOpen", "mouthClose", "mouthPucker")}
    curves["lip opening"] = (model.gap(skin), True)
    path = os.path.join(out, "default-model-heldout.png")
    pictures.sentence_plot(path, audio, RATE, np.arange(len(w)) / 60, curves, marks, f'"{text}" ({voice})')


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--model", default=os.path.join(layout.ROOT, "weights", "default"))
    ap.add_argument("--pictures", default=os.path.join(layout.ROOT, "docs", "images"))
    a = ap.parse_args()
    torch.set_num_threads(1)
    rng = np.random.default_rng(11)
    model, synthesiser = Model(a.model), Espeak()
    report("held-out sentences, training voices", measure(model, synthesiser, TRAINING_VOICES, rng))
    report("held-out sentences, held-out voices", measure(model, synthesiser, HELD_OUT_VOICES, rng))
    print("nothing speaks")
    still(model, rng)
    print("emotions (mean change of weights over a sentence)")
    feelings_report(model, synthesiser, rng)
    os.makedirs(a.pictures, exist_ok=True)
    draw(model, synthesiser, a.pictures, rng)


if __name__ == "__main__":
    main()
