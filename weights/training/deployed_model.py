"""Runs a deployed autocorrelation folder with PyTorch: weights out of network.onnx, windows, PCA, solver."""
import json
import os

import numpy as np
import onnx
import torch
from onnx import numpy_helper

import layout  # noqa: F401  (puts weights/export on the path)
from network import deployed
from solver import Solver, window_starts


def read_state(path):
    """The state_dict of a network.onnx written by deploy.py."""
    state = {}
    for i in onnx.load(path).graph.initializer:
        value = torch.tensor(numpy_helper.to_array(i))
        if i.name.startswith("onnx::MatMul"):  # the exporter folds the transpose of the only linear layer on three axes
            state["linear_explicit_emo.weight"] = value.t().contiguous()
        else:
            state[i.name] = value
    return state


class Model:
    def __init__(self, folder):
        read = lambda name: json.load(open(os.path.join(folder, name)))
        self.net, _ = deployed()
        self.net.load_state_dict(read_state(os.path.join(folder, "network.onnx")))
        self.net.eval()
        self.data = dict(np.load(os.path.join(folder, "model_data.npz")))
        self.blendshapes = dict(np.load(os.path.join(folder, "bs_skin.npz")))
        self.names = [n.decode() for n in self.blendshapes["poseNames"][1:]]
        self.solver = Solver(read("bs_skin_config.json")["blendshape_params"], self.blendshapes)
        params = read("network_info.json")["params"]
        self.emotions, self.implicit = params["explicit_emotions"], params["implicit_emotion_len"]

    def raw(self, audio, fps=60, emotion=None, style=0.0):
        """audio [samples] at 16 kHz -> network outputs [frame, 83]; emotion: {name: strength}."""
        starts = window_starts(len(audio), 16000, fps)
        padded = np.concatenate([np.zeros(4160, np.float32), audio.astype(np.float32), np.zeros(8320, np.float32)])
        e = np.zeros((1, 1, self.implicit + len(self.emotions)), np.float32)
        e[..., 0] = style
        for name, value in (emotion or {}).items():
            e[..., self.implicit + self.emotions.index(name)] = value
        out = []
        with torch.no_grad():
            for a in range(0, len(starts), 64):
                w = np.stack([padded[s : s + 8320] for s in starts[a : a + 64]])[:, None]
                out.append(self.net(torch.tensor(w), torch.tensor(e).expand(len(w), -1, -1))[:, 0].numpy())
        return np.concatenate(out)

    def skin(self, raw):
        """Network outputs -> skin vertices [frame, V, 3]."""
        basis = self.data["shapes_matrix_skin"]
        return self.data["shapes_mean_skin"] + np.tensordot(raw[:, : len(basis)], basis, 1)

    def gap(self, skin):
        """Widest vertical distance between facing points of the inner lips: [frame] in cm."""
        return (skin[:, self.data["upper_lip"], 1] - skin[:, self.data["lower_lip"], 1]).max(1)

    def weights(self, skin, exact=False):
        """Shape weights [frame, 52]: the bounded solver, or the unbounded one clipped to [0, 1], which is close and fast."""
        if exact:
            return self.solver.solve(skin)
        s = self.solver
        b = (skin.astype(float) - s.neutral)[:, s.rows].reshape(len(skin), -1) @ s.deltas
        out = np.zeros((len(skin), s.count))
        out[:, s.active] = np.clip(np.linalg.solve(s.a, b.T).T, 0, 1)
        return out
