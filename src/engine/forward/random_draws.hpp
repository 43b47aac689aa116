#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>
#include <c10/core/Device.h>

#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace heft {

/// True when the operator, its arguments on top of `stack`, draws random numbers: a dropout that is off draws none.
bool drawsNumbers(const c10::OperatorHandle& op, const torch::jit::Stack& stack);

/// Makes the operators of forward that draw random numbers draw the same ones in every run, so that a changed weight is the
/// only difference between two runs (common random numbers).
///
/// The first run of draw d begins where torch.manual_seed(seed + d) would, so that PyTorch gives the same outputs, and the
/// state of the generators in front of each operator is kept. Later runs take it up there, one operator at a time: what a
/// changed weight makes one operator use up (rejection sampling) moves no other.
class RandomDraws {
 public:
  RandomDraws(c10::Device device, uint64_t seed);

  /// A run of draw `draw` begins.
  void begin(int64_t draw);
  /// It came to its end, so what its first run left counts.
  void end();

  /// While it lives, the generators are this thread's, and stand where the next operator of the run draws from. Tensors whose
  /// strides are not the first run's are copied to those: numbers are drawn in the order of memory.
  class Turn {
   public:
    Turn(RandomDraws& draws, const c10::OperatorHandle& op, torch::jit::Stack& stack);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    /// Calls the operator on other arguments, from the same numbers: results take their place on the stack.
    void call(const c10::OperatorHandle& op, torch::jit::Stack& stack) const;
    /// A copy of what the operator's argument `argument` is given, laid out as in the first run.
    [[nodiscard]] at::Tensor copyOf(const at::Tensor& tensor, size_t argument) const;

   private:
    RandomDraws& draws_;
    std::lock_guard<std::mutex> lock_;
    bool recording_;
    size_t index_;
  };

  /// Operators that drew numbers in first runs: "aten::randn, aten::dropout"; empty where none did.
  [[nodiscard]] std::string names() const;

 private:
  using State = std::vector<at::Tensor>;  ///< a tensor a generator
  struct Place {
    State state;
    std::vector<std::optional<std::vector<int64_t>>> strides;  ///< by argument, of tensors
  };

  [[nodiscard]] State state() const;
  void bring(const State& state) const;
  void bringTo(size_t index);
  void seedAll(uint64_t seed) const;
  [[nodiscard]] bool hasRoom() const;
  [[nodiscard]] const Place* placeAt(size_t index) const;
  /// The strides that an argument had in the first run, where a copy of `tensor` can have them.
  [[nodiscard]] const std::vector<int64_t>* stridesFor(const at::Tensor& tensor, size_t index, size_t argument) const;
  void arrange(const c10::OperatorHandle& op, torch::jit::Stack& stack, size_t index) const;

  std::vector<at::Generator> generators_;
  uint64_t seed_;
  std::vector<std::vector<Place>> places_;  ///< by draw, in front of each operator
  std::vector<bool> known_;                 ///< by draw: its first run is over
  std::set<std::string> names_;
  size_t draw_ = 0;
  size_t next_ = 0;  ///< operator of the run
  State cursor_;     ///< where the last operator of a first run left the generators
};

}  // namespace heft
