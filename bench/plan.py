"""heft plan beside heft rank: what was said before and what it took, one row of JSON a model and method."""
import argparse
import json
import sys
import tempfile
from pathlib import Path

from measured import measured
from time_limit import TimeLimit

MODELS = Path(__file__).resolve().parent.parent / "models"
# Whole rankings of minutes at most; of the large one the exhaustive method's first weights.
RANKINGS = [
    ("weather-gru", "--method", "exhaustive"),
    ("weather-gru",),
    ("digits-lstm", "--method", "exhaustive", "--parameters", "*hh*", "head*"),
    ("digits-lstm", "--top", "100"),
    ("digits-lstm", "--method", "response"),
    ("char-lstm", "--method", "response"),
    ("char-lstm", "--method", "exhaustive", "--parameters", "rnn.weight_hh_l0[0:3,:]", "rnn.weight_ih_l1[100,:]", "*.bias_hh_l1"),
    ("char-lstm", "--top", "100"),
]


def answered(command, folder):
    done, child = measured(command, folder / "child.json")
    if child["status"] != 0:
        sys.exit(f"{' '.join(map(str, command[:3]))} failed: {done.stderr.strip()}")
    return json.loads(done.stdout), child


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--heft", type=Path, required=True)
    parser.add_argument("--limit", type=float, required=True)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    limit = TimeLimit(options.limit)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for model, *arguments in limit.over(RANKINGS, "rankings"):
            model_arguments = [MODELS / f"{model}.pt", "--inputs", MODELS / f"{model}-inputs.safetensors", *arguments, "--json", "-q"]
            said, asking = answered([options.heft, "plan", *model_arguments], folder)
            ranked, took = answered([options.heft, "rank", *model_arguments, "-o", folder / f"run-{len(list(folder.iterdir()))}"], folder)
            print(json.dumps({"model": model, "arguments": " ".join(arguments) or "(auto)", "plan_seconds": asking["seconds"],
                              "said_seconds": said["seconds"]["total"], "seconds": took["seconds"],
                              "ratio": said["seconds"]["total"] / took["seconds"], "said_variants": said["variants"],
                              "variants": ranked["cost"]["variants"], "said_bytes": said["memory_bytes"], "bytes": took["peak_bytes"],
                              "said": said["seconds"], "cost": ranked["cost"]}), flush=True)


if __name__ == "__main__":
    main()
