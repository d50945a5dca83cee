"""The training loop."""
import time

import numpy as np
import torch

import feelings
from dataset import target_row
from layout import EMOTIONS, IMPLICIT, SKIN_INDEX
from network import ROWS, Trainee

CHUNK = 16  # consecutive windows of a chunk, 20 ms apart
STRIDE = 4  # stored rows between the network's own rows


def random_emotions(n, rng):
    """[n, 26]: half of them neutral, else one or two emotions; implicit[0] is the style."""
    out = np.zeros((n, IMPLICIT + len(EMOTIONS)), np.float32)
    for row in out:
        if rng.random() < 0.5:
            k = rng.choice(len(EMOTIONS), rng.integers(1, 3), replace=False)
            row[IMPLICIT + k] = rng.uniform(0, 1, len(k)) / len(k) ** 0.5
        if rng.random() < 0.3:
            row[0] = rng.uniform(-1, 1)
    return out


class Targets:
    """Targets of chunks: the spoken pose, scaled by the style, plus the emotion's offsets."""

    def __init__(self, skin, tongue, closed):
        self.skin, self.tongue, self.closed = torch.tensor(skin), torch.tensor(tongue), torch.tensor(closed)
        self.offsets, self.gaze = torch.tensor(feelings.skin_offsets()), torch.tensor(feelings.gaze_offsets())
        self.opening = torch.tensor(feelings.opening_mask())

    def at(self, rows, emotion):
        """rows [chunk, window] -> skin, eyes, tongue, closed."""
        closed = self.closed[rows][..., None]
        style = 1 - emotion[:, None, :1] * torch.where(emotion[:, None, :1] > 0, 0.5, 0.3)
        felt = (emotion[:, IMPLICIT:] @ self.offsets)[:, None]
        spoken = self.skin[rows] * (style + (1 - style) * closed)
        spoken[..., SKIN_INDEX["mouthClose"]] += 0.04 * closed[..., 0]  # a little too much, so that a timid network still closes the lips
        skin = torch.clamp(spoken + felt * (1 - closed * self.opening), 0, 1)
        eyes = (emotion[:, IMPLICIT:] @ self.gaze)[:, None].expand(-1, rows.shape[1], -1)
        return skin, eyes, self.tongue[rows] * style, closed[..., 0]


def shape_weights():
    """How much an error in each of the 52 shapes counts."""
    w = torch.full((52,), 1.0)
    for name, value in (("jawOpen", 8.0), ("mouthClose", 12.0), ("mouthFunnel", 3.0), ("mouthPucker", 3.0), ("mouthRollLower", 2.0),
                        ("mouthLowerDown", 3.0), ("mouthUpperUp", 3.0), ("mouthStretch", 1.5), ("mouthPress", 1.5)):  # fmt: skip
        for n in (name, name + "Left", name + "Right"):
            if n in SKIN_INDEX:
                w[SKIN_INDEX[n]] = value
    return w


def opening(skin):
    """Roughly how far the lips are apart, in units of jawOpen."""
    i = SKIN_INDEX
    lips = sum(skin[..., i[n + side]] for n in ("mouthLowerDown", "mouthUpperUp") for side in ("Left", "Right"))
    return skin[..., i["jawOpen"]] - skin[..., i["mouthClose"]] + 0.1 * lips + 0.1 * skin[..., i["mouthFunnel"]]


def loss_of(out, target, weights):
    """Shapes, lip opening (heavier where the lips should touch), speed, negative weights, tongue and eyes.

    A blendshape weight below zero does not exist: the bounded solver would explain it by other shapes.
    """
    skin, eyes, tongue = out
    skin0, eyes0, tongue0, closed = target
    error = skin - skin0
    lips = opening(skin) - opening(skin0)
    speed = error[:, 1:] - error[:, :-1]
    return (
        (error.square() * weights).mean() + 6.0 * (lips.square() * (1 + 10 * closed)).mean() + 2.0 * (speed.square() * weights).mean()
        + 20.0 * (torch.relu(0.004 - skin).square() * weights).mean()
        + 0.3 * (tongue - tongue0).square().mean() + 0.0005 * (eyes - eyes0).square().mean()
    )  # fmt: skip


def train(data, steps, batch, seed, log, save, minutes=None, resume=None):
    """Trains a network on data (features, skin, tongue, closed), from a state_dict or anew; -> the averaged state_dict.

    save(state) is called from time to time. The learning rate follows a half cosine over the steps or the minutes.
    """
    rng = np.random.default_rng(seed)
    features = torch.tensor(data[0])
    targets = Targets(*data[1:])
    model = Trainee(seed)
    if resume is not None:
        model.net.load_state_dict(resume)
    average = {k: v.detach().clone() for k, v in model.net.state_dict().items()}
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.98), weight_decay=1e-3)
    weights = shape_weights()
    span = STRIDE * (ROWS + CHUNK)
    window = torch.arange(CHUNK) * STRIDE
    rows = torch.arange(ROWS + CHUNK - 1) * STRIDE
    began, mean, done = time.time(), 0.0, 0.0
    for step in range(steps):
        done = step / steps if minutes is None else max(step / steps, (time.time() - began) / (60 * minutes))
        if done >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = 1.5e-3 * min(1.0, (step + 1) / 200) * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * done)))
        start = torch.tensor(rng.integers(0, len(features) - span - target_row(0), batch))
        emotion = torch.tensor(random_emotions(batch, rng))
        gain = torch.tensor(10 ** (rng.uniform(-8, 8, (batch, 1, 1)) / 10), dtype=torch.float32)  # power: 4 dB either way
        out = model(features[start[:, None] + rows] * gain, emotion)
        loss = loss_of(out, targets.at(target_row(start[:, None] + window), emotion), weights)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        decay = min(0.998, step / (step + 50))
        with torch.no_grad():
            for k, v in model.net.state_dict().items():
                average[k].lerp_(v, 1 - decay)
        mean = 0.99 * mean + 0.01 * loss.item() if step else loss.item()
        if step % 200 == 199:
            log(f"step {step + 1}  loss {mean:.5f}  {time.time() - began:.0f} s  {100 * done:.0f} %")
        if step % 500 == 499:
            save(average)
    save(average)
    return average
