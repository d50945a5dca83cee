"""Inputs for a network, and recorded pairs of inputs and outputs (io.npz)."""
import gc
import json
import os

import numpy as np
import torch

from diffusion import STREAMING
from networks import build, to_double
from synthetic import rng_of, speech

OUTPUTS = {"regression": ["result"], "diffusion": ["prediction", "output_latents"], "emotion": ["output"]}


def grid(x, step):
    """Rounds to a coarse grid: exact in float32 and small when compressed."""
    return (np.round(np.asarray(x) / step) * step).astype(np.float32)


def audio_batch(r, b, n):
    """Speech-like, silence, noise with an offset, in turn: [b, n]."""
    rows = []
    for i in range(b):
        if i % 3 == 1:
            rows.append(np.zeros(n, np.float32))  # silence
        elif i % 3 == 2:
            x = 0.15 * r.standard_normal(n) + 0.05  # noise with an offset
            rows.append(grid(np.clip(x, -1, 1), 1 / 512))
        else:
            rows.append(speech(r, n))
    return np.stack(rows)


def make_inputs(kind, c, b, seed, length=None):
    """Batch 1: one speech clip, zero state. Larger batches: speech, silence, noise in turn, non-zero state."""
    r = rng_of(seed, "inputs", kind, b)
    if kind == "regression":
        emo = np.concatenate([grid(0.5 * r.standard_normal((b, 1, c["implicit"])), 1 / 256), grid(r.random((b, 1, len(c["emotions"]))), 1 / 256)], 2)
        return {"input": audio_batch(r, b, c["buffer_len"])[:, None], "emotion": emo}
    if kind == "emotion":
        return {"input_values": audio_batch(r, b, length or c["buffer_len"])}
    left, block, right = STREAMING[c["fps"]]
    dim = (c["verts_skin"] + c["verts_tongue"]) * 3 + c["jaw"] + c["eyes"]
    identity = np.zeros((b, len(c["actors"])), np.float32)
    identity[np.arange(b), r.permutation(np.arange(b) % len(c["actors"]))] = 1
    state = grid(0.5 * r.standard_normal((c["steps"], c["gru_layers"], b, c["gru"])), 1 / 64)
    return {
        "window": audio_batch(r, b, c["window"]),
        "identity": identity,
        "emotion": grid(r.random(((b, block) if c["emotion_frames"] else (b,)) + (len(c["emotions"]),)), 1 / 64),
        "input_latents": state * (b > 1),
        "noise": grid(r.standard_normal((b, c["steps"] + 1, left + block + right, dim), dtype=np.float32), 1 / 8),
    }


def trim(x, bits=32):
    """float64 rounded to fewer significant bits (2^-32 is far below float32's), so that it compresses."""
    m, e = np.frexp(x)
    return np.ldexp(np.round(m * 2.0**bits) * 2.0**-bits, e)


def run(net, kind, inputs, dtype=torch.float32):
    """The network's outputs by name."""
    with torch.no_grad():
        y = net(*[torch.tensor(v, dtype=dtype) for v in inputs.values()])  # tensor() copies: the net updates its state in place
    y = y if isinstance(y, tuple) else (y,)
    return {k: v.numpy() for k, v in zip(OUTPUTS[kind], y)}


def load_oracle(dir):
    """Kind, seed and sizes a folder was made from."""
    with open(os.path.join(dir, "oracle.json")) as f:
        o = json.load(f)
    return o["kind"], o["seed"], o["sizes"]


def record(dir, n, seed, length=None, double=True):
    """Adds the arrays b<n>.<tensor> (inputs, float32 outputs, *_f64 outputs) to io.npz; rebuilds the net from oracle.json."""
    kind, net_seed, sizes = load_oracle(dir)
    net, c, _ = build(kind, net_seed, **sizes)
    path = os.path.join(dir, "io.npz")
    data = dict(np.load(path)) if os.path.exists(path) else {}
    x = make_inputs(kind, c, n, seed, length)
    y = run(net, kind, x)
    data.update({f"b{n}.{k}": v for k, v in {**x, **y}.items()})
    if double:
        to_double(net)
        for k, v in run(net, kind, x, torch.float64).items():
            data[f"b{n}.{k}_f64"] = trim(v)
    del net
    gc.collect()
    big = sum(v.nbytes for v in data.values()) > 1 << 26
    (np.savez if big else np.savez_compressed)(path, **data)
    return {k: float(np.sqrt((v.astype(np.float64) ** 2).mean())) for k, v in y.items()}


def check(dir):
    """Runs the recorded inputs of io.npz again; worst difference of each output over its largest value."""
    kind, seed, sizes = load_oracle(dir)
    net, _, _ = build(kind, seed, **sizes)
    data = np.load(os.path.join(dir, "io.npz"))
    worst = {}
    for batch in sorted({name.split(".")[0] for name in data.files}):
        prefix = batch + "."
        results = [o for o in data.files if o.startswith(prefix) and o[len(prefix) :].split("_f64")[0] in OUTPUTS[kind]]
        inputs = {k[len(prefix) :]: data[k] for k in data.files if k.startswith(prefix) and k not in results}
        for k, v in run(net, kind, inputs).items():
            expected = data[prefix + k]
            worst[prefix + k] = float(np.abs(v - expected).max() / np.abs(expected).max())
    return worst


def chain(dir, seconds=4, seed=5):
    """A whole track through a diffusion network in float64, window by window: chain.npz of the folder.

    audio [samples], identity, emotion_keys [2, emotions] at samples 0 and the last, noise [steps + 1, frames, dim] of every window;
    states_f64 [windows, steps, layers, channels] after each window, prediction_f64 [centre, dim] of the last one.
    """
    kind, net_seed, sizes = load_oracle(dir)
    if kind != "diffusion":
        raise ValueError(f"{dir}: expected a diffusion network, found {kind}")
    net, c, _ = build(kind, net_seed, **sizes)
    to_double(net)
    r = rng_of(seed, "chain", kind, c["fps"])
    left, block, right = STREAMING[c["fps"]]
    frames = left + block + right
    dim = (c["verts_skin"] + c["verts_tongue"]) * 3 + c["jaw"] + c["eyes"]
    audio = speech(r, seconds * 16000)
    keys = grid(r.random((2, len(c["emotions"]))), 1 / 64)
    noise = grid(r.standard_normal((c["steps"] + 1, frames, dim), dtype=np.float32), 1 / 4)
    who = len(c["actors"]) - 1
    identity = np.eye(len(c["actors"]))[who][None]
    window, stride, target = c["window"], c["window"] * block // frames, c["window"] * left // frames - c["window"]
    padded = np.concatenate([np.zeros(window), audio, np.zeros(window)])
    state = np.zeros((c["steps"], c["gru_layers"], 1, c["gru"]))
    states, n = [], 0
    while n * stride + target < len(audio):
        times = (n * block + np.arange(block)) * window // frames + target
        t = np.clip(times / (len(audio) - 1), 0, 1)[:, None]
        emotion = (1 - t) * keys[0] + t * keys[1]
        x = {"window": padded[None, n * stride : n * stride + window], "identity": identity, "emotion": emotion[None], "input_latents": state, "noise": noise[None]}
        y = run(net, kind, x, torch.float64)
        state = y["output_latents"]
        states.append(state[:, :, 0].copy())
        n += 1
    np.savez_compressed(
        os.path.join(dir, "chain.npz"), audio=audio, identity=np.array([who]), emotion_keys=keys, noise=noise,
        states_f64=trim(np.stack(states)), prediction_f64=trim(y["prediction"][0, left : left + block]),
    )  # fmt: skip
    return f"{n} windows"
