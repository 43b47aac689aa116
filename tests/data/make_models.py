"""Writes tests/data/models: small TorchScript models of every sort that people bring, with inputs and impacts.

For each fixture NAME (tests/data/fixtures, a module a theme, a line a fixture):
    models/NAME.pt                    the model
    models/NAME.inputs.pt             its inputs: a tensor, a tuple, or a dict by argument name
    models/NAME.expected.safetensors  what PyTorch computes in float64 for it, unless it is to be refused:
        baseline                      every floating output, flattened and joined in order; of complex ones the parts, times
                                      the root of 2, so that the mean of their squares is that of the moduli
        index:PARAMETER               flat indices of a few random weights
        impact:PARAMETER              rms over the baseline's elements of the change when that weight alone is zero
        weight:PARAMETER              of frozen and optimised models, whose weights have lost their
                                      names: the weights themselves (the file may hold a matrix transposed)
        own:PARAMETER                 of models with casts of their own: impacts in their own types
and models/index.json, a list of what each is and what to expect of it; models/bad holds what must be refused.

    python make_models.py [NAME ...]     only these fixtures

Needs torch and safetensors; seeded, so that running it again gives the same numbers.
"""

import copy
import json
import os
import sys
import warnings
import zipfile
from pathlib import Path

import torch
from safetensors.torch import save_file

sys.path.insert(0, str(Path(__file__).parent))
from fixtures import bad, around, arguments, casts, cells, chance, containers, dimensions, graphless, handed, operators, refused, seeded, seeded_around, seeded_fronts, streaming, weight_functions  # noqa: E402, F401
from fixtures.registry import ALL, Fixture, build, cast  # noqa: E402
from fixtures.truth import Double, flat, plain, run  # noqa: E402

FOLDER = Path(__file__).parent / "models"


def contained(fixture: Fixture, model, inputs):
    """`model` as TorchScript in the fixture's container."""
    if fixture.container == "quantize":
        model = torch.ao.quantization.quantize_dynamic(model.eval(), {torch.nn.LSTM, torch.nn.Linear})
    if fixture.container.startswith("trace"):
        first = (inputs[0][0], *inputs[1:]) if isinstance(inputs, tuple) else inputs[0]
        example = cast(first if fixture.stream else inputs, fixture.dtype)
        with torch.no_grad():
            traced = torch.jit.trace(copy.deepcopy(model), example, check_trace=False)
            for name, buffer in traced.named_buffers():  # tracing has run forward once
                buffer.copy_(model.get_buffer(name))
        return torch.jit.freeze(traced) if fixture.container.endswith("freeze") else traced
    scripted = torch.jit.script(model)
    if fixture.container == "freeze":
        return torch.jit.freeze(scripted)
    return torch.jit.optimize_for_inference(scripted) if fixture.container == "optimize" else scripted


def save(module, path: Path) -> None:
    """Saves TorchScript without its debug records, which hold paths of the machine and nothing that running needs."""
    torch.jit.save(module if isinstance(module, torch.jit.ScriptModule) else torch.jit.script(module.eval()), path)
    with zipfile.ZipFile(path) as archive:
        records = {name: archive.read(name) for name in archive.namelist() if not name.endswith(".debug_pkl")}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in records.items():
            kind = zipfile.ZIP_DEFLATED if "/code/" in name else zipfile.ZIP_STORED
            archive.writestr(zipfile.ZipInfo(name), content, kind)


def check_loaded(fixture: Fixture, path: Path, inputs, expected: torch.Tensor) -> None:
    """The saved file must give what the float64 model gives, as closely as its type allows."""
    if fixture.target.startswith("module:"):  # loaded modules take no hooks
        return
    with torch.no_grad():
        loaded = torch.jit.load(path).eval()
        found = plain(flat(run(loaded, cast(inputs, fixture.dtype), fixture.stream, fixture.target, fixture.carry))).double()
    tolerance = 5e-2 if "own_types" in fixture.tags else {torch.float16: 3e-2, torch.bfloat16: 1e-1}.get(fixture.dtype, 1e-4)
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance, msg=lambda text: f"{fixture.name}: {text}")


def own_types(fixture: Fixture, path: Path, inputs, expected: dict) -> dict:
    """own:PARAMETER, the impacts of the same weights as PyTorch itself runs the file, in its own types."""
    model = torch.jit.load(path).eval()
    outputs = lambda: flat(run(model, cast(inputs, fixture.dtype), fixture.stream, fixture.target)).double()
    found = {}
    with torch.no_grad():
        for _ in range(3):  # what the executor finds out on the way
            baseline = outputs()
        for name, parameter in model.named_parameters():
            impacts = []
            for index in expected["index:" + name].tolist():
                before = parameter.view(-1)[index].clone()
                parameter.view(-1)[index] = 0
                impacts.append((outputs() - baseline).square().mean().sqrt())
                parameter.view(-1)[index] = before
            found["own:" + name] = torch.stack(impacts)
    return found


def write(fixture: Fixture) -> dict:
    model, inputs = build(fixture)
    path = FOLDER / f"{fixture.name}.pt"
    save(contained(fixture, model, inputs), path)
    torch.save(inputs, FOLDER / f"{fixture.name}.inputs.pt")
    output_batch_dim = None
    if not fixture.refused:
        double = Double(fixture, model, inputs)
        expected = double.impacts()
        assert all(not value.isnan().any() if name == "baseline" else value.isfinite().all() for name, value in expected.items()), fixture.name
        check_loaded(fixture, path, inputs, expected["baseline"])
        if "own_types" in fixture.tags:
            expected |= own_types(fixture, path, inputs, expected)
        save_file(expected, FOLDER / f"{fixture.name}.expected.safetensors")
        (FOLDER / f"{fixture.name}.expected.safetensors").chmod(0o644)
        if fixture.batch is not None:
            output_batch_dim = double.output_batch_dim()
            assert fixture.interact == (output_batch_dim is None), f"{fixture.name}: {output_batch_dim}"
    return {
        "name": fixture.name, "about": fixture.about, "file": f"{fixture.name}.pt", "inputs": f"{fixture.name}.inputs.pt",
        "stream": fixture.stream, "carry": list(fixture.carry), "output_target": fixture.target, "batch_dim": fixture.batch,
        "output_batch_dim": output_batch_dim, "samples_interact": fixture.interact,
        "expected": "refused" if fixture.refused else "ranked", "refusal_contains": fixture.refused,
        "tags": fixture.tags.split(), "recurrent": fixture.recurrent, "train": fixture.train,
        "container": fixture.container, "dtype": str(fixture.dtype).removeprefix("torch."), "tied": fixture.tied,
    }


def main() -> None:
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    FOLDER.mkdir(exist_ok=True)
    wanted = sys.argv[1:]
    entries = [write(fixture) for fixture in ALL if not wanted or fixture.name in wanted]
    index = FOLDER / "index.json"
    if wanted:
        made = {entry["name"]: entry for entry in entries}
        entries = [made.pop(known["name"], known) for known in json.loads(index.read_text())]
        entries += made.values()
    else:
        entries += bad.write(FOLDER / "bad", save)
    lines = ",\n".join(json.dumps(entry) for entry in entries)
    index.write_text(f"[\n{lines}\n]\n")
    size = sum(file.stat().st_size for file in FOLDER.rglob("*") if file.is_file())
    print(f"{len(entries)} fixtures, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # TorchScript writes its constants in the order of a set
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONHASHSEED": "0"})
    main()
