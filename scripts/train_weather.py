"""Trains models/weather-gru.pt: tomorrow's weather in Seattle from the last 30 days."""

import math
from importlib.metadata import version
from typing import NamedTuple

from train_common import arguments, save_scripted, save_tensors, weight_count

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss
from vega_datasets import data as vega_data

# What is forecast; the first features are the same four of each day. Rain is log(1 + millimetres).
TARGETS = ["temp_max", "temp_min", "log_rain", "wind"]
UNITS = ["°C", "°C", "log(1 + mm)", "m/s"]
KINDS = ["drizzle", "fog", "rain", "snow", "sun"]
FEATURES = TARGETS + [f"is_{kind}" for kind in KINDS] + ["season_sin", "season_cos"]
DAYS, HELD_OUT_YEAR, SHIPPED_WINDOWS = 30, 2015, 64
HIDDEN = 32
BATCH, PEAK_RATE, WEIGHT_DECAY, INPUT_NOISE, DROPOUT = 32, 3e-3, 0.05, 0.2, 0.3


class WeatherGru(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(len(FEATURES), HIDDEN, batch_first=True)
        self.dropout = nn.Dropout(DROPOUT)
        self.head = nn.Linear(HIDDEN, len(TARGETS))

    def forward(self, days: Tensor) -> Tensor:
        """days [batch, days, features] -> tomorrow, standardised [batch, 4 targets].

        What the head gives is the change from today.
        """
        states, _ = self.rnn(days)
        today = days[:, -1, : self.head.out_features]
        return today + self.head(self.dropout(states[:, -1]))


class Windows(NamedTuple):
    days: Tensor  # [windows, DAYS, features], standardised
    tomorrow: Tensor  # [windows, targets], standardised
    season: Tensor  # [windows, 2], sine and cosine of tomorrow's day of the year

    def today(self) -> Tensor:
        """The "same as today" forecast."""
        return self.days[:, -1, : len(TARGETS)]


class Standard(NamedTuple):
    """Of each target over the training years: standardised = (value - mean) / deviation."""

    mean: np.ndarray
    deviation: np.ndarray


def load_table() -> pd.DataFrame:
    table = vega_data.seattle_weather()
    table["date"] = pd.to_datetime(table["date"])
    table["log_rain"] = np.log1p(table["precipitation"])
    for kind in KINDS:
        table[f"is_{kind}"] = (table["weather"] == kind).astype(float)
    angle = 2.0 * math.pi * table["date"].dt.day_of_year / 365.25
    table["season_sin"], table["season_cos"] = np.sin(angle), np.cos(angle)
    return table


def make_windows(table: pd.DataFrame, held_out_year: int) -> tuple[Windows, Windows, Standard]:
    """(training, held out, how it was standardised).

    A window belongs to the year of the day that it forecasts.
    """
    years = table["date"].dt.year.to_numpy()
    values = table[TARGETS].to_numpy()
    past = years < held_out_year
    standard = Standard(values[past].mean(0), values[past].std(0))
    features = table[FEATURES].to_numpy().copy()
    features[:, : len(TARGETS)] = (values - standard.mean) / standard.deviation
    features = torch.tensor(features, dtype=torch.float32)

    def windows(tomorrows: np.ndarray) -> Windows:
        tomorrow = features[tomorrows]
        days = torch.stack([features[t - DAYS : t] for t in tomorrows])
        return Windows(days, tomorrow[:, : len(TARGETS)], tomorrow[:, -2:])

    every_day = np.arange(DAYS, len(table))
    training = windows(every_day[years[every_day] < held_out_year])
    held_out = windows(every_day[years[every_day] == held_out_year])
    return training, held_out, standard


def train(model: nn.Module, windows: Windows, options) -> None:
    generator = torch.Generator().manual_seed(options.seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, options.epochs)
    for epoch in range(options.epochs):
        total = 0.0
        for chosen in torch.randperm(len(windows.days), generator=generator).split(BATCH):
            days = windows.days[chosen]
            noisy = days + INPUT_NOISE * torch.randn(days.shape, generator=generator)
            loss = mse_loss(model(noisy), windows.tomorrow[chosen])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item() * len(chosen)
        schedule.step()
        if (epoch + 1) % 5 == 0:
            print(f"epoch {epoch + 1}, training mean square {total / len(windows.days):.3f}", flush=True)


def least_squares_forecast(training: Windows, held_out: Windows, design) -> Tensor:
    """Tomorrow as a linear function of what `design` takes from the windows, fitted to the training ones."""
    # The kinds of weather add up to 1, so the columns are dependent: gelsd takes the least solution.
    solution = torch.linalg.lstsq(design(training), training.tomorrow, driver="gelsd").solution
    return design(held_out) @ solution


def time_of_year(windows: Windows) -> Tensor:
    return torch.cat([torch.ones(len(windows.season), 1), windows.season], 1)


def last_two_days(windows: Windows) -> Tensor:
    return torch.cat([torch.ones(len(windows.days), 1), windows.days[:, -1], windows.days[:, -2]], 1)


def root_mean_squares(forecast: Tensor, windows: Windows) -> Tensor:
    """Root mean square error of each target, standardised: [targets]."""
    return (forecast - windows.tomorrow).square().mean(0).sqrt()


def table_row(name: str, errors: Tensor, deviation: np.ndarray) -> str:
    """Errors in each target's own unit, and over all four standardised targets."""
    own_units = [f"{error * scale:.3f}" for error, scale in zip(errors.tolist(), deviation)]
    overall = errors.square().mean().sqrt().item()
    return " | ".join([f"| {name}", *own_units, f"{overall:.3f} |"])


def quoted(names) -> str:
    return ", ".join(f"`{name}`" for name in names)


CARD = """# weather-gru
Forecasts tomorrow's weather in Seattle from the last {days} days: GRU ({hidden} units), and a linear head on its
last step that gives the change from today. {weights:,} weights, float32, TorchScript.

Root mean square error over the {held_out} days of {year}, held out:

| | {targets} | all four, standardised |
| --- | --- | --- | --- | --- | --- |
{rows}

Lower is better. The figures are those of the saved file, loaded again. The last row says how much there is to gain: a
straight line through two days is nearly as good.

- **Data**: `seattle-weather.csv` of the `vega_datasets` package {version}, daily, 2012 to 2015, from NOAA records. Trained
  on the {training:,} windows whose forecast day lies before {year}; held out are those that forecast a day of {year}.
  The sizes and rates in the script were chosen on 2014, with 2012 and 2013 to train on; nothing was chosen by {year}.
- **Licence** of the data: public domain (NOAA); the package is under the MIT licence.
- **Training**: `python scripts/train_weather.py` (seed {seed}). AdamW, rate {rate} falling along a cosine, weight decay
  {decay}, {epochs} epochs, batches of {batch}, dropout {dropout} before the head, noise of deviation {noise} on the inputs.
- **Input** `days`: float32 `[batch, {days}, {features}]`, the oldest day first. The features, in the order of
  `weather-gru-features.txt`: the day's {target_names}, standardised;
  {kind_names}, 1 for the day's kind of weather, else 0;
  `season_sin` and `season_cos`, the sine and cosine of 2 pi x day of the year / 365.25. Windows of other lengths are
  accepted.
- **Output**: float32 `[batch, 4]`, tomorrow's {target_names}, standardised.
- **Standardised** is (value - mean) / deviation, over the training years; `log_rain` is log(1 + millimetres):

| | mean | deviation |
| --- | --- | --- |
{standards}

- **Files**: `weather-gru-inputs.safetensors` (`days` `[{shipped}, {days}, {features}]`, spread evenly over {year}) and
  `weather-gru-targets.safetensors` (`targets` `[{shipped}, 4]`, what the weather was, standardised).
- **Rank it**: `build/heft rank models/weather-gru.pt --inputs models/weather-gru-inputs.safetensors`
"""


def main() -> None:
    options = arguments(__doc__, epochs=(30, "passes over the training windows"))
    training, held_out, standard = make_windows(load_table(), HELD_OUT_YEAR)
    model = WeatherGru()
    train(model, training, options)
    loaded = save_scripted(model, options.out / "weather-gru.pt")
    chosen = torch.linspace(0, len(held_out.days) - 1, SHIPPED_WINDOWS).round().long()
    save_tensors(options.out / "weather-gru-inputs.safetensors", days=held_out.days[chosen])
    save_tensors(options.out / "weather-gru-targets.safetensors", targets=held_out.tomorrow[chosen])
    (options.out / "weather-gru-features.txt").write_text("\n".join(FEATURES) + "\n")

    with torch.no_grad():
        forecasts = {
            "this model": loaded(held_out.days),
            "baseline: same as today": held_out.today(),
            "time of year alone (least squares)": least_squares_forecast(training, held_out, time_of_year),
            "linear in the last two days (least squares)": least_squares_forecast(
                training, held_out, last_two_days
            ),
        }
    rows = [
        table_row(name, root_mean_squares(forecast, held_out), standard.deviation)
        for name, forecast in forecasts.items()
    ]
    card = CARD.format(
        days=DAYS, hidden=HIDDEN, weights=weight_count(model), held_out=len(held_out.days),
        year=HELD_OUT_YEAR,
        targets=" | ".join(f"{name}, {unit}" for name, unit in zip(TARGETS, UNITS)), rows="\n".join(rows),
        version=version("vega_datasets"), training=len(training.days), seed=options.seed, rate=PEAK_RATE,
        decay=WEIGHT_DECAY, epochs=options.epochs, batch=BATCH, dropout=DROPOUT, noise=INPUT_NOISE,
        features=len(FEATURES), kind_names=quoted(f"is_{kind}" for kind in KINDS),
        target_names=quoted(TARGETS), shipped=SHIPPED_WINDOWS,
        standards="\n".join(
            f"| {name}, {unit} | {mean:.4f} | {deviation:.4f} |"
            for name, unit, mean, deviation in zip(TARGETS, UNITS, standard.mean, standard.deviation)
        ),
    )  # fmt: skip
    (options.out / "weather-gru.md").write_text(card)
    print(card)


if __name__ == "__main__":
    main()
