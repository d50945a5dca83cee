"""From timed phonemes to curves of mouth shapes, 200 values a second.

Each phoneme names a pose of lips, jaw and tongue, with a dominance (how much it insists on that pose). A curve is the average of the poses
weighted by dominance functions that reach into the neighbours (coarticulation; lip rounding begins earlier than the rest). Bilabial
and labiodental contacts are imposed afterwards by an envelope of their own, so that no neighbour can keep the lips apart.
"""
import numpy as np

from layout import SKIN_INDEX, TONGUE_INDEX

STEP = 0.005  # seconds

# Pose parameters. jaw: jawOpen; fun, puc: mouthFunnel, mouthPucker; str: mouthStretch; smi: mouthSmile; low, upp: mouthLowerDown,
# mouthUpperUp; tip, body, rool, out: tongueTipUp, tongueUp, tongueRollUp, tongueStretch; wide: tongueWide
PARAMETERS = ("jaw", "fun", "puc", "str", "smi", "low", "upp", "tip", "body", "roll", "out", "wide", "down")
P = {name: i for i, name in enumerate(PARAMETERS)}

# name: (dominance of the lips and jaw, of the tongue, pose)
POSES = {
    "a": (1.0, 0.6, dict(jaw=0.50, str=0.12, low=0.22, upp=0.10, down=0.40)),
    "A": (1.0, 0.6, dict(jaw=0.58, low=0.18, upp=0.06, down=0.50)),
    "O": (1.0, 0.6, dict(jaw=0.40, fun=0.38, puc=0.15, low=0.12, down=0.35)),
    "o": (1.0, 0.6, dict(jaw=0.30, fun=0.35, puc=0.30, low=0.08, down=0.20)),
    "V": (0.9, 0.6, dict(jaw=0.38, low=0.15, upp=0.06, down=0.25)),
    "E": (0.9, 0.7, dict(jaw=0.34, str=0.20, smi=0.08, low=0.22, upp=0.10, wide=0.25)),
    "e": (0.9, 0.7, dict(jaw=0.25, str=0.25, smi=0.12, low=0.22, upp=0.10, wide=0.35, body=0.15)),
    "I": (0.8, 0.7, dict(jaw=0.19, str=0.25, smi=0.12, low=0.18, upp=0.08, wide=0.35, body=0.30)),
    "i": (1.0, 0.9, dict(jaw=0.13, str=0.38, smi=0.22, low=0.20, upp=0.08, wide=0.50, body=0.50)),
    "U": (0.9, 0.6, dict(jaw=0.17, fun=0.28, puc=0.42, low=0.04, body=0.15)),
    "u": (1.1, 0.7, dict(jaw=0.12, fun=0.22, puc=0.68, body=0.25)),
    "3": (0.9, 0.7, dict(jaw=0.24, fun=0.28, puc=0.15, low=0.14, upp=0.05, roll=0.20)),
    "@": (0.35, 0.4, dict(jaw=0.20, low=0.12, upp=0.04)),
    "closed": (0.7, 0.2, dict(jaw=0.14)),
    "labiodental": (0.9, 0.2, dict(jaw=0.13, low=0.06, upp=0.12)),
    "T": (0.6, 1.2, dict(jaw=0.17, low=0.18, upp=0.08, tip=0.20, out=0.60)),
    "t": (0.40, 1.2, dict(jaw=0.14, low=0.16, upp=0.05, tip=0.75)),
    "l": (0.35, 1.2, dict(jaw=0.18, low=0.14, upp=0.04, tip=0.85)),
    "s": (0.9, 1.2, dict(jaw=0.06, str=0.22, low=0.24, upp=0.10, tip=0.40, wide=0.20)),
    "S": (1.1, 1.0, dict(jaw=0.10, fun=0.55, puc=0.22, low=0.14, upp=0.12, tip=0.35, body=0.20)),
    "k": (0.25, 1.2, dict(jaw=0.17, low=0.12, upp=0.04, body=0.75)),
    "r": (0.7, 1.0, dict(jaw=0.14, fun=0.30, puc=0.32, roll=0.55)),
    "w": (1.1, 0.5, dict(jaw=0.09, fun=0.12, puc=0.78)),
    "j": (0.7, 1.0, dict(jaw=0.11, str=0.28, smi=0.15, low=0.12, wide=0.40, body=0.60)),
    "h": (0.08, 0.1, dict(jaw=0.22)),
    "rest": (1.0, 0.8, dict()),
}

# espeak-ng's English mnemonics; a vowel that glides has two poses
VOWELS = {
    "a": "a", "aa": "a", "a#": "@", "A": "A", "A:": "A", "A@": "A", "A#": "A", "0": "A", "0#": "@",
    "O": "O", "O:": "O", "O2": "O", "O@": "O", "o@": "O", "o": "o", "o:": "o", "o#": "o",
    "V": "V", "E": "E", "E2": "E", "E#": "I", "e": "e", "e:": "e", "3": "3", "3:": "3",
    "@": "@", "@2": "@", "@5": "@", "@#": "@", "@L": "@ l", "@-": "@",
    "I": "I", "I2": "I", "I#": "I", "i": "i", "i:": "i", "U": "U", "u": "u", "u:": "u", "y": "u", "Y": "u",
    "aI": "A I", "aI2": "A I", "aI@": "A @", "aI3": "A 3", "VI": "V I", "aU": "A U", "aU@": "A @",
    "eI": "e I", "oU": "o u", "@U": "@ u", "OI": "O I", "oI": "O I", "ju": "i u",
    "i@": "i @", "i@3": "i 3", "I@": "I @", "e@": "E @", "E@": "E @", "U@": "U @", "u@": "u @",
    "VR": "3", "IR": "I 3", "ER": "E 3", "UR": "U 3",
}  # fmt: skip
CONSONANTS = {
    "p": "closed", "b": "closed", "m": "closed", "m-": "closed", "f": "labiodental", "v": "labiodental", "T": "T", "D": "T",
    "t": "t", "d": "t", "n": "t", "n-": "t", "t#": "t", "t2": "t", "d#": "t", "*": "t", "l": "l", "l#": "l", "L": "l",
    "s": "s", "z": "s", "z#": "s", "S": "S", "Z": "S", "tS": "S", "dZ": "S",
    "k": "k", "g": "k", "N": "k", "x": "k", "C": "k", "Q": "k", "r": "r", "r-": "r", "r/": "r", "R": "r", "R2": "r",
    "w": "w", "w#": "w", "j": "j", ";": "j", "h": "h", "H": "h", "?": "h",
}  # fmt: skip
SILENT_STOPS = ("p", "t", "k", "tS")


def pose_names(mnemonic):
    """The poses of an espeak-ng mnemonic, in order; [] for marks without sound of their own."""
    if mnemonic.startswith("_") or mnemonic.startswith("("):
        return ["rest"]
    for table in (VOWELS, CONSONANTS):
        if mnemonic in table:
            return table[mnemonic].split()
    for n in range(len(mnemonic) - 1, 0, -1):  # a variant of a known one
        for table in (VOWELS, CONSONANTS):
            if mnemonic[:n] in table:
                return table[mnemonic[:n]].split()
    return ["h"]


def segments(phonemes, end):
    """[(start, end, pose), ...] from (start in seconds, mnemonic) pairs; neighbours of equal pose are merged."""
    times = [t for t, _ in phonemes] + [end]
    for i, (_, name) in enumerate(phonemes):
        if name in SILENT_STOPS:  # espeak-ng reports a voiceless stop at its burst: the closure is the silence before
            times[i] = max(times[i] - 0.055, times[i - 1] + 0.02 if i else 0.0)
            if name == "p":
                times[i + 1] = min(times[i + 1], times[i] + 0.070)
    out = []
    for start, stop, (_, name) in zip(times, times[1:], phonemes):
        if not name or stop - start < 0.004:
            continue
        names = pose_names(name)
        for i, pose in enumerate(names):
            a, b = start + (stop - start) * i / len(names), start + (stop - start) * (i + 1) / len(names)
            if out and out[-1][2] == pose and a - out[-1][1] < 0.004:
                out[-1] = (out[-1][0], b, pose)
            else:
                out.append((a, b, pose))
    return out


def ramp(t, start, stop, rise, fall):
    """1 between start and stop, falling to 0 by half cosines of the given lengths on both sides."""
    x = np.minimum((t - start) / rise + 1, (stop - t) / fall + 1)
    return 0.5 - 0.5 * np.cos(np.pi * np.clip(x, 0, 1))


def pose_curves(segs, count):
    """Dominance-weighted poses: [count, parameter]."""
    t = np.arange(count) * STEP
    total, norm = np.zeros((count, len(PARAMETERS))), np.full((count, len(PARAMETERS)), 1e-6)
    is_tongue = np.array([p in ("tip", "body", "roll", "out", "wide", "down") for p in PARAMETERS])
    rounding = np.array([p in ("fun", "puc") for p in PARAMETERS])
    for start, stop, pose in segs:
        lips, tongue, values = POSES[pose]
        target = np.array([values.get(p, 0.0) for p in PARAMETERS])
        before = np.clip(start - t, 0, None)[:, None]
        after = np.clip(t - stop, 0, None)[:, None]
        # rest lets go quickly before speech and comes back slowly after it
        lead, lag = (0.030, 0.040) if pose != "rest" else (0.075, 0.035)
        lead_of = np.where(rounding & (target > 0.1), 2.0, 1.0) * lead
        inside = np.minimum(1.0, 0.4 + (stop - start) / 0.12)
        d = np.where(is_tongue, tongue, lips) * inside * np.exp(-before / lead_of - after / lag)
        if pose == "h":
            d = d * 0.3
        total += d * target
        norm += d
    return total / norm


def smooth(x, seconds):
    """Gaussian smoothing along the first axis; edges are held."""
    n = int(np.ceil(3 * seconds / STEP))
    k = np.exp(-0.5 * (np.arange(-n, n + 1) * STEP / seconds) ** 2)
    k /= k.sum()
    padded = np.concatenate([np.repeat(x[:1], n, 0), x, np.repeat(x[-1:], n, 0)])
    return np.stack([np.convolve(padded[:, i], k, "valid") for i in range(x.shape[1])], 1)


def contact(segs, count, pose):
    """Envelope [count] that is 1 while the lips of this pose touch."""
    t = np.arange(count) * STEP
    c = np.zeros(count)
    for start, stop, name in segs:
        if name == pose:
            c = np.maximum(c, ramp(t, start - 0.008, max(stop - 0.012, start + 0.030), 0.050, 0.045))
    return c


def mouth_targets(phonemes, seconds):
    """-> skin weights [n, 52], tongue weights [n, 16], closure [n]; n = seconds / STEP + 1."""
    count = int(seconds / STEP) + 1
    segs = segments(phonemes, seconds)
    p = smooth(pose_curves(segs, count), 0.012)
    bilabial, dental = contact(segs, count, "closed"), contact(segs, count, "labiodental")
    open_lips = (1 - bilabial) * (1 - 0.75 * dental)

    skin = np.zeros((count, len(SKIN_INDEX)))

    def put(name, values, sides=False):
        for n in (name + "Left", name + "Right") if sides else (name,):
            skin[:, SKIN_INDEX[n]] += values

    jaw = p[:, P["jaw"]] * (1 - 0.45 * bilabial) * (1 - 0.40 * dental)
    put("jawOpen", jaw)
    put("mouthClose", jaw * np.maximum(bilabial, 0.80 * dental))
    put("mouthFunnel", p[:, P["fun"]] * open_lips)
    put("mouthPucker", p[:, P["puc"]] * (1 - 0.3 * bilabial))
    put("mouthStretch", p[:, P["str"]] * (1 - 0.5 * bilabial), True)
    put("mouthSmile", p[:, P["smi"]] * 0.6, True)
    put("mouthLowerDown", p[:, P["low"]] * (1 - bilabial) * (1 - dental), True)
    put("mouthUpperUp", p[:, P["upp"]] * (1 - bilabial) + 0.10 * dental, True)
    put("mouthPress", 0.30 * bilabial, True)
    put("mouthRollLower", 0.12 * bilabial + 0.45 * dental)
    put("mouthRollUpper", 0.12 * bilabial)

    tongue = np.zeros((count, len(TONGUE_INDEX)))
    for name, key in (("tongueTipUp", "tip"), ("tongueUp", "body"), ("tongueRollUp", "roll"), ("tongueStretch", "out"),
                      ("tongueWide", "wide"), ("tongueDown", "down")):  # fmt: skip
        tongue[:, TONGUE_INDEX[name]] = p[:, P[key]]
    return skin, tongue, np.maximum(bilabial, 0.8 * dental)
