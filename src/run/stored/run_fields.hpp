#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "data/dims.hpp"
#include "heft/error.hpp"
#include "run/stored/format_version.hpp"
#include "run/stored/json_fields.hpp"
#include "run/stored/run.hpp"
#include "run/stored/settings_fields.hpp"
#include "run/stored/structure_fields.hpp"

// What run.json holds of a run: all but what a value a weight or a group has, which stands in files of its own.

namespace heft {

inline void fromText(std::string_view text, DimRole& role) { role = parseDimRole(text); }
inline std::string toText(DimRole role) { return std::string(name(role)); }

template <class Archive>
void fields(Archive& archive, Stored<Archive, ComponentImpact>& component) {
  archive("name", component.name);
  archive("level", component.level);
  archive("path", component.path);
  archive("weights", component.weights, Whole{0});
  archive("joint", component.joint);
  archive("standard_error", component.standard_error);
  archive("sum", component.sum);
  archive("magnitude", component.magnitude);
}

template <class Archive>
void fields(Archive& archive, Stored<Archive, OutputGroup>& group) {
  archive("name", group.name);
  archive("samples", group.samples, Whole{0});
  archive("elements", group.elements, Whole{0});
}

template <class Archive>
void fields(Archive& archive, Stored<Archive, Provenance>& provenance) {
  archive("model", provenance.model);
  archive("model_sha256", provenance.model_sha256);
  archive("inputs", provenance.inputs);
  archive("inputs_sha256", provenance.inputs_sha256);
  archive("targets", provenance.targets);
  archive("targets_sha256", provenance.targets_sha256);
  archive("heft_version", provenance.heft_version);
  archive("libtorch_version", provenance.libtorch_version);
  archive("device", provenance.device);
  archive("machine", provenance.machine);
  archive("threads", provenance.threads, Whole{0, std::numeric_limits<int>::max()});
  archive("started", provenance.started);
}

/// Roles by name, "-" for none; the places of samples, steps and classes as numbers too, null where there are none.
template <class Archive>
void fields(Archive& archive, Stored<Archive, OutputTensor>& tensor) {
  const auto place = [&](DimRole role) {
    const std::int64_t found = placeOf(tensor.roles, role);
    return found < 0 ? std::nullopt : std::optional(found);
  };
  archive("name", tensor.name);
  archive("shape", tensor.shape, Whole{0});
  archive("roles", tensor.roles);
  archive.derived("samples", place(DimRole::samples));
  archive.derived("steps", place(DimRole::steps));
  archive.derived("classes", place(DimRole::classes));
  archive("scored", tensor.scored, Whole{0});
}

template <class Archive>
void fields(Archive& archive, Stored<Archive, OutputFacts>& output) {
  archive("shape", output.shape);
  archive("samples", output.samples, Whole{1});
  archive("elements", output.elements, Whole{0});
  archive("rms", output.rms);
  archive("noise", output.noise);
  archive("samples_interact", output.samples_interact);
  archive.optional("tensors", output.tensors);
}

template <class Archive>
void fields(Archive& archive, Stored<Archive, CalibrationFacts>& facts) {
  archive("parameter", facts.parameter);
  archive("draws", facts.draws, Whole{0});
  archive("ratio_low", facts.ratio_low);
  archive("ratio_median", facts.ratio_median);
  archive("ratio_high", facts.ratio_high);
}

template <class Archive>
void fields(Archive& archive, Stored<Archive, SettledFacts>& settled) {
  archive("k", settled.k, Whole{0});
  archive("settled", settled.settled);
  archive("missing", settled.missing);
  archive("confidence", settled.confidence);
  archive("threshold", settled.threshold);
  archive("executed", settled.executed, Whole{0});
  archive("audited", settled.audited, Whole{0});
  archive("why", settled.why);
}

template <class Archive>
void fields(Archive& archive, Stored<Archive, Cost>& cost) {
  archive("seconds", cost.seconds);
  archive("response_seconds", cost.response_seconds);
  archive("execute_seconds", cost.execute_seconds);
  archive("variants", cost.variants, Whole{0});
  archive("adjoints", cost.adjoints, Whole{0});
  archive("probes", cost.probes, Whole{0});
  archive("probe_error", cost.probe_error);
}

template <class Archive>
void fields(Archive& archive, Stored<Archive, Run>& run) {
  archive.constant("format", runFormat);
  archive.version("format_version", runFormatVersion, [](const JsonReader& place, std::int64_t found) {
    throw Error(Fault::output, place.file() + ": is of format version " + std::to_string(found) +
                                   ", but this Heft reads " + std::to_string(runFormatVersion) +
                                   "; use the Heft that wrote it, or rank again");
  });
  archive("complete", run.complete);
  archive("settings", run.settings);
  archive("provenance", run.provenance);
  archive("output", run.output);
  archive("cost", run.cost);
  archive("settled", run.settled);
  archive("notes", run.notes);
  archive.optional("feature_names", run.feature_names);
  archive("calibration", run.calibration);
  fields(archive, run.structure);
  archive("components", run.components);
  archive.optional("groups", run.groups);
}

}  // namespace heft
