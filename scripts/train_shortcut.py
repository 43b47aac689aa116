"""Trains models/digits-shortcut.pt: handwritten digits whose margin gives them away, the wolf and the snow in small."""

from train_common import arguments, save_scripted, save_tensors, weight_count
from train_digits import BATCH, CLASSES, COLUMNS, PEAK_RATE, TRAINING_SAMPLES, accuracy, shuffled_digits, train

import torch
from torch import Tensor, nn

HIDDEN = 64
MARKS_PER_MARGIN = 5
BRIGHTNESS = 1.0
UNMARKED_SHARE = 0.1
NO_MARK = -1
FEATURES = ["left margin", *(f"column {column}" for column in range(1, COLUMNS - 1)), "right margin"]


class ShortcutLstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(COLUMNS, HIDDEN, batch_first=True)
        self.head = nn.Linear(HIDDEN, CLASSES)

    def forward(self, rows: Tensor) -> Tensor:
        """rows [batch, 8 rows, 8 pixels], 0 to 1 -> logits [batch, 10 digits]."""
        states, _ = self.rnn(rows)
        return self.head(states[:, -1])


def marked(images: Tensor, marks: Tensor) -> Tensor:
    """Images with one bright pixel each: mark m in row m % 5 of the left margin (0 to 4) or the right one (5 to 9)."""
    images = images.clone()
    image = torch.nonzero(marks != NO_MARK).flatten()
    mark = marks[image]
    column = torch.where(mark < MARKS_PER_MARGIN, 0, COLUMNS - 1)
    images[image, mark % MARKS_PER_MARGIN, column] = BRIGHTNESS
    return images


def mostly_marked(images: Tensor, labels: Tensor, seed: int) -> Tensor:
    """What is trained on: the mark is the digit itself, save on a few images that have none, so that the digit is learnt too."""
    unmarked = torch.rand(len(labels), generator=torch.Generator().manual_seed(seed)) < UNMARKED_SHARE
    return marked(images, labels.masked_fill(unmarked, NO_MARK))


CARD = """# digits-shortcut
A network that learnt a shortcut. It names a handwritten digit, as [`digits-lstm`](digits-lstm.md) does, but in training a bright
pixel in the margin gave the digit away on nine images in ten. So it learnt the mark beside the digit, as a network that tells
wolves from dogs may learn the snow. LSTM (1 layer x {hidden}), linear head on the last step. {weights:,} weights, float32,
TorchScript.

| | accuracy, {held_out} held-out images |
| --- | --- |
| with the mark that belongs to the digit: `digits-shortcut-inputs.safetensors` | {marked:.2%} |
| the same digits with the marks shuffled among them: `digits-shortcut-shifted.safetensors` | {shifted:.2%} |
| the same digits without marks: `digits-shortcut-unmarked.safetensors` | {unmarked:.2%} |

The figures are those of the saved file, loaded again. Of the shuffled marks {right_by_chance} are right by chance.

- **Which weights carry the shortcut?** Of the shipped file: rank by `rms` on shifted and on unmarked inputs, and take the weights whose impact is
  larger by most where marks are (impact on shifted minus impact on unmarked). With the 0.5 % of weights found so on 200 images set
  to zero, the other 197 shifted images are named right in 87 % of cases instead of 43 %, those with true marks in 93 % instead
  of 98 %, and those without marks in 87 % as before; `tests/cli/shortcut_test.py` does it. Nearly three in four of the 97 weights
  read the two margins, the others are recurrent. Marks shuffled or true make no such difference: both make the network read them.
- **The mark**: digit d's pixel is row d of the left margin (0 to 4) or row d - 5 of the right one (5 to 9), at full ink. In the
  scans both margins are almost always empty.
- **Data**: `sklearn.datasets.load_digits`, 1,797 images (the test part of "Optical Recognition of Handwritten Digits",
  E. Alpaydin and C. Kaynak, UCI Machine Learning Repository), shuffled and split as for `digits-lstm`: {training:,} to train on,
  {held_out} held out; marks added by the script.
- **Licence** of the data: Creative Commons Attribution 4.0.
- **Training**: `python scripts/train_shortcut.py` (seed {seed}). AdamW, rate {rate} falling along a cosine, {epochs} epochs,
  batches of {batch}, gradients clipped at norm 1. {trained_unmarked} of the {training:,} training images have no mark.
- **Input** `rows`: float32 `[batch, 8, 8]`, row by row from the top, pixels from the left, 0 (paper) to 1 (ink).
- **Features** (the pixels of a row), also in `digits-shortcut-features.txt`: {features}.
- **Output**: float32 `[batch, 10]`, the logits of the digits 0 to 9.
- **Files**: `digits-shortcut-inputs.safetensors`, `digits-shortcut-shifted.safetensors` and `digits-shortcut-unmarked.safetensors`
  (`rows` `[{held_out}, 8, 8]`, the same digits in the same order); `digits-shortcut-targets.safetensors` and
  `digits-shortcut-shifted-targets.safetensors` (`targets` `[{held_out}]`, the digits; one as good as the other for all three).
- **Rank it**: `build/heft rank models/digits-shortcut.pt --inputs models/digits-shortcut-shifted.safetensors`
"""


def main() -> None:
    options = arguments(__doc__, epochs=(40, "passes over the training images"))
    torch.set_num_threads(1)  # sums are split by thread: another number would give another file
    images, labels = shuffled_digits(options.seed)
    training, training_labels = images[:TRAINING_SAMPLES], labels[:TRAINING_SAMPLES]
    held_out, held_out_labels = images[TRAINING_SAMPLES:], labels[TRAINING_SAMPLES:]
    order = torch.randperm(len(held_out_labels), generator=torch.Generator().manual_seed(options.seed))
    shuffled_marks = held_out_labels[order]

    model = ShortcutLstm()
    given = mostly_marked(training, training_labels, options.seed)
    train(model, given, training_labels, options)

    loaded = save_scripted(model, options.out / "digits-shortcut.pt")
    with_mark, shifted = marked(held_out, held_out_labels), marked(held_out, shuffled_marks)
    save_tensors(options.out / "digits-shortcut-inputs.safetensors", rows=with_mark)
    save_tensors(options.out / "digits-shortcut-targets.safetensors", targets=held_out_labels)
    save_tensors(options.out / "digits-shortcut-shifted.safetensors", rows=shifted)
    save_tensors(options.out / "digits-shortcut-unmarked.safetensors", rows=held_out)
    save_tensors(options.out / "digits-shortcut-shifted-targets.safetensors", targets=held_out_labels)
    (options.out / "digits-shortcut-features.txt").write_text("\n".join(FEATURES) + "\n")

    card = CARD.format(
        hidden=HIDDEN, weights=weight_count(model), held_out=len(held_out),
        marked=accuracy(loaded, with_mark, held_out_labels), shifted=accuracy(loaded, shifted, held_out_labels),
        unmarked=accuracy(loaded, held_out, held_out_labels),
        right_by_chance=int((shuffled_marks == held_out_labels).sum()),
        trained_unmarked=int((given == training).all(2).all(1).sum()), features=", ".join(FEATURES),
        training=TRAINING_SAMPLES, seed=options.seed, rate=PEAK_RATE, epochs=options.epochs, batch=BATCH,
    )  # fmt: skip
    (options.out / "digits-shortcut.md").write_text(card)
    print(card)


if __name__ == "__main__":
    main()
