"""Which characters do the heads and neurons of a small transformer read and write? Its text: Python's own help pages.

python docs/tutorials/character_transformer.py && probes analyze runs/character_transformer --out report
"""

import argparse
from pydoc_data.topics import topics

import torch
from torch import nn

import probes

DIM, HEADS, CONTEXT = 64, 4, 32
alphabet = "abcdefghijklmnopqrstuvwxyz \n.,:;()'\"=_*-#"  # the last stands for every other character
codes = torch.tensor([alphabet.find(one) % len(alphabet) for name in sorted(topics) for one in topics[name].lower()])
train, test = codes.unfold(0, CONTEXT + 1, 1).split(len(codes) * 9 // 10)  # the last tenth of the text is for the test
test = test[torch.arange(1000) * (len(test) // 1000)]
before = ["a letter" if code < 26 else "anything else" for code in test[:, -2]]
start = nn.init.orthogonal_(torch.empty(len(alphabet), DIM), generator=torch.Generator().manual_seed(0))
tokens = probes.Directions(start, ("token",), labels={"token": [*alphabet[:26], "space", "newline", *alphabet[28:]]})
heads = {"split": (3, HEADS, -1), "labels": {"projection": ("query", "key", "value")}}
taps = {
    "block.self_attn.in_proj_weight": probes.Tap(tokens, ("projection", "head", "neuron"), **heads),
    "block.linear1.weight": tokens,  # what a neuron of the MLP reads
    "block.linear2.weight": probes.Tap(tokens, transposed=True),  # what it writes
    "unembed": probes.Tap(tokens, ("row",)),  # whether a row stays where it started
}


class Transformer(nn.Module):  # of one block; embedding and unembedding start from the same rows in every run
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.unembed = nn.Parameter(start.clone()), nn.Parameter(start.clone())
        self.place, self.norm = nn.Parameter(torch.randn(CONTEXT, DIM) / 10), nn.LayerNorm(DIM)
        self.block = nn.TransformerEncoderLayer(DIM, HEADS, 4 * DIM, dropout=0, batch_first=True, norm_first=True)

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        stream = self.block(self.embed[codes] + self.place, nn.Transformer.generate_square_subsequent_mask(CONTEXT))
        return self.norm(stream) @ self.unembed.T


parser = argparse.ArgumentParser()
parser.add_argument("--quick", action="store_true", help="two transformers, 50 steps")
parser.add_argument("--out", default="runs/character_transformer")
args = parser.parse_args()
for seed in range(2 if args.quick else 5):
    torch.manual_seed(seed)
    model = Transformer()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    recorder = probes.Recorder(f"{args.out}/seed-{seed}", taps, schedule=probes.every(25))
    with recorder.attach(model, optimizer):
        for _ in range(50 if args.quick else 1500):
            windows = train[torch.randint(len(train), (16,))]
            loss = nn.functional.cross_entropy(model(windows[:, :-1]).flatten(0, 1), windows[:, 1:].flatten())
            recorder.log(loss=loss)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        recorder.outputs("test", model(test[:, :-1])[:, -1], labels=test[:, -1], groups=before)
