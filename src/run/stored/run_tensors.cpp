#include "run/stored/run_tensors.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <span>

#include "data/printable.hpp"
#include "data/safetensors.hpp"
#include "heft/error.hpp"
#include "run/stored/tensor_digest.hpp"

namespace heft {
namespace {

using Floats = std::vector<float> ParameterImpacts::*;

struct FloatFile {
  const char* name;
  Floats values;
};

constexpr FloatFile floatFiles[] = {{"impact", &ParameterImpacts::impact},
                                    {"standard_error", &ParameterImpacts::standard_error},
                                    {"lower", &ParameterImpacts::lower},
                                    {"upper", &ParameterImpacts::upper},
                                    {"weight", &ParameterImpacts::weight}};

constexpr const char* sealKey = "sha256";
constexpr const char* sealed = "heft run 1";

std::filesystem::path fileOf(const std::filesystem::path& folder, const std::string& name) {
  return folder / (name + ".safetensors");
}

std::string metricFile(Metric metric) { return "impact_" + std::string(name(metric)); }

TensorView viewAs(const ParameterInfo& info, Scalar scalar, std::span<const std::byte> bytes) {
  return {info.name, scalar, info.shape, bytes};
}

/// Writes what `valuesOf` gives for each parameter's place, straight from where it lies.
template <typename ValuesOf>
void write(const Run& run, const std::filesystem::path& path, Scalar scalar, ValuesOf valuesOf) {
  std::vector<TensorView> views;
  for (std::size_t p = 0; p < run.impacts.size(); ++p)
    views.push_back(viewAs(run.structure.parameters[p], scalar, std::as_bytes(std::span(valuesOf(p)))));
  writeSafetensors(path, views, {{"format", "heft"}, {sealKey, tensorDigest(sealed, views)}});
}

void writeMetric(const Run& run, const std::filesystem::path& folder, Metric metric) {
  const std::string key(name(metric));
  std::vector<std::vector<float>> absent(run.impacts.size());
  for (std::size_t p = 0; p < run.impacts.size(); ++p) {
    if (!run.impacts[p].other.contains(key))
      absent[p].assign(run.impacts[p].impact.size(), std::numeric_limits<float>::quiet_NaN());
  }
  write(run, fileOf(folder, metricFile(metric)), Scalar::f32, [&](std::size_t p) -> const std::vector<float>& {
    const auto found = run.impacts[p].other.find(key);
    return found == run.impacts[p].other.end() ? absent[p] : found->second;
  });
}

/// One file's tensors by name, each handed out as the values of one parameter.
class TensorsOf {
 public:
  TensorsOf(const std::filesystem::path& folder, const std::string& name)
      : input_(InputFile::open(existing(folder, name), Fault::output)), file_(readSafetensors(input_)) {
    // Files of earlier versions, and those that others made, have none.
    const auto seal = file_.metadata.find(sealKey);
    if (seal != file_.metadata.end() && seal->second != tensorDigest(sealed, viewsOf(file_.tensors)))
      input_.fail("does not match its SHA-256; it is damaged, copy it again from where it was made");
    for (const StoredTensor& tensor : file_.tensors) by_name_[tensor.name] = &tensor;
  }

  template <typename Value>
  std::vector<Value> values(const ParameterInfo& info, Scalar scalar) const {
    const auto found = by_name_.find(info.name);
    if (found == by_name_.end()) input_.fail("has no tensor '" + printable(info.name) + "', which run.json lists");
    const StoredTensor& tensor = *found->second;
    if (tensor.scalar != scalar || tensor.shape != info.shape) {
      input_.fail("tensor '" + printable(info.name) + "' is " + std::string(scalarName(tensor.scalar)) + " " +
                  shapeText(tensor.shape) + ", but run.json lists " + std::string(scalarName(scalar)) + " " +
                  shapeText(info.shape));
    }
    std::vector<Value> values(tensor.bytes.size() / sizeof(Value));
    if (!values.empty()) std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
    return values;
  }

 private:
  static std::filesystem::path existing(const std::filesystem::path& folder, const std::string& name) {
    const std::filesystem::path path = fileOf(folder, name);
    std::error_code ignored;
    if (std::filesystem::exists(path, ignored)) return path;
    throw Error(Fault::output, printablePath(folder) + ": " + name +
                                   ".safetensors is missing from this run; copy it again from where it was made");
  }

  InputFile input_;
  SafetensorsFile file_;
  std::map<std::string, const StoredTensor*> by_name_;
};

}  // namespace

void writeRunTensors(const Run& run, const std::filesystem::path& folder) {
  for (const FloatFile& file : floatFiles) {
    write(run, fileOf(folder, file.name), Scalar::f32,
          [&](std::size_t p) -> const std::vector<float>& { return run.impacts[p].*file.values; });
  }
  write(run, fileOf(folder, "measured"), Scalar::u8,
        [&](std::size_t p) -> const std::vector<std::uint8_t>& { return run.impacts[p].measured; });
  for (std::size_t m = 1; m < run.settings.metrics.size(); ++m) writeMetric(run, folder, run.settings.metrics[m]);
}

void readRunTensors(Run& run, const std::filesystem::path& folder) {
  const std::vector<ParameterInfo>& parameters = run.structure.parameters;
  run.impacts.assign(parameters.size(), {});
  for (const FloatFile& file : floatFiles) {
    const TensorsOf tensors(folder, file.name);
    for (std::size_t p = 0; p < parameters.size(); ++p)
      run.impacts[p].*file.values = tensors.values<float>(parameters[p], Scalar::f32);
  }
  const TensorsOf measured(folder, "measured");
  for (std::size_t p = 0; p < parameters.size(); ++p)
    run.impacts[p].measured = measured.values<std::uint8_t>(parameters[p], Scalar::u8);
  for (std::size_t m = 1; m < run.settings.metrics.size(); ++m) {
    const TensorsOf tensors(folder, metricFile(run.settings.metrics[m]));
    for (std::size_t p = 0; p < parameters.size(); ++p)
      run.impacts[p].other[std::string(name(run.settings.metrics[m]))] =
          tensors.values<float>(parameters[p], Scalar::f32);
  }
}

}  // namespace heft
