"""The networks and objectives of two presets as a plain PyTorch loop; no package of ours.

    PYTHON benchmarks/torch_vae.py JOB.json

Started by benchmarks/training.py, by an interpreter that has PyTorch. The job names the preset,
its windows, and the number of threads. For each line of standard input, a number of updates, the
seconds that these took and the last loss are printed.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional


class Dense(nn.Module):
    """The paper's network."""

    def __init__(self, sizes: dict[str, Any], objective: dict[str, float], frames: int,
                 pitches: int) -> None:
        super().__init__()
        self.shape, cells = (frames, 2 * pitches), frames * 2 * pitches
        hidden, latent = sizes['hidden'], sizes['latent']
        self.dropout = nn.Dropout(objective['dropout'])
        self.encoder_hidden = nn.Linear(cells, hidden)
        self.mean, self.log_variance = nn.Linear(hidden, latent), nn.Linear(hidden, latent)
        self.decoder = nn.Sequential(nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, cells))

    def encode(self, windows: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log variance."""
        hidden = torch.relu(self.encoder_hidden(self.dropout(windows.flatten(1))))
        return self.mean(hidden), self.log_variance(hidden)

    def logits(self, latents: Tensor, windows: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the logits of all cells; all count."""
        return self.decoder(latents).view(-1, *self.shape), None


class Context(nn.Module):
    """Frame-wise encoder, and a decoder that sees the frames before; convolutions over pitch."""

    def __init__(self, sizes: dict[str, Any], objective: dict[str, float], frames: int,
                 pitches: int) -> None:
        super().__init__()
        self.frames, self.pitches, self.lags = frames, pitches, sizes['lags']
        self.frame, self.maps = sizes['frame'], sizes['maps']
        self.context_dropout = objective['context_dropout']
        hidden, channels, onset = sizes['hidden'], sizes['channels'], sizes['onset_channels']
        self.dropout = nn.Dropout(objective['dropout'])
        self.encoder_frame = nn.Linear(2 * pitches, self.frame)
        self.encoder_hidden = nn.Linear(frames * self.frame, hidden)
        self.mean = nn.Linear(hidden, sizes['latent'])
        self.log_variance = nn.Linear(hidden, sizes['latent'])
        self.decoder_hidden = nn.Linear(sizes['latent'], hidden)
        self.decoder_frame = nn.Linear(hidden, frames * self.frame)
        self.decoder_pitch = nn.Linear(self.frame, pitches * self.maps)
        self.decoder_mix = nn.Linear(self.maps, channels)
        self.past = nn.Conv1d(2 * len(self.lags), channels, sizes['width'], padding='same',
                              bias=False)
        self.sounding = nn.Linear(channels, 1)
        self.chord = nn.Conv1d(1, onset, sizes['onset_width'], padding='same', bias=False)
        self.onset_mix, self.onset = nn.Linear(channels, onset), nn.Linear(onset, 1)

    def encode(self, windows: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log variance."""
        frames = torch.relu(self.encoder_frame(self.dropout(windows))).flatten(1)
        hidden = self.dropout(torch.relu(self.encoder_hidden(frames)))
        return self.mean(hidden), self.log_variance(hidden)

    def logits(self, latents: Tensor, windows: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the logits, and which cells count."""
        count, frames, pitches = len(windows), self.frames, self.pitches
        hidden = self.dropout(torch.relu(self.decoder_hidden(latents)))
        maps = self.decoder_pitch(self.decoder_frame(hidden).view(-1, self.frame))
        plan = self.decoder_mix(maps.view(-1, pitches, self.maps))
        earlier = torch.cat([functional.pad(windows[:, :frames - lag], (0, 0, lag, 0))
                             for lag in self.lags], dim=2)
        context = self.past(earlier.view(-1, 2 * len(self.lags), pitches)).transpose(1, 2)
        if self.context_dropout:
            kept = torch.rand(len(context), 1, 1) >= self.context_dropout
            context = context * kept
        cells = torch.relu(plan + context)
        sounds = windows[..., :pitches]
        chord = self.chord(sounds.reshape(-1, 1, pitches)).transpose(1, 2)
        onset = self.onset(torch.relu(chord + self.onset_mix(cells)))
        logits = torch.cat([part.view(count, frames, pitches)
                            for part in (self.sounding(cells), onset)], dim=2)
        return logits, torch.cat([torch.ones_like(sounds), sounds], dim=2)


def loss_of(model: Dense | Context, windows: Tensor, objective: dict[str, float],
            update: int) -> Tensor:
    """Return D + weight * max(R, free nats)."""
    mean, log_variance = model.encode(windows)
    latents = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
    logits, counted = model.logits(latents, windows)
    nats = functional.binary_cross_entropy_with_logits(logits, windows, weight=counted,
                                                       reduction='sum')
    rate = 0.5 * (mean ** 2 + log_variance.exp() - log_variance - 1).sum(dim=1).mean()
    weight = min(1.0, update / objective['warmup']) if objective['warmup'] else 1.0
    return nats / len(windows) + objective['beta'] * weight * rate.clamp(min=objective['free_nats'])


def main() -> None:
    """Train for as many updates as each line asks for."""
    with open(sys.argv[1]) as file:
        job = json.load(file)
    torch.set_num_threads(job['threads'])
    objective = job['objective']
    corpus = torch.from_numpy(np.load(job['windows']))       # bytes, as ours
    network = {'dense': Dense, 'context': Context}[job['network']]
    model = network(job['sizes'], objective, corpus.shape[1], corpus.shape[2] // 2)
    parameters = list(model.parameters())
    # fused: PyTorch's fastest Adam, three times as fast as what it takes by default
    optimizer = torch.optim.Adam(parameters, job['learning_rate'], fused=True)
    average = [p.detach().clone() for p in parameters] if job['average'] else []
    update = 0
    for line in sys.stdin:
        started = time.perf_counter()
        for _ in range(int(line)):
            rows = torch.randint(len(corpus), (job['batch'],))
            optimizer.zero_grad()
            loss = loss_of(model, corpus[rows].float(), objective, update)
            loss.backward()
            optimizer.step()
            if average:
                torch._foreach_lerp_(average, [p.detach() for p in parameters],
                                     1 - job['average'])
            update += 1
        print(json.dumps({'seconds': time.perf_counter() - started, 'loss': loss.item()}),
              flush=True)


if __name__ == '__main__':
    main()
