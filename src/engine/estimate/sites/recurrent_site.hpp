#pragma once

#include <array>
#include <mutex>

#include "engine/cells/recurrent_layer.hpp"
#include "engine/estimate/sites/lambda_table.hpp"
#include "engine/estimate/sites/relu_reach.hpp"
#include "engine/estimate/sites/site.hpp"

namespace heft {

/// A change of what a recurrent layer reads, a column a change, each alone: column j moves input `feature` (+ j where
/// `each`) by change[j] x read[step, j] at the steps of one row that are present.
struct InputChange {
  int64_t row = 0;
  int64_t feature = 0;
  bool each = false;
  const float* read = nullptr;            ///< [steps, columns]; null: ones
  const std::uint8_t* present = nullptr;  ///< [steps]
  std::span<const float> change;          ///< [columns]
};

/// One layer in one direction, over all the steps that follow one another: a whole sequence, or the calls of a cell or
/// of a streamed model whose states are handed from one call to the next.
///
/// Unit response (docs/method.md): inside the changed unit its own recurrence runs exactly, its own recurrent
/// weights included; beyond it the total derivative lambda of the outputs with respect to its emission is used.
class RecurrentSite : public Site {
 public:
  /// How forward calls the operator.
  struct CallForm {
    bool cell = false;    ///< one step a call
    bool packed = false;  ///< sequences of different lengths
    bool batch_first = false;
  };

  enum Role { weight_ih, weight_hh, bias_ih, bias_hh, weight_hr };

  /// `parameters` are indices by role, -1 where the role is a constant or absent.
  RecurrentSite(std::string name, CellKind kind, CellWeights weights, std::array<int64_t, 5> parameters, CallForm form,
                SiteOptions options = {});
  ~RecurrentSite() override;

  /// True when a run that starts from these states goes on where this one stopped.
  [[nodiscard]] bool continuesWith(const LayerInput& input) const;

  /// The hook that records one more call.
  std::unique_ptr<LayerHook> record(bool linked);

  /// `next` reads what this one emits, from column `column` of its input weights on; `turned` in the other direction.
  void addReader(const RecurrentSite& next, int64_t column, bool turned);

  /// An operator gives what the layer reads, and will ask for addBend(). Before the first seed.
  void keepForBends() { lambda_.keepSome(); }
  /// Seeds that addInputBend() can serve.
  [[nodiscard]] int64_t someSeeds() const { return lambda_.some().size(2); }
  /// Adds to the first block.seeds seeds what the layer's units do beyond their slope, each with its own recurrence, when what
  /// they read changes. Thread-safe.
  void addInputBend(const InputChange& input, const ResponseBlock& block) const;
  /// Unit evaluations of one step of one row for one changed column.
  [[nodiscard]] double bendWork() const { return 2.0 * static_cast<double>(hidden_); }
  /// Unit evaluations that the layer's own weights take.
  [[nodiscard]] double ownWork() const;

  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] SiteKind kind() const override { return SiteKind::unit_response; }
  [[nodiscard]] std::vector<SiteUse> uses() const override;
  [[nodiscard]] std::vector<at::Tensor> leaves() const override;
  /// Before the first seed only: the tables it is taken from are given up then.
  [[nodiscard]] std::vector<SiteRead> reads() const override;

  [[nodiscard]] std::vector<ReadSquares> readSquares() const override;

  [[nodiscard]] CellKind cell() const { return kind_; }
  [[nodiscard]] const CallForm& form() const { return form_; }
  [[nodiscard]] int64_t calls() const { return static_cast<int64_t>(records_.size()); }
  /// Of all calls together.
  [[nodiscard]] int64_t steps() const;
  [[nodiscard]] bool hasProjection() const { return weights_.projection.defined(); }
  /// Which sample each row belongs to, once assigned; -1 where it moves nothing.
  [[nodiscard]] const std::vector<int64_t>& samples() const { return samples_; }
  /// Where a change moves the outputs from: the steps, and the carries that are read otherwise than by the next call.
  [[nodiscard]] int64_t points() const;
  /// Indices of parameters by role, -1 where the role is a constant or absent.
  [[nodiscard]] const std::array<int64_t, 5>& parameters() const { return parameters_; }
  /// What the units emitted (before any projection), float64 [readings, hidden]; before the first seed only.
  [[nodiscard]] at::Tensor emissions() const;
  bool assignSamples(std::span<const at::Tensor> once, std::span<const at::Tensor> weighted, int64_t samples) override;
  void assignOneSample() override;
  void keepSquares() override;
  void beginSeeds(int64_t seeds) override;
  void takeSeed(int64_t seed, std::span<const at::Tensor> gradients) override;
  void endSeeds() override;
  [[nodiscard]] int64_t keptSeeds(int64_t taken) const override;
  [[nodiscard]] double adjointBytes(int64_t seeds, int64_t samples) const override;
  void addResponse(int role, const RowChange& row, const ResponseBlock& block) const override;
  void addCombined(int role, int64_t row, const at::Tensor& changes, const ResponseBlock& block) const override;
  [[nodiscard]] std::optional<at::Device> rowsDevice(int role) const override;
  void addRows(int role, const RowsChange& rows, const at::Tensor& block) const override;

 private:
  class Recorder;
  /// What one call left, all [time, rows, ...], float64, detached but for the leaves.
  struct Record {
    at::Tensor emission_leaf;    ///< [time, rows, hidden]
    at::Tensor projection_leaf;  ///< [time, rows, emitted], with a projection
    at::Tensor carry_leaf;       ///< [rows, hidden], LSTM
    std::vector<at::Tensor> read, emitted_before, from_input, from_hidden, carry_before, hidden, active;
  };

  /// float32, contiguous.
  struct Tables {
    at::Tensor points;         ///< [hidden, rows, steps, pointSize]
    at::Tensor active;         ///< uint8 [rows, steps], of packed sequences
    at::Tensor read_input;     ///< [rows, steps, inputs]
    at::Tensor read_hidden;    ///< [rows, steps, emitted]
    at::Tensor input_weights;  ///< [gates, hidden, inputs]
    at::Tensor own;            ///< [hidden, gates]
    at::Tensor feedback;       ///< [hidden, emitted]: how the emitted values follow a unit's emission
    at::Tensor lambda;         ///< [hidden, rows, seeds, points], once adjoints are taken: of hidden units
    at::Tensor some;           ///< the same of the first seeds
  };

  /// What changes of one row add to its gate, a column a change: change[j] x read[row, step, j].
  struct UnitInput {
    int64_t columns = 0;
    const float* change = nullptr;  ///< [columns]
    const float* read = nullptr;    ///< [rows, steps, width]; null: ones
    int64_t width = 0;
    const float* feedback = nullptr;  ///< [columns]: how what is read follows the unit's own emission; null: not at all
  };
  const float* emissionOf(int role, int64_t row, const UnitInput& input) const;
  void finish();
  /// The tables on the CPU, made when first asked for. Thread-safe, once adjoints are taken.
  [[nodiscard]] const Tables& host() const;
  /// What corners add to the response of one row: `emission` [rows, steps, columns] is what its unit emits.
  void addCornerResponse(int role, const RowChange& row, const float* emission, const ResponseBlock& block) const;
  void addProjectionResponse(const RowChange& row, const ResponseBlock& block) const;

  std::string name_;
  CellKind kind_;
  CellWeights weights_;
  std::array<int64_t, 5> parameters_;
  CallForm form_;
  at::Tensor own_weights_;  ///< [gates x hidden]: from a unit's emission to its own gates, as far as these run inside
  std::vector<Record> records_;
  bool packed_ = false;  ///< some sequence is shorter than another

  // Where the last call stopped, with its graph.
  at::Tensor last_emitted_, last_carry_, last_leaf_;

  // After finish().
  int64_t rows_ = 0, steps_ = 0, hidden_ = 0, emitted_ = 0, inputs_ = 0;
  bool squares_ = false;
  SiteOptions options_;
  bool by_rows_ = false;          ///< addRows() serves, and the tables lie where the model does; else on the CPU
  std::vector<bool> carry_used_;  ///< by call: its final carry moves the outputs other than through the next call
  std::vector<int64_t> carry_steps_;
  std::vector<int64_t> samples_;  ///< [rows]
  Tables tables_;                 ///< all but the adjoints, which are lambda_
  at::Tensor hidden_values_;      ///< float32 [rows, steps, hidden], with a projection; on the CPU
  LambdaTable lambda_;            ///< of hidden units, by row; points are steps and carry steps
  struct OnHost {
    std::once_flag made;
    Tables tables;
  };
  mutable std::unique_ptr<OnHost> host_;
  ReluLayer relu_;  ///< of relu units, once adjoints are taken
  ReluReaches reaches_{relu_};
  at::Tensor lambda_projection_;  ///< [emitted, rows, seeds, steps], on the CPU
};

}  // namespace heft
