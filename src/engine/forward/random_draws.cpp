#include "engine/forward/random_draws.hpp"

#include <ATen/ATen.h>
#include <ATen/Context.h>

#include <algorithm>

#include "analysis/random.hpp"
#include "engine/forward/operators.hpp"
#include "engine/forward/vmap.hpp"

namespace heft {
namespace {

/// Operators whose states are kept, at most, of all draws; a state takes 5 KB on the CPU.
constexpr size_t kMostPlaces = 16'384;

/// LibTorch's generators are the process's, whatever sessions run on other threads.
std::mutex& generatorsMutex() {
  static std::mutex mutex;
  return mutex;
}

const c10::IValue* argumentOf(const c10::OperatorHandle& op, const torch::jit::Stack& stack, const char* name) {
  const auto index = op.schema().argumentIndexWithName(name);
  return index ? &torch::jit::peek(stack, static_cast<size_t>(*index), op.schema().arguments().size()) : nullptr;
}

bool isFalse(const c10::IValue* value) { return value != nullptr && value->isBool() && !value->toBool(); }
bool isZero(const c10::IValue* value) { return value != nullptr && value->isDouble() && value->toDouble() == 0; }

}  // namespace

bool drawsNumbers(const c10::OperatorHandle& op, const torch::jit::Stack& stack) {
  if (!op.hasTag(at::Tag::nondeterministic_seeded)) return false;
  for (const auto* name : {"train", "training"}) {
    if (isFalse(argumentOf(op, stack, name))) return false;
  }
  if (isZero(argumentOf(op, stack, "dropout_p")) || isZero(argumentOf(op, stack, "dropout"))) return false;
  // The dropout of recurrent operators lies between their layers.
  const auto* layers = argumentOf(op, stack, "num_layers");
  return layers == nullptr || !layers->isInt() || layers->toInt() > 1;
}

RandomDraws::RandomDraws(c10::Device device, uint64_t seed) : seed_(seed) {
  generators_.push_back(at::globalContext().defaultGenerator(c10::kCPU));
  if (!device.is_cpu()) generators_.push_back(at::globalContext().defaultGenerator(device));
}

void RandomDraws::begin(int64_t draw) {
  draw_ = static_cast<size_t>(draw);
  next_ = 0;
  if (places_.size() <= draw_) {
    places_.resize(draw_ + 1);
    known_.resize(draw_ + 1, false);
  }
  if (!known_[draw_]) places_[draw_].clear();
}

void RandomDraws::end() { known_[draw_] = true; }

std::string RandomDraws::names() const {
  std::string text;
  for (const auto& name : names_) text += (text.empty() ? "" : ", ") + name;
  return text;
}

RandomDraws::State RandomDraws::state() const {
  State all;
  for (const auto& generator : generators_) all.push_back(generator.get_state());
  return all;
}

void RandomDraws::bring(const State& state) const {
  for (size_t i = 0; i < state.size(); ++i) {
    auto generator = generators_[i];
    generator.set_state(state[i]);
  }
}

void RandomDraws::seedAll(uint64_t seed) const {
  for (auto generator : generators_) generator.set_current_seed(seed);
}

bool RandomDraws::hasRoom() const {
  size_t kept = 0;
  for (const auto& places : places_) kept += places.size();
  return kept < kMostPlaces;
}

const RandomDraws::Place* RandomDraws::placeAt(size_t index) const {
  const auto& places = places_[draw_];
  return index < places.size() ? &places[index] : nullptr;
}

void RandomDraws::bringTo(size_t index) {
  if (const auto* place = placeAt(index)) return bring(place->state);
  // Beyond what is kept, or on another way through forward: numbers of the operator's own.
  seedAll(Random(seed_ + draw_, "random operators of forward", index).bits());
}

const std::vector<int64_t>* RandomDraws::stridesFor(const at::Tensor& tensor, size_t index, size_t argument) const {
  const auto* place = placeAt(index);
  if (place == nullptr || argument >= place->strides.size() || !place->strides[argument]) return nullptr;
  const auto& strides = *place->strides[argument];
  // What is expanded lies in memory once, and can't be written to.
  if (static_cast<size_t>(tensor.dim()) != strides.size() || std::count(strides.begin(), strides.end(), 0) > 0)
    return nullptr;
  return &strides;
}

void RandomDraws::arrange(const c10::OperatorHandle& op, torch::jit::Stack& stack, size_t index) const {
  const auto count = op.schema().arguments().size();
  for (size_t i = 0; i < count; ++i) {
    auto& value = stack[stack.size() - count + i];
    if (!value.isTensor() || !value.toTensor().defined() || isBatched(value.toTensor()) || writesArgument(op, i))
      continue;
    const auto tensor = value.toTensor();
    const auto* strides = stridesFor(tensor, index, i);
    if (strides == nullptr || tensor.strides() == at::IntArrayRef(*strides)) continue;
    const auto arranged = at::empty_strided(tensor.sizes(), *strides, tensor.options().requires_grad(false));
    value = arranged.copy_(tensor);
  }
}

at::Tensor RandomDraws::Turn::copyOf(const at::Tensor& tensor, size_t argument) const {
  const auto* strides = draws_.stridesFor(tensor, index_, argument);
  if (strides == nullptr) return tensor.clone(at::MemoryFormat::Contiguous);
  return at::empty_strided(tensor.sizes(), *strides, tensor.options()).copy_(tensor);
}

RandomDraws::Turn::Turn(RandomDraws& draws, const c10::OperatorHandle& op, torch::jit::Stack& stack)
    : draws_(draws), lock_(generatorsMutex()), recording_(!draws.known_[draws.draw_]), index_(draws.next_++) {
  const BelowVmap plain;
  auto& places = draws_.places_[draws_.draw_];
  if (recording_) {
    if (index_ == 0)
      draws_.seedAll(draws_.seed_ + draws_.draw_);
    else
      draws_.bring(draws_.cursor_);
    draws_.names_.insert(op.schema().name());
    if (places.size() == index_ && draws_.hasRoom()) {
      Place place{draws_.state(), {}};
      for (const auto& value : torch::jit::last(stack, op.schema().arguments().size())) {
        place.strides.emplace_back();
        if (value.isTensor() && value.toTensor().defined() && value.toTensor().layout() == at::kStrided)
          place.strides.back() = value.toTensor().strides().vec();
      }
      places.push_back(std::move(place));
    }
  }
  draws_.bringTo(index_);
  draws_.arrange(op, stack, index_);
}

RandomDraws::Turn::~Turn() {
  if (!recording_) return;
  const BelowVmap plain;
  draws_.cursor_ = draws_.state();
}

void RandomDraws::Turn::call(const c10::OperatorHandle& op, torch::jit::Stack& stack) const {
  draws_.bringTo(index_);
  draws_.arrange(op, stack, index_);
  op.callBoxed(stack);
}

}  // namespace heft
