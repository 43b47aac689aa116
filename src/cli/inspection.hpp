#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "model/site_facts.hpp"
#include "model/structure.hpp"

namespace heft::cli {

/// All that `heft inspect` found out: plain values.
struct Inspection {
  struct Argument {
    std::string name, type;
    std::optional<std::string> otherwise;  ///< its default
    std::string given;                     ///< "float32 [64, 28, 28]"; "" where nothing was
  };
  struct Tensor {
    std::string name;
    std::vector<std::int64_t> shape;
    std::string dtype;
    std::string why_not;  ///< why a parameter is not ranked
  };
  struct Output {
    std::string path;  ///< "" where the output is one tensor
    std::vector<std::int64_t> shape;
    bool scored = true;
    std::optional<std::int64_t> batch_dim, steps_dim, classes_dim;  ///< nothing: none, or not known which
    std::vector<std::int64_t> scored_shape;                         ///< what is scored of it
    double rms = 0;
  };

  std::string model, sha256, device;
  bool ran = false;  ///< sites and methods are those of a run; else of the graph
  Structure structure;
  std::vector<SiteFacts> sites;
  std::vector<Argument> arguments;
  std::vector<Tensor> buffers;
  std::vector<Tensor> others;  ///< parameters that are no weights
  std::vector<Output> outputs;
  std::optional<std::int64_t> samples;
  std::string samples_note;
  std::vector<std::string> carries;  ///< outputs that fit arguments, as --carry takes them
  std::string targets;               ///< what they are; "" without
  std::vector<std::string> notes;
  std::string refusal;  ///< why the model can't be ranked; "" where it can

  [[nodiscard]] std::int64_t weights() const;
};

/// For the terminal.
std::string inspectionText(const Inspection& inspection);
nlohmann::ordered_json inspectionJson(const Inspection& inspection);

/// Why a parameter can't be ranked; "" where it can, or where only a run would tell.
std::string whyNot(const Inspection& inspection, const ParameterInfo& parameter);

}  // namespace heft::cli
