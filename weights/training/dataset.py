"""Synthesised speech as one long stream of features and targets on a 5 ms grid."""
import os

import numpy as np

import sentences
from espeak import Espeak
from features import autocorrelation
from layout import HOP, OFFSET, RATE
from sound import non_speech, recording, to_16k
from visemes import mouth_targets

ACCENTS = ["gmw/en-US", "gmw/en", "gmw/en-GB-x-rp", "gmw/en-GB-scotland", "gmw/en-GB-x-gbclan", "gmw/en-US-nyc"]
VARIANTS = """
m1 m2 m3 m4 m7 f1 f2 f3 f5 klatt klatt2 Alicia Andy Diogo Lee Michael adam anika announcer belinda david ed grandma iven john linda
norbert paul quincy rob sandro
""".split() + [""]
# never used in training: the accents with any variant, and the variants with any accent
HELD_OUT_VOICES = ["gmw/en-029+m6", "gmw/en-GB-x-gbcwmd+f4", "gmw/en-US+steph", "gmw/en+max", "gmw/en-US+klatt3", "gmw/en-US+Annie"]
PAD = int(0.40 * RATE) // HOP * HOP


def voice_name(rng):
    accent, variant = ACCENTS[rng.integers(len(ACCENTS))], VARIANTS[rng.integers(len(VARIANTS))]
    return accent + ("+" + variant if variant else "")


def speak(synthesiser, text, voice, rng=None):
    """One line -> audio at 16 kHz and [(seconds, mnemonic), ...]; rng varies rate, pitch and size of the speaker."""
    if rng is None:
        speed, pitch, spread, stretch = 165, 50, 50, 1.0
    else:
        speed, pitch, spread, stretch = rng.uniform(115, 215), rng.uniform(15, 85), rng.uniform(20, 80), rng.uniform(0.92, 1.09)
    audio, phonemes = synthesiser.say(text, voice, speed, pitch, spread)
    return to_16k(audio, synthesiser.rate, stretch), [(t / stretch, name) for t, name in phonemes]


def rows_of(audio, phonemes, pad, neutral=False):
    """Features [n, 32], skin [n, 52], tongue [n, 16], closure [n] of one recording; row r holds the targets at sample 80 r."""
    n = len(audio) // HOP
    x = np.zeros((n, 32), np.float32)
    f = autocorrelation(np.concatenate([audio, np.zeros(640, np.float32)]))
    x[:] = f[:n]
    if neutral:
        return x, np.zeros((n, 52), np.float32), np.zeros((n, 16), np.float32), np.zeros(n, np.float32)
    shifted = [(0.0, "_:")] + [(t + pad / RATE, name) for t, name in phonemes]
    end = (len(audio) - pad) / RATE
    skin, tongue, closed = mouth_targets(shifted + [(end, "_:")], len(audio) / RATE)
    return x, skin[:n].astype(np.float32), tongue[:n].astype(np.float32), closed[:n].astype(np.float32)


def build(utterances, seed):
    """The training stream: features, skin, tongue, closure, each [rows, ...], 200 rows a second."""
    rng = np.random.default_rng(seed)
    synthesiser = Espeak()
    parts = []
    for i in range(utterances):
        if rng.random() < 0.12:
            n = int(rng.uniform(0.8, 2.5) * RATE) // HOP * HOP
            parts.append(rows_of(non_speech(n, rng), [], 0, neutral=True))
            continue
        fixed = rng.random() < 0.7
        text = sentences.TRAIN[rng.integers(len(sentences.TRAIN))] if fixed else sentences.random_sentence(rng)
        audio, phonemes = speak(synthesiser, text, voice_name(rng), rng)
        parts.append(rows_of(recording(audio, PAD, rng), phonemes, PAD))
    return [np.concatenate(p) for p in zip(*parts)]


def rests(count, seed):
    """More of what is no speech, with no targets but rest: as build()."""
    rng = np.random.default_rng(seed + 1000)
    parts = [rows_of(non_speech(int(rng.uniform(1, 3) * RATE) // HOP * HOP, rng), [], 0, neutral=True) for _ in range(count)]
    return [np.concatenate(p) for p in zip(*parts)]


def load(path, utterances, seed):
    """build() with a cache file, and a rest of one to three seconds for every five utterances."""
    if not os.path.exists(path):
        features, skin, tongue, closed = build(utterances, seed)
        np.savez(path, features=features, skin=skin.astype(np.float16), tongue=tongue.astype(np.float16), closed=closed)
    with np.load(path) as z:
        speech = z["features"], z["skin"].astype(np.float32), z["tongue"].astype(np.float32), z["closed"]
    return [np.concatenate(p) for p in zip(speech, rests(utterances // 5, seed))]


def target_row(first_row):
    """The target row of a window whose first feature row is first_row."""
    return first_row + OFFSET // HOP
