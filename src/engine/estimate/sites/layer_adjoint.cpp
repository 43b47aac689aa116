#include "engine/estimate/sites/layer_adjoint.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "data/stop.hpp"
#include "engine/kernels/cpu/adjoint_step.hpp"
#include "engine/kernels/products/small_products.hpp"

namespace heft {
namespace {

/// The planes of kernels::adjointPlanes from a step's terms.
std::vector<at::Tensor> planesOf(CellKind kind, const at::Tensor& input, const at::Tensor& recurrent,
                                 const at::Tensor& carry) {
  switch (kind) {
    case CellKind::lstm: {
      const auto a = (input + recurrent).chunk(4, -1);
      const auto i = a[0].sigmoid(), f = a[1].sigmoid(), g = a[2].tanh(), o = a[3].sigmoid();
      const auto t = (f * carry + i * g).tanh();
      return {o * (1 - t * t), g * i * (1 - i), carry * f * (1 - f), i * (1 - g * g), t * o * (1 - o), f};
    }
    case CellKind::gru: {
      const auto x = input.chunk(3, -1), h = recurrent.chunk(3, -1);
      const auto r = (x[0] + h[0]).sigmoid(), z = (x[1] + h[1]).sigmoid(), n = (x[2] + r * h[2]).tanh();
      return {z * (1 - z) * (carry - n), (1 - z) * (1 - n * n), h[2] * r * (1 - r), r, z};
    }
    case CellKind::rnn_tanh: {
      const auto n = (input + recurrent).tanh();
      return {1 - n * n};
    }
    case CellKind::rnn_relu:
      return {(input + recurrent).gt(0).to(input.scalar_type())};
  }
  return {};
}

/// Adjoints of pre-activations by kernels::adjointColumns, and of the carry before the step.
std::vector<at::Tensor> gatesOf(CellKind kind, const at::Tensor& planes, const at::Tensor& emitted, at::Tensor& carry) {
  const auto p = planes.unbind(1);  // [rows, hidden] each
  if (kind == CellKind::lstm) {
    const auto c = carry + emitted * p[0];
    carry = c * p[5];
    return {c * p[1], c * p[2], c * p[3], emitted * p[4]};
  }
  if (kind == CellKind::gru) {
    const auto next = carry + emitted;
    carry = next * p[4];
    const auto fresh = next * p[1];
    return {fresh * p[2], next * p[0], fresh * p[3], fresh};
  }
  return {emitted * p[0]};
}

/// Memory of values whose last dimension is dense.
template <class Value>
struct Strided {
  const Value* data = nullptr;
  int64_t seed = 0, step = 0, row = 0;

  [[nodiscard]] const Value* at(int64_t s, int64_t t, int64_t r) const { return data + s * seed + t * step + r * row; }
};

/// Adjoints that come in, whatever their type and order in memory.
class Incoming {
 public:
  /// `values` is [seeds, time, rows, width], [seeds, rows, width], or undefined.
  explicit Incoming(const at::Tensor& values) {
    if (!values.defined()) return;
    const bool known = values.scalar_type() == at::kDouble || values.scalar_type() == at::kFloat;
    kept_ = known ? values : values.to(at::kFloat);
    width_ = kept_.size(-1);
    if (kept_.stride(-1) != 1 && width_ > 1) kept_ = kept_.contiguous();
    const bool steps = kept_.dim() == 4;
    const auto stridesOf = [&](auto& to, const auto* data) {
      to = {data, kept_.stride(0), steps ? kept_.stride(1) : 0, kept_.stride(steps ? 2 : 1)};
    };
    if (kept_.scalar_type() == at::kDouble)
      stridesOf(wide_, kept_.const_data_ptr<double>());
    else
      stridesOf(narrow_, kept_.const_data_ptr<float>());
  }

  /// Adds the values of one row to `to`.
  void add(int64_t seed, int64_t step, int64_t row, float* to) const {
    if (wide_.data != nullptr) {
      const auto* from = wide_.at(seed, step, row);
      for (int64_t i = 0; i < width_; ++i) to[i] += static_cast<float>(from[i]);
    } else if (narrow_.data != nullptr) {
      const auto* from = narrow_.at(seed, step, row);
      for (int64_t i = 0; i < width_; ++i) to[i] += from[i];
    }
  }

 private:
  at::Tensor kept_;
  int64_t width_ = 0;
  Strided<double> wide_;
  Strided<float> narrow_;
};

/// What quickly() reads and writes, the same for all blocks of seeds.
struct QuickRun {
  CellKind kind;
  int64_t steps, rows, hidden, inputs;
  const float* planes;    ///< [time, rows, planes, hidden]
  const float* own;       ///< [columns, hidden]
  const uint8_t* active;  ///< [time, rows]; null: everywhere
  const DeltaProduct& recurrent;
  const DeltaProduct* input;  ///< null where adjoints of the sequence are not wanted
  const DeltaProduct& input_new;
  Incoming sequence, hidden_after, carry_after;
  const LayerAdjoint::Found& found;

  [[nodiscard]] bool carries() const { return kind == CellKind::lstm || kind == CellKind::gru; }
  [[nodiscard]] int64_t columns() const { return kernels::adjointColumns(kind); }
  [[nodiscard]] bool isActive(int64_t step, int64_t row) const {
    return active == nullptr || active[step * rows + row] != 0;
  }
};

/// The adjoints of some seeds, through all steps from the last to the first.
class SeedBlock {
 public:
  SeedBlock(const QuickRun& run, Workspace& workspace, int64_t first, int64_t count)
      : run_(run), workspace_(workspace), first_(first), count_(count), some_(count * run.rows) {
    const auto room = DeltaProduct::roomFor(some_);
    emitted_ = workspace.take(kEmitted, {room, run.hidden});
    next_ = workspace.take(kNext, {room, run.hidden});
    carry_ = workspace.take(kCarry, {some_, run.hidden});
    gates_ = workspace.take(kGates, {room, run.columns() * run.hidden}).zero_().narrow(0, 0, some_);
    before_ = workspace.take(kBefore, {room, run.inputs});
    next_.zero_();
    carry_.zero_();
  }

  void goBack() {
    takeStates();
    for (auto t = run_.steps - 1; t >= 0; --t) {
      stopIfAsked();
      std::swap(emitted_, next_);
      throughUnits(t);
      const auto prepared = run_.recurrent.prepare(gates_.narrow(1, 0, run_.recurrent.inputs()), workspace_, kSplit);
      run_.recurrent.multiply(prepared, some_, next_, false);
      if (run_.active != nullptr) passInactive(t);
      if (run_.input != nullptr) throughInputs(t, prepared);
    }
    giveStates();
  }

 private:
  enum : size_t { kEmitted, kNext, kCarry, kGates, kBefore, kSplit, kSplitNew };

  template <class Each>
  void overRows(const Each& each) const {
    for (int64_t s = 0, i = 0; s < count_; ++s) {
      for (int64_t row = 0; row < run_.rows; ++row, ++i) each(i, first_ + s, row);
    }
  }

  void takeStates() {
    auto *hidden = next_.data_ptr<float>(), *carry = carry_.data_ptr<float>();
    overRows([&](int64_t i, int64_t seed, int64_t row) {
      run_.hidden_after.add(seed, 0, row, hidden + i * run_.hidden);
      if (run_.carries()) run_.carry_after.add(seed, 0, row, carry + i * run_.hidden);
    });
  }

  void throughUnits(int64_t t) {
    const auto hidden = run_.hidden, gates_size = run_.columns() * hidden;
    const auto planes_size = kernels::adjointPlanes(run_.kind) * hidden;
    const bool carries = run_.carries();
    auto *emitted = emitted_.data_ptr<float>(), *carry = carry_.data_ptr<float>(), *gates = gates_.data_ptr<float>();
    auto* seen = run_.found.emission.data_ptr<float>();
    overRows([&](int64_t i, int64_t seed, int64_t row) {
      auto* own_emitted = emitted + i * hidden;
      auto* own_seen = seen + ((seed * run_.steps + t) * run_.rows + row) * hidden;
      auto* own_gates = gates + i * gates_size;
      run_.sequence.add(seed, t, row, own_emitted);
      if (!run_.isActive(t, row)) {
        std::fill_n(own_seen, hidden, 0.0f);
        std::fill_n(own_gates, gates_size, 0.0f);
        return;
      }
      kernels::adjointStep({run_.kind, hidden, run_.planes + (t * run_.rows + row) * planes_size, run_.own, own_emitted,
                            carries ? carry + i * hidden : nullptr, own_gates, own_seen});
    });
  }

  /// Where a packed sequence has no such step, the state stays what it was, and so does its adjoint.
  void passInactive(int64_t t) {
    const auto* emitted = emitted_.const_data_ptr<float>();
    auto* next = next_.data_ptr<float>();
    overRows([&](int64_t i, int64_t /*seed*/, int64_t row) {
      if (!run_.isActive(t, row)) std::copy_n(emitted + i * run_.hidden, run_.hidden, next + i * run_.hidden);
    });
  }

  /// `prepared`: the gates as the recurrent weights' product takes them.
  void throughInputs(int64_t t, const at::Tensor& prepared) {
    if (run_.kind == CellKind::gru) {
      const auto both = run_.input->prepare(gates_.narrow(1, 0, 2 * run_.hidden), workspace_, kSplitNew);
      run_.input->multiply(both, some_, before_, false);
      const auto fresh = run_.input_new.prepare(gates_.narrow(1, 3 * run_.hidden, run_.hidden), workspace_, kSplitNew);
      run_.input_new.multiply(fresh, some_, before_, true);
    } else {
      run_.input->multiply(prepared, some_, before_, false);
    }
    const auto size = run_.rows * run_.inputs;
    const auto* values = before_.const_data_ptr<float>();
    auto* out = run_.found.before.sequence.data_ptr<float>();
    for (int64_t s = 0; s < count_; ++s)
      std::copy_n(values + s * size, size, out + ((first_ + s) * run_.steps + t) * size);
  }

  void giveStates() const {
    const auto all = some_ * run_.hidden, at = first_ * run_.rows * run_.hidden;
    const auto* carry = carry_.const_data_ptr<float>();
    auto* hidden_out = run_.found.before.hidden.data_ptr<float>() + at;
    std::copy_n(next_.const_data_ptr<float>(), all, hidden_out);
    if (run_.kind == CellKind::lstm) std::copy_n(carry, all, run_.found.before.carry.data_ptr<float>() + at);
    for (int64_t i = 0; run_.kind == CellKind::gru && i < all; ++i) hidden_out[i] += carry[i];
  }

  const QuickRun& run_;
  Workspace& workspace_;
  int64_t first_, count_;
  int64_t some_;        ///< rows of all seeds
  at::Tensor emitted_;  ///< [some, hidden]: adjoints of what the step emits
  at::Tensor next_;     ///< [some, hidden]: of the step before, which is the next one to go through
  at::Tensor carry_;    ///< [some, hidden]
  at::Tensor gates_;    ///< [some, columns x hidden]
  at::Tensor before_;   ///< [some, inputs]
};

}  // namespace

/// In float32, as the kernel takes it.
struct LayerAdjoint::Floats {
  at::Tensor planes;  ///< [time, rows, planes, hidden]
  at::Tensor own;     ///< [columns, hidden], zero for a GRU's last
};

struct LayerAdjoint::Products {
  DeltaProduct recurrent;
  DeltaProduct input;      ///< of a GRU: of its reset and update gates
  DeltaProduct input_new;  ///< of a GRU
};

LayerAdjoint::LayerAdjoint(CellKind kind, const CellWeights& weights, const at::Tensor& own,
                           const std::vector<at::Tensor>& input, const std::vector<at::Tensor>& recurrent,
                           const std::vector<at::Tensor>& carry, const at::Tensor& active, bool device_code)
    : kind_(kind),
      weights_(weights),
      steps_(std::ssize(input)),
      rows_(input.at(0).size(0)),
      hidden_(weights.recurrent.size(1)),
      active_(active),
      device_code_(device_code || weights.recurrent.is_cuda()) {
  std::vector<at::Tensor> planes;
  const bool carries = kind == CellKind::lstm || kind == CellKind::gru;
  for (size_t t = 0; t < input.size(); ++t)
    planes.push_back(at::stack(planesOf(kind, input[t], recurrent[t], carries ? carry.at(t) : at::Tensor()), 1));
  planes_ = at::stack(planes);
  own_ = own.view({-1, hidden_});
}

int64_t LayerAdjoint::seedsOf(const LayerAdjoints& after) const {
  for (const auto* one : {&after.sequence, &after.hidden, &after.carry}) {
    if (one->defined()) return one->size(0);
  }
  return 0;
}

LayerAdjoint::Found LayerAdjoint::exactly(const LayerAdjoints& after, bool wants_input) const {
  const auto seeds = seedsOf(after);
  const auto zeros = [&] { return at::zeros({seeds, rows_, hidden_}, planes_.options()); };
  const auto orZeros = [&](const at::Tensor& one) { return one.defined() ? one.to(planes_.scalar_type()) : zeros(); };
  auto emitted = orZeros(after.hidden), carry = orZeros(after.carry);
  std::vector<at::Tensor> before, emission;
  at::Tensor next_gates;  // [seeds, rows, gates x hidden] of the step behind
  const auto recurrentSide = [&](const std::vector<at::Tensor>& gates) {
    return kind_ == CellKind::gru ? at::cat({gates[0], gates[1], gates[2]}, -1) : at::cat(gates, -1);
  };
  const auto inputSide = [&](const std::vector<at::Tensor>& gates) {
    return kind_ == CellKind::gru ? at::cat({gates[0], gates[1], gates[3]}, -1) : at::cat(gates, -1);
  };
  for (auto t = steps_ - 1; t >= 0; --t) {
    if (after.sequence.defined()) emitted = emitted + after.sequence.select(1, t).to(emitted.scalar_type());
    auto seen = emitted;
    if (next_gates.defined()) {
      const auto each = next_gates.view({seeds, rows_, -1, hidden_});
      seen = seen - (each * own_).sum(2);
    }
    auto carry_before = carry;
    auto gates = gatesOf(kind_, planes_[t], emitted, carry_before);
    auto passed = at::Tensor();
    if (active_.defined()) {
      const auto active = active_[t];
      for (auto& gate : gates) gate = at::where(active, gate, at::zeros_like(gate));
      seen = at::where(active, seen, at::zeros_like(seen));
      carry_before = at::where(active, carry_before, carry);
      passed = at::where(active, at::zeros_like(emitted), emitted);
    }
    emission.push_back(seen);
    carry = carry_before;
    next_gates = recurrentSide(gates);
    emitted = next_gates.matmul(weights_.recurrent);
    if (passed.defined()) emitted = emitted + passed;
    if (wants_input) before.push_back(inputSide(gates).matmul(weights_.input));
  }
  std::reverse(before.begin(), before.end());
  std::reverse(emission.begin(), emission.end());
  Found found;
  if (wants_input) found.before.sequence = at::stack(before, 1);
  if (kind_ == CellKind::gru) emitted = emitted + carry;
  found.before.hidden = emitted;
  if (kind_ == CellKind::lstm) found.before.carry = carry;
  found.emission = at::stack(emission, 1);
  return found;
}

const LayerAdjoint::Floats& LayerAdjoint::floats() const {
  std::call_once(once_, [&] {
    auto all = std::make_shared<Floats>();
    const auto floatsOf = [](const at::Tensor& one) { return one.to(at::kFloat).contiguous(); };
    all->planes = floatsOf(planes_);
    all->own = at::zeros({kernels::adjointColumns(kind_), hidden_}, at::kFloat);
    all->own.narrow(0, 0, own_.size(0)).copy_(own_);
    floats_ = std::move(all);
  });
  return *floats_;
}

const LayerAdjoint::Products& LayerAdjoint::products(ProductForm form) const {
  auto& slot = products_.at(form == ProductForm::rounded ? 1 : 0);
  std::call_once(slot.once, [&] {
    const auto product = [&](const at::Tensor& weights) {
      return DeltaProduct(weights.to(at::kFloat).contiguous(), form);
    };
    auto all = std::make_shared<Products>();
    all->recurrent = product(weights_.recurrent);
    if (kind_ == CellKind::gru) {
      all->input = product(weights_.input.narrow(0, 0, 2 * hidden_));
      all->input_new = product(weights_.input.narrow(0, 2 * hidden_, hidden_));
    } else {
      all->input = product(weights_.input);
    }
    slot.products = std::move(all);
  });
  return *slot.products;
}

LayerAdjoint::Found LayerAdjoint::quickly(const LayerAdjoints& after, bool wants_input, bool rounded) const {
  if (device_code_) return onDevice(after, wants_input);
  const auto& own = floats();
  const auto& multiplied = products(rounded ? ProductForm::rounded : ProductForm::halves);
  const auto seeds = seedsOf(after), inputs = weights_.input.size(1);
  const auto options = at::TensorOptions(at::kFloat);
  Found found;
  found.emission = at::empty({seeds, steps_, rows_, hidden_}, options);
  found.before.hidden = at::empty({seeds, rows_, hidden_}, options);
  if (kind_ == CellKind::lstm) found.before.carry = at::empty({seeds, rows_, hidden_}, options);
  if (wants_input) found.before.sequence = at::empty({seeds, steps_, rows_, inputs}, options);
  const auto active = active_.defined() ? active_.to(at::kByte).contiguous() : at::Tensor();
  const QuickRun run{
      .kind = kind_,
      .steps = steps_,
      .rows = rows_,
      .hidden = hidden_,
      .inputs = inputs,
      .planes = own.planes.const_data_ptr<float>(),
      .own = own.own.const_data_ptr<float>(),
      .active = active.defined() ? active.const_data_ptr<uint8_t>() : nullptr,
      .recurrent = multiplied.recurrent,
      .input = wants_input ? &multiplied.input : nullptr,
      .input_new = multiplied.input_new,
      .sequence = Incoming(after.sequence),
      .hidden_after = Incoming(after.hidden),
      .carry_after = Incoming(after.carry),
      .found = found,
  };

  // Blocks of seeds, each through all steps by itself: what a thread works on stays near it.
  constexpr int64_t kBlockRows = 128;
  const auto threads = static_cast<int64_t>(at::get_num_threads());
  const auto per_thread = (seeds + threads - 1) / threads;
  const auto block = std::max<int64_t>(1, std::min(per_thread, kBlockRows / rows_));
  const auto blocks = (seeds + block - 1) / block;
  at::parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
    const at::NoGradGuard no_grad;
    Workspace workspace;
    for (auto b = begin; b < end; ++b)
      SeedBlock(run, workspace, b * block, std::min(block, seeds - b * block)).goBack();
    releaseSmall();
  });
  return found;
}

}  // namespace heft
