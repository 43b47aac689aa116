"""Trains models/char-lstm.pt: the next character of Python source.

The text is the standard library of the Python that runs this script; whole files are held out.
"""

import json
import math
import platform
import random
import sysconfig
import time
from pathlib import Path

from train_common import arguments, save_scripted, save_tensors, weight_count

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

ALPHABET = ["\n"] + [chr(code) for code in range(32, 127)]
# Tests, tables of numbers and generated files say little about how Python is written.
SKIPPED_FOLDERS = {"site-packages", "test", "tests", "idle_test", "encodings", "pydoc_data", "__phello__"}
HELD_OUT_SHARE = 0.05
EMBEDDING, HIDDEN, LAYERS = 64, 512, 2
BATCH, WINDOW = 32, 64
PEAK_RATE, WARM_UP_STEPS = 2.5e-3, 200
REPORT_EVERY, SAVE_EVERY = 200, 1000
SHIPPED_WINDOWS, SPREAD_WINDOWS, SHIPPED_LENGTH = 8, 256, 64
LONG_LENGTH = 512


class CharLstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(len(ALPHABET), EMBEDDING)
        self.rnn = nn.LSTM(EMBEDDING, HIDDEN, LAYERS, batch_first=True)
        self.head = nn.Linear(HIDDEN, len(ALPHABET))
        remember_by_default(self.rnn)

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens [batch, steps], int64 -> logits [batch, steps, characters]."""
        states, _ = self.rnn(self.embedding(tokens))
        return self.head(states)


def remember_by_default(rnn: nn.LSTM) -> None:
    """Forget-gate bias 1 (Jozefowicz et al. 2015): gradients reach far back from the first step on."""
    with torch.no_grad():
        for layer in range(rnn.num_layers):
            getattr(rnn, f"bias_ih_l{layer}")[rnn.hidden_size : 2 * rnn.hidden_size] = 1.0


def source_files() -> list[Path]:
    root = Path(sysconfig.get_paths()["stdlib"])
    relative = sorted(path.relative_to(root) for path in root.rglob("*.py"))
    return [
        root / path
        for path in relative
        if not SKIPPED_FOLDERS.intersection(path.parts) and not path.name.startswith("_sysconfigdata")
    ]


def encode(path: Path) -> Tensor:
    """The file as indices into ALPHABET; characters outside of it are left out."""
    index = {character: i for i, character in enumerate(ALPHABET)}
    text = path.read_text(encoding="utf-8", errors="ignore").expandtabs(4)
    return torch.tensor([index[c] for c in text if c in index], dtype=torch.int64)


def split_by_file(seed: int) -> tuple[list[Tensor], list[Tensor]]:
    """(training texts, held-out texts); a file is wholly in one of them."""
    files = source_files()
    random.Random(seed).shuffle(files)
    held_out_count = math.ceil(HELD_OUT_SHARE * len(files))
    texts = [encode(path) for path in files]
    return texts[held_out_count:], texts[:held_out_count]


def random_windows(text: Tensor, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """(tokens, the character after each), both [count, WINDOW]."""
    starts = torch.randint(len(text) - WINDOW - 1, (count, 1), generator=generator)
    window = text[starts + torch.arange(WINDOW + 1)]
    return window[:, :-1], window[:, 1:]


@torch.no_grad()
def nats_per_character(model: nn.Module, text: Tensor, length: int) -> float:
    """Mean cross entropy over the whole text, cut into windows that each start from a zero state."""
    count = (len(text) - 1) // length
    tokens = text[: count * length].view(count, length)
    targets = text[1 : count * length + 1].view(count, length)
    total = 0.0
    for some_tokens, some_targets in zip(tokens.split(64), targets.split(64)):
        logits = model(some_tokens)
        total += cross_entropy(logits.flatten(0, 1), some_targets.flatten(), reduction="sum").item()
    return total / (count * length)


@torch.no_grad()
def window_nats(model: nn.Module, tokens: Tensor, targets: Tensor) -> float:
    return cross_entropy(model(tokens).flatten(0, 1), targets.flatten()).item()


def bigram_nats(training: Tensor, held_out: Tensor) -> float:
    """The baseline: the next character from the present one alone, counted (add-one smoothing)."""
    size = len(ALPHABET)
    counts = torch.bincount(training[:-1] * size + training[1:], minlength=size * size).view(size, size) + 1.0
    log_probability = (counts / counts.sum(1, keepdim=True)).log()
    return -log_probability[held_out[:-1], held_out[1:]].mean().item()


def train(model: nn.Module, text: Tensor, options, save) -> int:
    """Trains until --steps or --minutes are used up, whichever is first; returns the steps taken.

    The learning rate falls along a cosine over whichever of the two is further along.
    """
    generator = torch.Generator().manual_seed(options.seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, weight_decay=0.01, fused=True)
    began, step, progress, recent = time.monotonic(), 0, 0.0, []
    while progress < 1.0:
        warm_up = min(1.0, (step + 1) / WARM_UP_STEPS)
        for group in optimizer.param_groups:
            group["lr"] = PEAK_RATE * warm_up * 0.5 * (1.0 + math.cos(math.pi * progress))
        tokens, targets = random_windows(text, BATCH, generator)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model(tokens)
        loss = cross_entropy(logits.float().flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        recent.append(loss.item())
        minutes = (time.monotonic() - began) / 60
        progress = max(step / options.steps, minutes / options.minutes)
        if step % REPORT_EVERY == 0:
            nats = sum(recent) / len(recent)
            print(f"step {step}, {minutes:.1f} min, training nats {nats:.3f}", flush=True)
            recent.clear()
        if step % SAVE_EVERY == 0:
            save()
    return step


def shipped_windows(texts: list[Tensor], seed: int) -> tuple[Tensor, Tensor]:
    """One window from each of the first held-out files that are long enough."""
    generator = torch.Generator().manual_seed(seed)
    long_enough = [text for text in texts if len(text) > 10 * SHIPPED_LENGTH][:SHIPPED_WINDOWS]
    windows = []
    for text in long_enough:
        start = int(torch.randint(len(text) - SHIPPED_LENGTH, (1,), generator=generator))
        windows.append(text[start : start + SHIPPED_LENGTH + 1])
    stacked = torch.stack(windows)
    return stacked[:, :-1], stacked[:, 1:]


def spread_windows(text: Tensor) -> tuple[Tensor, Tensor]:
    """Windows at even distances over all of the text: enough of them to tell how good the model is."""
    starts = torch.linspace(0, len(text) - SHIPPED_LENGTH - 1, SPREAD_WINDOWS).long()
    windows = text[starts[:, None] + torch.arange(SHIPPED_LENGTH + 1)]
    return windows[:, :-1], windows[:, 1:]


CARD = """# char-lstm
Predicts the next character of Python source code: embedding ({embedding}), LSTM ({layers} layers x {hidden}), linear
head that gives logits at every step. {weights:,} weights, float32, TorchScript.

| | nats a character, held-out files |
| --- | --- |
| this model, windows of {short} from a zero state | {short_nats:.3f} |
| this model, windows of {long} from a zero state | {long_nats:.3f} |
| this model, the {spread} windows of `char-lstm-heldout.safetensors` alone | {spread_nats:.3f} |
| this model, the {shipped} windows of `char-lstm-inputs.safetensors` alone, too few to judge by | {shipped_nats:.3f} |
| baseline: from the present character alone (counted bigrams) | {bigram:.3f} |
| baseline: every character as likely as any other | {uniform:.3f} |

Lower is better. The figures are those of the saved file, loaded again.

- **Data**: the `.py` files of the standard library of Python {python}, without tests, tables of encodings and
  documentation topics; tabs as spaces, characters outside the alphabet left out. {training_files} files
  ({training_characters:,} characters) to train on, {held_out_files} other files ({held_out_characters:,} characters)
  held out whole.
- **Licence** of the data: Python Software Foundation License Version 2.
- **Training**: `python scripts/train_char.py` (seed {seed}). AdamW, rate {rate} falling along a cosine, batches of
  {batch} windows of {window} characters from a zero state, gradients clipped at norm 1, bfloat16 autocast on the CPU.
  {steps:,} steps (it ends, and the cosine with it, after {step_limit:,} steps or {minute_limit:g} minutes, whichever
  comes first). Nothing was chosen by the held-out files. The same Python and seed give the same files, split and
  batches; the weights come out alike, not equal.
- **Input** `tokens`: int64 `[batch, steps]`, indices into `char-alphabet.json` (a list of {characters} characters).
- **Output**: float32 `[batch, steps, {characters}]`, the logits of the character after each step.
- **Files**: `char-lstm-inputs.safetensors` (`tokens` `[{shipped}, {short}]`, a window from each of {shipped} held-out
  files) and `char-lstm-targets.safetensors` (`targets` `[{shipped}, {short}]`, the next characters);
  `char-lstm-heldout.safetensors` and `char-lstm-heldout-targets.safetensors`, the same for {spread} windows spread over
  all of the held-out text.
- **Rank it**: `build/heft rank models/char-lstm.pt --inputs models/char-lstm-inputs.safetensors`
"""


def write_tensors(held_out_texts: list[Tensor], options) -> None:
    tokens, targets = shipped_windows(held_out_texts, options.seed)
    save_tensors(options.out / "char-lstm-inputs.safetensors", tokens=tokens)
    save_tensors(options.out / "char-lstm-targets.safetensors", targets=targets)
    tokens, targets = spread_windows(torch.cat(held_out_texts))
    save_tensors(options.out / "char-lstm-heldout.safetensors", tokens=tokens)
    save_tensors(options.out / "char-lstm-heldout-targets.safetensors", targets=targets)
    (options.out / "char-alphabet.json").write_text(json.dumps(ALPHABET) + "\n")


def write_card(model: nn.Module, training_texts, held_out_texts, steps: int, options) -> None:
    """Measures `model`, the one loaded from the saved file, and writes what it reaches."""
    training, held_out = torch.cat(training_texts), torch.cat(held_out_texts)
    card = CARD.format(
        embedding=EMBEDDING, layers=LAYERS, hidden=HIDDEN, weights=weight_count(model),
        short=SHIPPED_LENGTH, short_nats=nats_per_character(model, held_out, SHIPPED_LENGTH),
        long=LONG_LENGTH, long_nats=nats_per_character(model, held_out, LONG_LENGTH),
        shipped=SHIPPED_WINDOWS,
        shipped_nats=window_nats(model, *shipped_windows(held_out_texts, options.seed)),
        spread=SPREAD_WINDOWS, spread_nats=window_nats(model, *spread_windows(held_out)),
        bigram=bigram_nats(training, held_out), uniform=math.log(len(ALPHABET)),
        python=platform.python_version(),
        training_files=len(training_texts), training_characters=len(training),
        held_out_files=len(held_out_texts), held_out_characters=len(held_out),
        seed=options.seed, rate=PEAK_RATE, batch=BATCH, window=WINDOW, steps=steps,
        step_limit=options.steps, minute_limit=options.minutes, characters=len(ALPHABET),
    )  # fmt: skip
    (options.out / "char-lstm.md").write_text(card)
    print(card)


def main() -> None:
    options = arguments(
        __doc__.splitlines()[0],
        steps=(10000, "optimiser steps"),
        minutes=(42.0, "stop after this time even if steps are left"),
        threads=(2, "CPU threads"),
    )
    torch.set_num_threads(options.threads)
    training_texts, held_out_texts = split_by_file(options.seed)
    write_tensors(held_out_texts, options)
    watched = torch.cat(held_out_texts)[:50_000]
    model = CharLstm()

    def save() -> torch.jit.ScriptModule:
        loaded = save_scripted(model, options.out / "char-lstm.pt")
        nats = nats_per_character(loaded, watched, SHIPPED_LENGTH)
        print(f"saved; the first {len(watched):,} held-out characters: {nats:.3f} nats", flush=True)
        return loaded

    steps = train(model, torch.cat(training_texts), options, save)
    write_card(save(), training_texts, held_out_texts, steps, options)


if __name__ == "__main__":
    main()
