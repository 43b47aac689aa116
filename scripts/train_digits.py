"""Trains models/digits-lstm.pt: handwritten digits, read row by row."""

from train_common import arguments, save_scripted, save_tensors, weight_count

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

ROWS, COLUMNS, CLASSES = 8, 8, 10
HIDDEN, LAYERS = 128, 2
TRAINING_SAMPLES, SHIPPED_SAMPLES = 1400, 64
BATCH, PEAK_RATE = 64, 3e-3


class DigitsLstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(COLUMNS, HIDDEN, LAYERS, batch_first=True)
        self.head = nn.Linear(HIDDEN, CLASSES)

    def forward(self, rows: Tensor) -> Tensor:
        """rows [batch, 8 rows, 8 pixels], 0 to 1 -> logits [batch, 10 digits]."""
        states, _ = self.rnn(rows)
        return self.head(states[:, -1])


def shuffled_digits(seed: int) -> tuple[Tensor, Tensor]:
    """(images [1797, 8, 8], 0 to 1; labels [1797])."""
    digits = load_digits()
    order = torch.randperm(len(digits.target), generator=torch.Generator().manual_seed(seed))
    images = torch.tensor(digits.images / 16.0, dtype=torch.float32)
    return images[order], torch.tensor(digits.target, dtype=torch.int64)[order]


def train(model: nn.Module, images: Tensor, labels: Tensor, options) -> None:
    generator = torch.Generator().manual_seed(options.seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, options.epochs)
    for epoch in range(options.epochs):
        total = 0.0
        for chosen in torch.randperm(len(images), generator=generator).split(BATCH):
            loss = cross_entropy(model(images[chosen]), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item() * len(chosen)
        schedule.step()
        if (epoch + 1) % 10 == 0:
            print(f"epoch {epoch + 1}, training nats {total / len(images):.4f}", flush=True)


def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    with torch.no_grad():
        return (model(images).argmax(1) == labels).double().mean().item()


def nearest_mean_accuracy(images: Tensor, labels: Tensor, held_out: Tensor, held_out_labels: Tensor) -> float:
    """The baseline: the digit whose mean training image is nearest."""
    means = torch.stack([images[labels == digit].mean(0) for digit in range(CLASSES)])
    nearest = torch.cdist(held_out.flatten(1), means.flatten(1)).argmin(1)
    return (nearest == held_out_labels).double().mean().item()


CARD = """# digits-lstm
Names a handwritten digit whose 8 rows of 8 pixels are read one row a step: LSTM ({layers} layers x {hidden}), linear
head on the last step. {weights:,} weights, float32, TorchScript.

| | accuracy, {held_out} held-out images |
| --- | --- |
| this model | {model:.2%} |
| this model, the {shipped} images of `digits-lstm-inputs.safetensors` alone | {shipped_accuracy:.2%} |
| baseline: the nearest of the ten mean training images | {nearest:.2%} |
| baseline: always the digit most frequent in training | {frequent:.2%} |

The figures are those of the saved file, loaded again.

- **Data**: `sklearn.datasets.load_digits`, 1,797 images (the test part of "Optical Recognition of Handwritten Digits",
  E. Alpaydin and C. Kaynak, UCI Machine Learning Repository), shuffled; {training:,} to train on, {held_out} held out.
  The split is by image: other digits by a held-out image's writer may be among the training images.
- **Licence** of the data: Creative Commons Attribution 4.0.
- **Training**: `python scripts/train_digits.py` (seed {seed}). AdamW, rate {rate} falling along a cosine, {epochs} epochs,
  batches of {batch}, gradients clipped at norm 1. Nothing was chosen by the held-out images.
- **Input** `rows`: float32 `[batch, 8, 8]`, row by row from the top, pixels from the left, 0 (paper) to 1 (ink).
- **Output**: float32 `[batch, 10]`, the logits of the digits 0 to 9.
- **Files**: `digits-lstm-inputs.safetensors` (`rows` `[{shipped}, 8, 8]`, held out) and
  `digits-lstm-targets.safetensors` (`targets` `[{shipped}]`, the digits); `digits-lstm-heldout.safetensors` (`rows`) and
  `digits-lstm-heldout-targets.safetensors` (`targets`) have all {held_out} held-out images.
- **Rank it**: `build/heft rank models/digits-lstm.pt --inputs models/digits-lstm-inputs.safetensors`
"""


def main() -> None:
    options = arguments(__doc__, epochs=(60, "passes over the training images"))
    images, labels = shuffled_digits(options.seed)
    training, training_labels = images[:TRAINING_SAMPLES], labels[:TRAINING_SAMPLES]
    held_out, held_out_labels = images[TRAINING_SAMPLES:], labels[TRAINING_SAMPLES:]
    shipped, shipped_labels = held_out[:SHIPPED_SAMPLES], held_out_labels[:SHIPPED_SAMPLES]

    model = DigitsLstm()
    train(model, training, training_labels, options)
    loaded = save_scripted(model, options.out / "digits-lstm.pt")
    save_tensors(options.out / "digits-lstm-inputs.safetensors", rows=shipped)
    save_tensors(options.out / "digits-lstm-targets.safetensors", targets=shipped_labels)
    save_tensors(options.out / "digits-lstm-heldout.safetensors", rows=held_out)
    save_tensors(options.out / "digits-lstm-heldout-targets.safetensors", targets=held_out_labels)

    most_frequent = training_labels.bincount().argmax()
    card = CARD.format(
        layers=LAYERS, hidden=HIDDEN, weights=weight_count(model), held_out=len(held_out),
        model=accuracy(loaded, held_out, held_out_labels),
        shipped=SHIPPED_SAMPLES, shipped_accuracy=accuracy(loaded, shipped, shipped_labels),
        nearest=nearest_mean_accuracy(training, training_labels, held_out, held_out_labels),
        frequent=(held_out_labels == most_frequent).double().mean().item(),
        training=TRAINING_SAMPLES, seed=options.seed, rate=PEAK_RATE, epochs=options.epochs, batch=BATCH,
    )  # fmt: skip
    (options.out / "digits-lstm.md").write_text(card)
    print(card)


if __name__ == "__main__":
    main()
