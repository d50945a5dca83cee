"""The diffusion network and the sampler round it: one second of audio in, a block of frames of full geometry out."""
import math
import warnings

import numpy as np
import torch
import torch.nn as nn

from actors import actor_geometry
from speech_encoder import SpeechModel

DIFFUSION = dict(
    conv_dim=512, dim=768, ff=3072, heads=12, layers=12, pos_kernel=128, pos_groups=16,
    verts_skin=24002, verts_tongue=5602, jaw=15, eyes=4, actors=3, emotions=10, features=256, jaw_latent=15, tongue_latent=10, eye_latent=4,
    gru=256, gru_layers=2, emo_emb=32, actor_emb=32, timesteps=1000, steps=2, fps=60, window=16000, delta=True,
    attn="bmm", pos_conv="g_v", inplace=True, share_audio=False, emotion_frames=True, opset=14, folding=False, cse=True, compress=False, extras=False, mask=True, export_batch=3,
)  # fmt: skip
STREAMING = {60: (15, 30, 15), 30: (7, 15, 8)}  # left truncate, block, right truncate


def resample(feat, n):
    """Linear interpolation over time with aligned corners: [B, L, C] -> [B, n, C]."""
    f = feat.transpose(1, 2)
    b, c, length = f.shape
    count = length if torch.is_tensor(length) else torch.tensor(length)  # a tensor while tracing
    scale = torch.clip((count.to(f.dtype) - 1.0) / (n - 1.0), min=0.0)
    pos = torch.arange(n) * scale
    low = torch.floor(pos)
    w = pos - low
    low = torch.clip(low, min=0).to(torch.int64)
    high = torch.clip(torch.ceil(pos), max=count - 1).to(torch.int64)
    flat = f.reshape(b * c, length)
    y = flat[:, low] * (1 - w) + flat[:, high] * w
    return y.reshape(b, c, n).transpose(1, 2)


def mlp_head(width, out, ratio):
    return nn.Sequential(nn.Linear(width, int(width * ratio)), nn.ReLU(), nn.Linear(int(width * ratio), out))


class GeometryEmbedding(nn.Module):
    def __init__(self, dims, feat, tongue, jaw, eye):
        super().__init__()
        self.dims = dims
        lin_conv = lambda a, b: nn.Sequential(nn.Linear(a, b), nn.Conv1d(1, 1, kernel_size=9, padding=4), nn.ReLU())
        two = lambda a, b: nn.Sequential(nn.Linear(a, b), nn.ReLU(), nn.Linear(b, b), nn.ReLU())
        self.skin_embedding = lin_conv(dims[0], feat * 2)
        self.tongue_embedding = lin_conv(dims[1], tongue * 2)
        self.jaw_embedding = two(dims[2], jaw * 2)
        self.eye_embedding = two(dims[3], eye * 2)
        d = feat + tongue + jaw + eye
        self.final = nn.Sequential(nn.Linear(2 * d, 2 * d), nn.ReLU(), nn.Linear(2 * d, d))

    def forward(self, x):  # [frames, B, D]
        a, b, c = self.dims[0], self.dims[0] + self.dims[1], sum(self.dims[:3])
        s, t, j, e = x[:, :, :a], x[:, :, a:b], x[:, :, b:c], x[:, :, c:]

        def rows(net, y):
            n, k, v = y.shape
            return net(y.reshape(-1, 1, v)).reshape(n, k, -1)

        parts = (rows(self.skin_embedding, s), rows(self.tongue_embedding, t), self.jaw_embedding(j), self.eye_embedding(e))
        return self.final(torch.cat(parts, dim=2))


class DiffusionNet(nn.Module):
    """One denoising step. Plain (unregistered) tensors become constants of the graph."""

    def __init__(self, c, geometry, kept):
        super().__init__()
        self.c = c
        self.dims = [c["verts_skin"] * 3, c["verts_tongue"] * 3, c["jaw"], c["eyes"]]
        self.left, self.block, self.right = STREAMING[c["fps"]]
        feat = c["features"]
        self.onehot_diffsteps = torch.eye(c["timesteps"])
        self.audio_model = SpeechModel(c)
        self.proj_hubert = nn.Linear(c["dim"] * (2 if c["fps"] == 30 else 1), feat)
        self.geometry_embedding = GeometryEmbedding(self.dims, feat, c["tongue_latent"], c["jaw_latent"], c["eye_latent"])
        self.proj_time = nn.Sequential(nn.Linear(c["timesteps"], feat), nn.Mish())
        width = feat * 3 + c["emo_emb"] + c["actor_emb"] + c["tongue_latent"] + c["jaw_latent"] + c["eye_latent"]
        h = c["gru"]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.gru = nn.GRU(width, h, num_layers=c["gru_layers"], batch_first=True, dropout=0.3)
        self.final_layer_skin = mlp_head(h, self.dims[0], 2)
        self.final_layer_tongue = mlp_head(h, self.dims[1], 2)
        self.final_layer_jaw = mlp_head(h, self.dims[2], 0.5)
        self.final_layer_eye = mlp_head(h, self.dims[3], 0.5)
        self.embed_actor = nn.Linear(len(c["actors"]), c["actor_emb"], bias=False)
        self.embed_emo_vector = nn.Linear(len(c["emotions"]), c["emo_emb"], bias=False)
        self.mean_geometry = torch.tensor(geometry["mean"], dtype=torch.float32)
        for k in ("scale_skin", "scale_tongue", "scale_jaw", "scale_eye"):
            setattr(self, k, torch.tensor(geometry[k], dtype=torch.float32))
        self.kept = torch.tensor(kept)

    def audio_tokens(self, audio, frames):
        a = resample(self.audio_model(audio), frames if self.c["fps"] == 60 else frames * 2)
        return self.proj_hubert(torch.reshape(a, (audio.shape[0], frames, -1)))

    def forward(self, x, t, audio, actor, emotion, state, audio_tok=None):
        b, frames = x.shape[0], x.shape[1]
        slot = torch.nonzero(self.kept == t[0])[0, 0]
        h = state[slot]
        mean = (actor @ self.mean_geometry).unsqueeze(1)
        actor_tok = self.embed_actor(actor)
        emo_tok = self.embed_emo_vector(emotion)
        if not self.c["emotion_frames"]:  # one vector [b, emotions] for the window
            emo_tok = emo_tok.unsqueeze(1).repeat(1, self.block, 1)
        geo = self.geometry_embedding(x.permute(1, 0, 2)).permute(1, 0, 2)
        if audio_tok is None:  # as the framework: the audio encoder runs again in every step
            audio_tok = self.audio_tokens(audio, frames)
        time_tok = self.proj_time(self.onehot_diffsteps[t]).repeat(frames, 1, 1).permute(1, 0, 2)
        actor_tok = actor_tok.unsqueeze(1).repeat(1, frames, 1)
        mid = slice(self.left, self.left + self.block)
        z = torch.cat([audio_tok[:, mid], geo[:, mid], actor_tok[:, mid], time_tok[:, mid], emo_tok], dim=-1)
        y, h = self.gru(z, h)
        state[slot] = h
        heads = (self.final_layer_skin, self.final_layer_tongue, self.final_layer_jaw, self.final_layer_eye)
        y = torch.cat([f(y) for f in heads], dim=-1) + mean
        pad = lambda n: torch.zeros([b, n, y.shape[2]], dtype=y.dtype)
        return torch.cat([pad(self.left), y, pad(self.right)], dim=1), state


def kept_timesteps(total, steps):
    """Equally spaced original time steps, first and last included (Python's rounding)."""
    stride = (total - 1) / (steps - 1) if steps > 1 else 1
    return sorted({round(i * stride) for i in range(steps)})


def ddpm(total, kept):
    """Posterior coefficients (float64) of the respaced cosine schedule: c1, c2, log variance."""
    bar = lambda t: math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2
    beta = np.array([min(1 - bar((i + 1) / total) / bar(i / total), 0.999) for i in range(total)])
    acc = np.cumprod(1 - beta)[kept]
    prev = np.append(1.0, acc[:-1])
    alpha = acc / prev
    beta = 1 - alpha
    cum = np.cumprod(1 - beta)
    prev = np.append(1.0, cum[:-1])
    c1 = beta * np.sqrt(prev) / (1 - cum)
    c2 = (1 - prev) * np.sqrt(1 - beta) / (1 - cum)
    var = beta * (1 - prev) / (1 - cum)
    first = var[1] if len(var) > 1 else 1e-20
    return c1, c2, np.log(np.append(first, var[1:]))


class Diffusion(nn.Module):
    """The sampler around the net; names start with "model."."""

    def __init__(self, c, geometry):
        super().__init__()
        self.c = c
        self.kept = kept_timesteps(c["timesteps"], c["steps"])
        self.model = DiffusionNet(c, geometry, self.kept)
        self.c1, self.c2, self.logvar = ddpm(c["timesteps"], self.kept)

    def forward(self, window, identity, emotion, input_latents, noise):
        m = self.model
        state = input_latents
        x = noise[:, -1]

        def coef(values, t):
            v = torch.from_numpy(values)[t].float()
            return v.to(x.dtype)[:, None, None].expand(x.shape)

        original = torch.tensor(self.kept)
        shared = m.audio_tokens(window, x.shape[1]) if self.c["share_audio"] else None
        for i in reversed(range(len(self.kept))):
            t = torch.full((window.shape[0],), i)
            x0, state = m(x, original[t], window, identity, emotion, state, shared)
            mean = coef(self.c1, t) * x0 + coef(self.c2, t) * x
            inject = (t != 0).to(x.dtype).view(-1, 1, 1)
            x = mean + inject * torch.exp(0.5 * coef(self.logvar, t)) * noise[:, i]
        if not self.c["delta"]:
            return x, state
        mean = identity @ m.mean_geometry
        k = [(identity @ s)[:, None, None] for s in (m.scale_skin, m.scale_tongue, m.scale_jaw, m.scale_eye)]
        a, b, e = m.dims[0], m.dims[0] + m.dims[1], m.dims[3]
        if self.c["inplace"]:
            x[:, :, :a] = (x[:, :, :a] - mean[:, None, :a]) * k[0]
            x[:, :, a:b] = (x[:, :, a:b] - mean[:, None, a:b]) * k[1]
            x[:, :, b : b + m.dims[2]] = x[:, :, b : b + m.dims[2]] * k[2]
            x[:, :, -e:] = x[:, :, -e:] * k[3]
            return x, state
        s, t, j, e = torch.split(x, m.dims, -1)
        ms, mt = mean[:, None, :a], mean[:, None, a:b]
        return torch.cat([(s - ms) * k[0], (t - mt) * k[1], j * k[2], e * k[3]], -1), state


def diffusion_geometry(c, seed):
    """Normalised mean geometry and scales of every actor, as a training set's preprocessing would give."""
    actors, mean, scale = [], [], {k: [] for k in ("scale_skin", "scale_tongue", "scale_jaw", "scale_eye")}
    for a in c["actors"]:
        g = actor_geometry(seed, a, c["verts_skin"], c["verts_tongue"], c["jaw"] // 3)
        actors.append(g)
        row = []
        for k, p in (("scale_skin", g["skin"]), ("scale_tongue", g["tongue"])):
            q = p.astype(np.float64) - p.mean(0, dtype=np.float64)
            s = np.abs(q).max()
            scale[k].append(s)
            row.append((q / s).ravel())
        scale["scale_jaw"].append(np.abs(g["jaw"] - g["jaw"].mean(0)).max())
        scale["scale_eye"].append(np.abs(g["saccade"] - g["saccade"].mean(0)).max())
        mean.append(np.concatenate(row + [np.zeros(c["jaw"] + c["eyes"])]))
    return actors, {"mean": np.stack(mean), **{k: np.array(v) for k, v in scale.items()}}
