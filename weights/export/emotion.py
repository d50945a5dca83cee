"""The Audio2Emotion classifier: an utterance in, emotion logits out."""
import torch
import torch.nn as nn

from speech_encoder import SpeechModel

EMOTION = dict(
    flavor="base", head="sequence", conv_dim=512, dim=768, ff=3072, heads=12, layers=12, pos_kernel=128, pos_groups=16, projector=256,
    labels=6, buffer_len=60000, attn="bmm", pos_conv="g_v", opset=14, folding=True, export_batch=1,
)  # fmt: skip


class DenseHead(nn.Module):
    def __init__(self, dim, labels):
        super().__init__()
        self.dense, self.out_proj = nn.Linear(dim, dim), nn.Linear(dim, labels)
        self.dropout = nn.Dropout(0.1)

    def forward(self, x):
        return self.out_proj(self.dropout(torch.tanh(self.dense(self.dropout(x)))))


class Emotion(nn.Module):
    """flavor base | large; head "sequence" (projector, mean over time, classifier) | "dense" (mean, dense, tanh, out_proj)."""

    def __init__(self, c):
        super().__init__()
        self.head = c["head"]
        self.wav2vec2 = SpeechModel(c, c["flavor"] == "large")
        if c["head"] == "sequence":
            self.projector = nn.Linear(c["dim"], c["projector"])
            self.classifier = nn.Linear(c["projector"], c["labels"])
        else:
            self.classifier = DenseHead(c["dim"], c["labels"])

    def forward(self, input_values):
        x = self.wav2vec2(input_values)
        if self.head == "sequence":
            return self.classifier(self.projector(x).mean(dim=1))
        return self.classifier(torch.mean(x, dim=1))
