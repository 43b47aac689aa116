#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/estimate/recorder.hpp"
#include "engine/estimate/units/unit_plan.hpp"
#include "engine/forward/runner.hpp"
#include "engine/outputs/batch.hpp"
#include "engine/outputs/layout.hpp"
#include "measure/metrics/targets.hpp"
#include "model/model.hpp"
#include "model/site_facts.hpp"
#include "model/structure.hpp"

namespace heft {

struct SessionOptions {
  std::filesystem::path model;
  std::vector<std::filesystem::path> inputs;
  std::filesystem::path targets;   ///< empty: none
  std::string output_target;       ///< empty: every floating output
  std::vector<std::string> dims;   ///< NAME=ROLE,ROLE,…: see GivenDims; empty: found out
  bool stream = false;             ///< the first input is [steps, ...]; forward is called once a step
  std::vector<std::string> carry;  ///< OUTPUT=ARGUMENT, of streamed calls; "none": nothing is, although it might
  int64_t draws = 1;               ///< of the random numbers that forward asks for
  uint64_t seed = 0;               ///< of the first draw
  bool as_model = false;           ///< in the model's own types, autocast included
  /// The first one's the session; others, of its kind, execute variants too.
  std::vector<c10::Device> devices = {c10::kCPU};

  [[nodiscard]] c10::Device device() const { return devices.front(); }
};

/// A model that has run on its inputs: the baseline that every variant is compared with, and what was found out on the way.
class Session {
 public:
  /// Loads, runs and checks. Throws Error: Fault::model, input, usage, or unsupported (random operators, no weights,
  /// outputs whose shape depends on the data).
  explicit Session(const SessionOptions& options);

  [[nodiscard]] Model& model() { return model_; }
  [[nodiscard]] Runner& runner() { return *runner_; }
  [[nodiscard]] const OutputLayout& layout() const { return *layout_; }
  [[nodiscard]] const Batch& batch() const { return batch_; }
  /// float64 [samples, elements]; with several draws of random numbers, a row for each of a sample's. Infinities as
  /// OutputLayout::holdInfinities() has them.
  [[nodiscard]] const at::Tensor& baseline() const { return baseline_; }
  /// Rows of the baseline that are draws of one sample, for standard errors over samples; 1 where there is one sample, whose draws
  /// stand for samples.
  [[nodiscard]] int64_t together() const { return batch_.samples > 1 ? layout_->draws() : 1; }
  [[nodiscard]] const std::optional<Targets>& targets() const { return targets_; }
  [[nodiscard]] const Structure& structure() const { return structure_; }
  /// Root mean square of the outputs' elements that are finite.
  [[nodiscard]] double outputRms() const;
  /// The baseline with 0 for infinities.
  [[nodiscard]] at::Tensor finiteBaseline() const;
  /// Where forward read parameters, in order.
  [[nodiscard]] const std::vector<SiteFacts>& sites() const { return sites_; }
  /// Impacts (rms) below this are float noise of the runs that measured them.
  [[nodiscard]] double noise() const;
  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }
  [[nodiscard]] const SessionOptions& options() const { return options_; }
  [[nodiscard]] const std::string& modelHash() const { return model_.sha256; }
  [[nodiscard]] const std::string& inputsHash() const { return runner_->inputs().sha256; }
  /// Seconds that one run of the unchanged model took.
  [[nodiscard]] double runSeconds() const { return run_seconds_; }

  /// A recorded baseline run: sites with leaves in one autograd graph, and the outputs [samples, elements] that end it.
  struct Recording {
    Recording(std::unique_ptr<RecordHandler> of, at::Tensor values)
        : handler(std::move(of)), outputs(std::move(values)) {}
    Recording(Recording&&) = default;
    Recording& operator=(Recording&&) = delete;
    ~Recording() { releaseOutputs(); }
    /// Gives up the graph behind the outputs.
    void releaseOutputs();

    std::unique_ptr<RecordHandler> handler;
    at::Tensor outputs;
  };
  /// `keep_arguments` and `plan` as RecordHandler's.
  [[nodiscard]] Recording record(bool keep_arguments = false, const UnitPlan* plan = nullptr, SiteOptions options = {});
  /// Parameters outside recurrent operators whose weights act inside units that pointwise operators make.
  [[nodiscard]] const UnitPlan& units() const { return units_; }

 private:
  void load(bool native);
  std::vector<NamedOutput> runBaseline();
  void findOutputs(const std::vector<NamedOutput>& outputs);
  void takeDraws(int64_t draws);

  SessionOptions options_;
  Model model_;
  std::unique_ptr<Runner> runner_;
  Batch batch_;
  std::unique_ptr<OutputLayout> layout_;
  at::Tensor baseline_;
  std::optional<Targets> targets_;
  Structure structure_;
  std::vector<SiteFacts> sites_;
  UnitPlan units_;
  std::vector<std::string> notes_;
  double run_seconds_ = 0;
};

}  // namespace heft
