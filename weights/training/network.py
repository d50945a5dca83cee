"""The regression network during training: the same layers, run over chunks of consecutive windows so that the rows they share cost once."""
import torch
import torch.nn as nn

from layout import BUFFER, EMOTIONS, IMPLICIT
from regression import REGRESSION, Regression, relu2

SKIN_SHAPES, TONGUE_SHAPES, JAW, EYES = 48, 16, 15, 4
ROWS = 25  # feature rows of a window
SIZES = dict(
    use_w2v=False, channels=160, freq=(48, 72, 108, 144), implicit=IMPLICIT, emotions=EMOTIONS, emo_emb=8, actor="default",
    shapes_skin=SKIN_SHAPES, shapes_tongue=TONGUE_SHAPES, jaw=JAW, eyes=EYES, buffer_len=BUFFER, opset=14,
)  # fmt: skip


def deployed():
    """The network with its deployed sizes, untrained, and its sizes."""
    sizes = {**REGRESSION, **SIZES}
    return Regression(sizes), sizes


class Trainee(nn.Module):
    """The deployed network up to its last two layers, which give shape weights here; export.py turns those into PCA coefficients."""

    def __init__(self, seed):
        super().__init__()
        torch.manual_seed(seed)
        net, _ = deployed()
        for p in net.parameters():
            if p.dim() > 1:
                nn.init.kaiming_normal_(p, a=1.0)  # the layers carry relu's factor sqrt(2) themselves
            else:
                nn.init.zeros_(p)
        net.freq1.weight.data *= 4.0
        width = net.linear_skin_jaw_eyes1.out_features
        net.linear_skin_jaw_eyes2 = nn.Linear(width, 52 + EYES)
        net.linear_tongue2 = nn.Linear(TONGUE_SHAPES, 16)
        for layer in (net.linear_skin_jaw_eyes2, net.linear_tongue2):
            nn.init.zeros_(layer.bias)
            layer.weight.data *= 0.3
        # only the first implicit value means something: the others must not matter
        ch = SIZES["channels"]
        for layer in (net.time2, net.time3, net.time4, net.linear_skin_jaw_eyes1, net.linear_tongue1):
            layer.weight.data[:, ch + 1 : ch + IMPLICIT] = 0
        joined = net.time5.weight.data.view(net.time5.out_features, -1, net.time5.in_features // (ch + IMPLICIT + 8))
        joined[:, ch + 1 : ch + IMPLICIT] = 0
        self.net = net

    def first_time_layer(self, x, chunks, windows):
        """time1 with its three taps computed once a row: x [chunk * row, channel] -> [chunk * window, channel, 13]."""
        layer = self.net.time1
        taps = x @ layer.weight[..., 0].permute(1, 2, 0).flatten(1)  # [chunk * row, 3 * channel]
        before, here, after = taps.view(chunks, -1, 3, layer.out_channels).permute(2, 0, 3, 1).unfold(3, ROWS, 1)
        pad = nn.functional.pad
        y = here[..., ::2] + pad(before[..., 1::2], (1, 0)) + pad(after[..., 1::2], (0, 1)) + layer.bias[:, None, None]
        return relu2(y.permute(0, 2, 1, 3).reshape(chunks * windows, layer.out_channels, -1))

    def forward(self, features, emotion):
        """features [chunk, row, 32], emotion [chunk, 26] -> skin [chunk, window, 52], eyes [.., 4], tongue [.., 16]; windows start at each row."""
        net = self.net
        chunks, rows, lags = features.shape
        x = features.reshape(chunks * rows, 1, 1, lags)
        for conv in (net.freq1, net.freq2, net.freq3, net.freq4, net.freq5):
            x = relu2(conv(x))
        windows = rows - ROWS + 1
        x = self.first_time_layer(x.view(chunks * rows, -1), chunks, windows)
        explicit = net.linear_explicit_emo(emotion[:, IMPLICIT:])
        joint = torch.cat((emotion[:, :IMPLICIT], explicit), 1).repeat_interleave(windows, 0)
        add = lambda y: torch.cat((y, joint[:, :, None].expand(-1, -1, y.shape[2])), 1)
        conv = lambda layer, y: relu2(nn.functional.conv1d(y, layer.weight[..., 0], layer.bias, stride=2, padding=1))
        for layer in (net.time2, net.time3, net.time4):
            x = conv(layer, add(x))
        x = relu2(net.time5(add(x).flatten(1)))
        x = torch.cat((x, joint), 1)
        s = net.linear_skin_jaw_eyes2(net.linear_skin_jaw_eyes1(x)).view(chunks, windows, -1)
        t = net.linear_tongue2(net.linear_tongue1(x)).view(chunks, windows, -1)
        return s[..., :52], s[..., 52:], t
