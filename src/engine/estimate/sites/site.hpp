#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace heft {

/// Changes of the scored outputs that changing single weights causes: `data` is [samples, seeds, columns], one entry a
/// weight of one row of a parameter; contributions of several uses of the weight add up in it.
struct ResponseBlock {
  int64_t samples = 0;
  int64_t seeds = 0;
  int64_t columns = 0;
  float* data = nullptr;

  [[nodiscard]] float* at(int64_t sample, int64_t seed) const { return data + (sample * seeds + seed) * columns; }
};

/// One row of a parameter, seen as a matrix [rows, columns] (a vector is [rows, 1]), and the change of its weights.
struct RowChange {
  int64_t row = 0;
  std::span<const float> change;  ///< [columns], variant minus baseline
};

/// Several rows of a parameter at once.
struct RowsChange {
  at::Tensor row;     ///< int64 [rows]
  at::Tensor change;  ///< float32 [rows, columns], contiguous: variant minus baseline
};

/// How recorded sites work.
struct SiteOptions {
  /// A recurrent unit's own weights run inside it; false: the adjoints carry what goes through them, linearly, and the inside takes
  /// less than half the time.
  bool own = true;
  /// What is written for CUDA devices runs on the host too, so that tests can compare it with the host's own way.
  bool device_code = false;
};

/// A parameter or derived weight (Model::weights) that a site reads, and in which role (weight_ih, bias, … as the site numbers them).
struct SiteUse {
  int64_t parameter = 0;
  int role = 0;
};

/// One matrix of weights and what its columns read in the recorded run.
struct SiteRead {
  int64_t parameter = 0;
  int64_t first_column = 0;  ///< of the parameter, read by column 0 of `values`
  bool by_row = false;       ///< the values are multiplied by the parameter's rows instead
  at::Tensor values;         ///< float64 [readings, columns]
};

/// How large the values were that a parameter was multiplied by, one number a column (or a row).
struct ReadSquares {
  int64_t parameter = 0;
  int64_t first = 0;    ///< column or row of the parameter that entry 0 is about
  bool by_row = false;  ///< entries are rows
  at::Tensor sums;      ///< float64 [entries]: squares, summed over readings
};

/// How far a site is from the float64 truth, at best.
enum class SiteKind { unit_response, linear, gradient };

/// One place of the model that reads parameters, recorded in a baseline run whose autograd graph is kept.
///
/// A site holds leaves: zero tensors added where its units emit. Their gradients, one set a seed (a vector over the
/// scored outputs), are the total derivatives from there to the outputs; with them, the site turns a change of a weight
/// into a change of the outputs.
class Site {
 public:
  virtual ~Site() = default;

  [[nodiscard]] virtual std::string name() const = 0;
  [[nodiscard]] virtual SiteKind kind() const = 0;
  [[nodiscard]] virtual std::vector<SiteUse> uses() const = 0;
  [[nodiscard]] virtual std::vector<at::Tensor> leaves() const = 0;

  /// The parts of this site that read a matrix of weights, each with the values that its columns were multiplied by.
  [[nodiscard]] virtual std::vector<SiteRead> reads() const { return {}; }

  /// What each parameter that the site multiplies by something was multiplied by; a bias by ones. Before the first seed.
  [[nodiscard]] virtual std::vector<ReadSquares> readSquares() const { return {}; }

  /// Tells from the gradients of two seeds, the second being the first times (sample + 1), which sample each row of the
  /// site belongs to. False when a row moves the outputs of several samples.
  virtual bool assignSamples(std::span<const at::Tensor> once, std::span<const at::Tensor> weighted,
                             int64_t samples) = 0;
  /// All rows belong to sample 0.
  virtual void assignOneSample() = 0;

  /// Only the sum of squares over seeds will count, of what this site alone changes: it may keep fewer than it takes.
  /// To be said before the first seed.
  virtual void keepSquares() {}
  virtual void beginSeeds(int64_t seeds) = 0;
  /// Gradients of all leaves for one seed; undefined where the outputs don't depend on a leaf.
  virtual void takeSeed(int64_t seed, std::span<const at::Tensor> gradients) = 0;
  /// All seeds of this site are taken.
  virtual void endSeeds() {}
  /// Seeds that addResponse's blocks have, where `taken` were taken, or will be.
  [[nodiscard]] virtual int64_t keptSeeds(int64_t taken) const { return taken; }
  /// Bytes that the adjoints of `seeds` seeds and `samples` samples take.
  [[nodiscard]] virtual double adjointBytes(int64_t seeds, int64_t samples) const;

  /// Adds the change of the outputs for each weight of one row, each changed alone. Thread-safe.
  virtual void addResponse(int role, const RowChange& row, const ResponseBlock& block) const = 0;

  /// Adds the changes of the outputs for several changes of one row, each of the whole row and made alone: `changes` is float32
  /// [block.columns, the row's columns], contiguous. What is nonlinear inside the site follows the whole change. Thread-safe.
  virtual void addCombined(int role, int64_t row, const at::Tensor& changes, const ResponseBlock& block) const;

  /// Where addRows() does the same for many rows at once, in a role; nothing: it doesn't. After endSeeds().
  [[nodiscard]] virtual std::optional<at::Device> rowsDevice(int /*role*/) const { return std::nullopt; }
  /// Adds the responses of several rows to `block`, float32 [rows, samples, seeds, columns], contiguous, on rowsDevice() as the
  /// change is. Not thread-safe.
  virtual void addRows(int /*role*/, const RowsChange& /*rows*/, const at::Tensor& /*block*/) const {}

  /// True when units that read this site's output are known, so that addBend() has something to add.
  [[nodiscard]] virtual bool bends() const { return false; }
  /// How many of the first seeds addBend() can serve; 0 where nothing bends or it would take too long. After endSeeds().
  [[nodiscard]] virtual int64_t bendSeeds() const { return 0; }
  /// Adds, for the first block.seeds seeds, what the units that read this site's output do beyond their slope: addResponse()
  /// takes them as linear. Thread-safe.
  virtual void addBend(int /*role*/, const RowChange& /*row*/, const ResponseBlock& /*block*/) const {}
};

/// Which sample each row belongs to; -1 for rows that move nothing. `once` and `weighted` are [rows, ...].
/// Returns nothing when a row belongs to several samples.
bool sampleOfRows(const at::Tensor& once, const at::Tensor& weighted, int64_t samples, std::vector<int64_t>& assigned);

/// A leaf's gradient as [rows, features]; zeros where there is none.
at::Tensor rowsOf(const at::Tensor& gradient, const at::Tensor& leaf);

/// Rows of a site that has no time of its own, sorted by sample and padded so that each sample has as many.
struct SampleRows {
  int64_t samples = 0;
  int64_t points = 0;  ///< most rows that a sample has
  at::Tensor row;      ///< int64 [samples x points]: the row; 0 where padded
  at::Tensor present;  ///< float64 [samples x points, 1]: 0 where padded
};
SampleRows sortBySample(const std::vector<int64_t>& assigned, int64_t samples);

/// block[sample of row] += lambda[row] x emission[row] for each row: [seeds, points] x [points, columns].
void contract(const float* lambda, const float* emission, const std::vector<int64_t>& samples, int64_t points,
              const ResponseBlock& block);

/// What a thread keeps memory for. One function at a time holds a slot, also where functions call each other.
enum class ScratchSlot : uint8_t {
  emission,  ///< what units emit, or emit beyond their slope
  kernel,    ///< unitResponse()'s own
  reading,   ///< what corners read, and what units emit by their slope
  change,    ///< what the changed weights move
};
constexpr size_t kScratchSlots = 4;

/// Memory of at least `count` floats that this thread keeps from call to call.
float* threadScratch(ScratchSlot slot, int64_t count);

}  // namespace heft
