#!/usr/bin/env python3
"""Trains the Austen model and writes it as a GGUF file; README.md beside this has the recipe and its reasons.

    python3 train.py --text austen-train.txt --heldout austen-heldout.txt --out austen.gguf

The steps: a SentencePiece vocabulary; an ensemble of teachers, each trained with dropout; a student of the same shape
that learns from the text and from the ensemble's distributions at once; the export. It wants a GPU of 48 GB or more.
"""

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "training"))

import data
import export
from model import Config, Llama
from optim import train

SHAPE = Config(vocab=1024, dim=192, layers=7, heads=6, kv_heads=2, ffn=512, context=1024)
ROWS = 32  # windows in a batch
RATES = dict(lr=0.03, embed_lr=0.006, weight_decay=0.1)
TEACHER_DROPOUT, STUDENT_DROPOUT = 0.2, 0.05
SHARE = 0.7  # of the student's loss that comes from the teachers
PHASES = 8  # offsets of the windows that the teachers label


def arguments():
    p = argparse.ArgumentParser(description="Train the Austen model.")
    p.add_argument("--text", required=True, help="training text, a paragraph a line")
    p.add_argument("--heldout", required=True, help="text for the final score alone")
    p.add_argument("--out", required=True, help="GGUF file to write")
    p.add_argument("--checkpoint", help="file for the weights before quantisation")
    p.add_argument("--validate", action="store_true", help="keep 3.5 %% of the text from training and score it")
    p.add_argument("--teachers", type=int, default=8)
    p.add_argument("--teacher-epochs", type=int, default=48)
    p.add_argument("--student-epochs", type=int, default=100)
    p.add_argument("--workers", type=int, default=4, help="teachers in training at a time")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--device", default="cuda")
    return p.parse_args()


def steps_of(ids, epochs):
    """The batches in epochs passes over ids; a pass leaves out what does not fill a batch."""
    return epochs * (len(ids) // (ROWS * SHAPE.context))


def new_model(seed, dropout, device):
    torch.set_float32_matmul_precision("high")
    torch.manual_seed(seed)
    model = Llama(SHAPE, dropout).to(device)
    for block in model.blocks:
        block.compile(dynamic=False)
    return model


def reporter(name, steps):
    """Prints the loss of a run now and then."""
    return lambda step, loss, seconds: print(
        f"{name}: step {step} of {steps}, loss {loss:.3f}, {seconds:.0f} s", flush=True
    )


def train_teacher(seed, ids, epochs, device):
    """One member of the ensemble, trained on the text alone. Returns its weights as arrays, to cross processes."""
    model = new_model(seed, TEACHER_DROPOUT, device)
    steps = steps_of(ids, epochs)
    source = data.batches(ids, ROWS, SHAPE.context, seed, device)
    train(model, source, steps, **RATES, report=reporter(f"teacher {seed}", steps), every=500)
    return {k: v.numpy(force=True) for k, v in model.state_dict().items()}


def train_teachers(args, ids):
    with ProcessPoolExecutor(args.workers, mp_context=get_context("spawn")) as pool:
        seeds = range(args.seed + 1, args.seed + 1 + args.teachers)
        jobs = [pool.submit(train_teacher, s, ids, args.teacher_epochs, args.device) for s in seeds]
        return [load(job.result(), args.device) for job in jobs]


def train_student(args, ids, teachers):
    model = new_model(args.seed, STUDENT_DROPOUT, args.device)
    steps = steps_of(ids, args.student_epochs)
    source = data.labelled(teachers, ids, ROWS, SHAPE.context, PHASES, args.seed, args.device)
    train(model, source, steps, **RATES, share=SHARE, report=reporter("student", steps), every=500)
    return {k: v.numpy(force=True) for k, v in model.state_dict().items()}


def load(parameters, device):
    model = Llama(SHAPE)
    model.load_state_dict({k: torch.from_numpy(v) for k, v in parameters.items()})
    return model.to(device).eval()


class Mean:
    """The ensemble as a model to score."""

    def __init__(self, models):
        self.models, self.parameters = models, models[0].parameters

    def logits(self, ids):
        return data.mean_distribution(self.models, ids).log()


def print_scores(name, model, texts, tokenizer):
    torch.set_float32_matmul_precision("highest")
    for label, text in texts.items():
        ids = data.encode(tokenizer, text)
        size = len(text.encode())
        a, b = (data.score(model, ids, size, w) for w in (512, SHAPE.context))
        print(f"{name}, {label}: bits per byte {a:.4f} (windows of 512), {b:.4f} (of {SHAPE.context})", flush=True)


def main():
    args = arguments()
    began = time.time()
    text, held = (open(f, encoding="utf-8", newline="").read() for f in (args.text, args.heldout))
    texts = {"held-out": held}
    if args.validate:
        text, validation = data.split(text)
        texts = {"validation": validation}
    tokenizer = data.train_tokenizer(text, SHAPE.vocab)
    ids = data.encode(tokenizer, text + "\n")
    print(f"{Llama(SHAPE).size()} parameters, {len(ids)} tokens, {len(text) / len(ids):.3f} bytes each", flush=True)

    teachers = train_teachers(args, ids)
    print(f"teachers done at {time.time() - began:.0f} s", flush=True)
    parameters = train_student(args, ids, teachers)
    print(f"student done at {time.time() - began:.0f} s", flush=True)

    if args.checkpoint:
        np.savez(args.checkpoint, **parameters)
    with open(args.out, "wb") as f:
        f.write(export.gguf(SHAPE, tokenizer, parameters))
    rounded = {k: export.dequantise(v) if v.ndim == 2 else v for k, v in parameters.items()}
    print_scores("one teacher", teachers[0], texts, tokenizer)
    print_scores("ensemble", Mean(teachers), texts, tokenizer)
    print_scores("student, F32", load(parameters, args.device), texts, tokenizer)
    print_scores("student, Q8_0", load(rounded, args.device), texts, tokenizer)
    print(f"{os.path.getsize(args.out)} bytes in {args.out}, {time.time() - began:.0f} s in all")


if __name__ == "__main__":
    main()
