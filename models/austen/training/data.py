"""Text to batches: the SentencePiece vocabulary, the windows that training draws from, and the score."""

import io
import math

import numpy as np
import sentencepiece as spm
import torch
import torch.nn.functional as F

BOS, EOS = 1, 2


def split(text, parts=3, share=0.035):
    """Carves validation text, parts contiguous runs of whole paragraphs, out of the training text."""
    lines = text.split("\n")
    run = int(len(lines) * share / parts)
    train, held = [], []
    at = 0
    for i in range(parts):
        start = int(len(lines) * (i + 0.5) / parts)
        train += lines[at:start]
        held += lines[start : start + run]
        at = start + run
    return "\n".join(train + lines[at:]), "\n".join(held)


def train_tokenizer(text, size):
    """A SentencePiece BPE model that gives every byte of the text back: nothing is normalised or added."""
    out = io.BytesIO()
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(text.split("\n")),
        model_writer=out,
        vocab_size=size,
        model_type="bpe",
        byte_fallback=True,
        character_coverage=1.0,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        add_dummy_prefix=False,
        max_sentence_length=1 << 20,
        num_threads=1,
        minloglevel=2,
    )
    return out.getvalue()


def encode(tokenizer, text):
    """The ids of text. Newline is a byte piece that merges with nothing, so paragraphs encode alone."""
    sp = spm.SentencePieceProcessor(model_proto=tokenizer)
    newline = sp.encode("\n")
    ids = []
    for line in text.split("\n"):
        ids += sp.encode(line) + newline
    return np.array(ids[: -len(newline)], dtype=np.int16)


def windows(ids, context, offset, device):
    """The windows (inputs, targets) of the text read as a ring from offset: BOS first, no overlap, the rest left out."""
    text = torch.from_numpy(np.roll(ids, -offset)).to(device).long()
    y = text[: len(text) // context * context].view(-1, context)
    return F.pad(y[:, :-1], (1, 0), value=BOS), y


def batches(ids, rows, context, seed, device):
    """Endless batches (inputs, targets, None); an epoch starts at a random offset and takes its windows in random order."""
    rng = np.random.default_rng(seed)
    while True:
        x, y = windows(ids, context, int(rng.integers(len(ids))), device)
        for at in torch.from_numpy(rng.permutation(len(x))).to(device).split(rows):
            if len(at) == rows:
                yield x[at], y[at], None


def mean_distribution(models, ids):
    """The mean of the models' distributions after every token."""
    return sum(m.logits(ids).softmax(-1) for m in models) / len(models)


@torch.no_grad()
def labelled(teachers, ids, rows, context, phases, seed, device):
    """Endless batches (inputs, targets, distributions) with the teachers' mean distribution after every token.

    The windows start at a fixed set of phases, so that the teachers read each of them once.
    """
    rng = np.random.default_rng(seed)
    sets = []
    for phase in range(phases):
        x, y = windows(ids, context, phase * context // phases, device)
        soft = torch.empty(*x.shape, teachers[0].config.vocab, dtype=torch.float16, device=device)
        for i in range(0, len(x), rows):
            part = x[i : i + rows]
            with torch.autocast(torch.device(device).type, torch.bfloat16):
                soft[i : i + rows] = mean_distribution(teachers, part)
        sets.append((x, y, soft))
    while True:
        x, y, soft = sets[rng.integers(phases)]
        for at in torch.from_numpy(rng.permutation(len(x))).to(device).split(rows):
            if len(at) == rows:
                yield x[at], y[at], soft[at]


@torch.no_grad()
def score(model, ids, size, window, rows=32):
    """Bits per byte of a text of size bytes: windows of window positions, the first of them BOS, without overlap."""
    n = window - 1
    device = next(model.parameters()).device
    ids = torch.from_numpy(ids).to(device).long()
    whole = len(ids) // n * n
    parts = list(ids[:whole].view(-1, n).split(rows)) if whole else []
    if whole < len(ids):
        parts.append(ids[whole:][None])
    nats = 0.0
    for y in parts:
        x = F.pad(y[:, :-1], (1, 0), value=BOS)
        nats += F.cross_entropy(model.logits(x).flatten(0, 1), y.flatten(), reduction="sum").item()
    return nats / math.log(2) / size
