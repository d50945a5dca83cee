"""What each explicit emotion adds to the face at strength 1, and the styles of the implicit emotion input."""
import numpy as np

from layout import EMOTIONS, IMPLICIT, SKIN_INDEX

# "name*" is the pair nameLeft, nameRight
OFFSETS = {
    "amazement": {"browInnerUp": 0.7, "browOuterUp*": 0.7, "eyeWide*": 0.6, "jawOpen": 0.15, "mouthFunnel": 0.08},
    "anger": {"browDown*": 0.8, "noseSneer*": 0.35, "eyeSquint*": 0.3, "mouthFrown*": 0.25, "mouthStretch*": 0.1, "mouthLowerDown*": 0.15},
    "cheekiness": {"mouthSmileLeft": 0.55, "mouthSmileRight": 0.2, "browOuterUpLeft": 0.5, "cheekSquintLeft": 0.35, "mouthDimpleLeft": 0.2},
    "disgust": {"noseSneer*": 0.75, "browDown*": 0.4, "mouthUpperUp*": 0.3, "mouthFrown*": 0.3, "eyeSquint*": 0.35, "cheekSquint*": 0.2},
    "fear": {"browInnerUp": 0.8, "browOuterUp*": 0.3, "eyeWide*": 0.7, "mouthStretch*": 0.4, "mouthFrown*": 0.15},
    "grief": {"browInnerUp": 0.8, "browDown*": 0.2, "mouthFrown*": 0.6, "eyeSquint*": 0.4, "mouthShrugLower": 0.35, "cheekSquint*": 0.2},
    "joy": {"mouthSmile*": 0.75, "cheekSquint*": 0.55, "eyeSquint*": 0.25, "browOuterUp*": 0.15, "mouthDimple*": 0.15},
    "outofbreath": {"jawOpen": 0.18, "mouthFunnel": 0.1, "browInnerUp": 0.35, "noseSneer*": 0.12, "mouthLowerDown*": 0.12},
    "pain": {"browDown*": 0.7, "eyeSquint*": 0.7, "cheekSquint*": 0.5, "mouthStretch*": 0.45, "noseSneer*": 0.45, "mouthUpperUp*": 0.2},
    "sadness": {"browInnerUp": 0.65, "mouthFrown*": 0.5, "mouthShrugLower": 0.2, "eyeSquint*": 0.15},
}
# gaze, in degrees added to (right x, right y, left x, left y); x > 0 looks down
GAZE = {"sadness": (4, 0, 4, 0), "grief": (5, 0, 5, 0), "cheekiness": (0, 3, 0, 3), "fear": (-1, 0, -1, 0)}
# these would part the lips: taken back while the lips touch
LIPS_APART = ("jawOpen", "mouthFunnel", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight")
# value of implicit[0] of each shot: 1 speaks at half the movement, -1 at more than the usual
STYLES = {"neutral": 0.0, "soft": 1.0, "clear": -1.0}


def skin_offsets():
    """[emotion, 52]."""
    out = np.zeros((len(EMOTIONS), len(SKIN_INDEX)), np.float32)
    for e, name in enumerate(EMOTIONS):
        for shape, value in OFFSETS[name].items():
            for n in (shape[:-1] + "Left", shape[:-1] + "Right") if shape.endswith("*") else (shape,):
                out[e, SKIN_INDEX[n]] += value
    return out


def gaze_offsets():
    """[emotion, 4] in degrees."""
    return np.array([GAZE.get(name, (0, 0, 0, 0)) for name in EMOTIONS], np.float32)


def opening_mask():
    """[52]: 1 for shapes that part the lips."""
    out = np.zeros(len(SKIN_INDEX), np.float32)
    out[[SKIN_INDEX[n] for n in LIPS_APART]] = 1
    return out


def implicit_rows():
    """Shot names and their rows [shot, 16]."""
    rows = np.zeros((len(STYLES), IMPLICIT), np.float32)
    rows[:, 0] = list(STYLES.values())
    return list(STYLES), rows
