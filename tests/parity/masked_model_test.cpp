#include "mask/masked_model.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "analysis/random.hpp"
#include "data/inputs.hpp"
#include "data/zip.hpp"
#include "model/constants.hpp"
#include "model/model.hpp"
#include "parity/fixtures.hpp"
#include "unit/file_helpers.hpp"

// A model with a mask applied, as LibTorch itself loads and runs it: no part of heft stands between.

namespace heft::test {
namespace {

struct Chosen {
  Structure structure;
  Mask mask;
};

/// A third of the weights of every parameter goes, by chance.
Chosen chosenFor(const Model& model) {
  Chosen chosen;
  Random random(7, "mask test");
  for (const auto& parameter : model.parameters) {
    ParameterInfo info;
    info.name = parameter.name;
    info.tied = parameter.tied;
    info.shape = parameter.value.sizes().vec();
    auto& kept = chosen.mask.kept.emplace_back();
    for (int64_t i = 0; i < info.weights(); ++i) kept.push_back(random.below(3) > 0 ? 1 : 0);
    chosen.mask.ranked.push_back(kept.size());
    chosen.structure.parameters.push_back(std::move(info));
  }
  return chosen;
}

/// Every floating tensor in what forward returned, in order.
std::vector<at::Tensor> tensorsIn(const c10::IValue& value) {
  std::vector<at::Tensor> tensors;
  value.visit([&](const c10::IValue& one) {
    if (one.isTensor() && one.toTensor().defined()) tensors.push_back(one.toTensor().clone());
    return false;
  });
  return tensors;
}

/// One call of forward, as PyTorch makes it.
std::vector<at::Tensor> outputsOf(torch::jit::Module module, const Fixture& fixture) {
  const at::NoGradGuard no_grad;
  module.eval();
  auto values = readInputs(fixture.options().inputs, module.get_method("forward").function().getSchema(), c10::kCPU,
                           /*native=*/true)
                    .values;
  if (fixture.stream) values[0] = values[0].toTensor()[0];
  at::manual_seed(0);  // of what forward draws
  return tensorsIn(module.forward(values));
}

void multiplyByMask(const torch::jit::Module& module, const Chosen& chosen) {
  const at::NoGradGuard no_grad;
  const auto multiply = [&](at::Tensor tensor, const std::string& name) {
    for (size_t p = 0; p < chosen.mask.kept.size(); ++p) {
      const auto& info = chosen.structure.parameters[p];
      if (name != info.name && std::find(info.tied.begin(), info.tied.end(), name) == info.tied.end()) continue;
      auto kept = chosen.mask.kept[p];
      tensor.mul_(at::from_blob(kept.data(), tensor.sizes(), at::kByte));
    }
  };
  for (const auto& named : module.named_parameters()) multiply(named.value, named.name);
  for (const auto& constant : weightConstants(module)) multiply(constant.value, constant.name);
}

/// Those that LibTorch can run as they are: one a kind of container, weights and types.
std::vector<Fixture> applied() {
  std::vector<Fixture> chosen;
  for (const auto& one : rankedFixtures()) {
    const bool kind = one.container != "script" || one.dtype != "float32" ||
                      one.name.find("tied") != std::string::npos || one.has("lstm") || one.has("gru") || one.stream;
    if (kind) chosen.push_back(one);
  }
  return chosen;
}

class MaskedModel : public testing::TestWithParam<Fixture> {};

TEST_P(MaskedModel, RunsInLibTorchAsTheModelTimesItsMaskBitForBit) {
  const TemporaryFolder folder;
  const auto file = GetParam().options().model;
  const auto chosen = chosenFor(loadModel(file, {c10::kCPU, /*native=*/true}));
  writeMaskedModel(file, chosen.structure, chosen.mask, folder / "masked.pt");
  const auto original = torch::jit::load(file);
  const auto before = outputsOf(original, GetParam());
  const auto fresh = torch::jit::load(file);
  multiplyByMask(fresh, chosen);
  const auto expected = outputsOf(fresh, GetParam());
  const auto found = outputsOf(torch::jit::load(folder / "masked.pt"), GetParam());
  ASSERT_EQ(found.size(), expected.size());
  bool moved = false;
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_TRUE(at::equal(found[i], expected[i])) << "output " << i;
    EXPECT_EQ(found[i].scalar_type(), before[i].scalar_type());
    moved |= !at::equal(found[i], before[i]);
  }
  EXPECT_TRUE(moved);
}

TEST_P(MaskedModel, IsTheSameArchiveButForItsWeights) {
  const TemporaryFolder folder;
  const auto file = GetParam().options().model;
  const auto chosen = chosenFor(loadModel(file, {c10::kCPU, /*native=*/true}));
  writeMaskedModel(file, chosen.structure, chosen.mask, folder / "masked.pt");
  const auto before = InputFile::open(file), after = InputFile::open(folder / "masked.pt");
  EXPECT_EQ(before.size(), after.size());
  const auto members = listZip(before), masked = listZip(after);
  ASSERT_EQ(members.size(), masked.size());
  for (size_t m = 0; m < members.size(); ++m) {
    EXPECT_EQ(members[m].name, masked[m].name);
    const auto old = readZipMember(before, members[m]), now = readZipMember(after, masked[m]);
    if (members[m].name.find("/data/") == std::string::npos &&
        members[m].name.find("/constants/") == std::string::npos) {
      EXPECT_EQ(old, now) << members[m].name;
    }
    for (size_t i = 0; i < old.size(); ++i) ASSERT_TRUE(now[i] == old[i] || now[i] == std::byte{0}) << members[m].name;
  }
}

std::string nameOf(const testing::TestParamInfo<Fixture>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Fixtures, MaskedModel, testing::ValuesIn(applied()), nameOf);

/// Two parameters in one memory, the first of them turned.
void saveViews(const std::filesystem::path& file) {
  const auto memory = at::arange(1, 13, at::kFloat);
  torch::jit::Module module("views");
  module.register_parameter("turned", memory.slice(0, 0, 6).view({2, 3}).t(), false);
  module.register_parameter("rest", memory.slice(0, 6, 12).view({2, 3}), false);
  module.define("def forward(self, x):\n  return x @ self.turned @ self.rest\n");
  module.save(file);
}

Chosen chosenViews(std::vector<uint8_t> turned, std::vector<uint8_t> rest) {
  Chosen chosen;
  chosen.structure.parameters.resize(2);
  chosen.structure.parameters[0].name = "turned";
  chosen.structure.parameters[0].shape = {3, 2};
  chosen.structure.parameters[1].name = "rest";
  chosen.structure.parameters[1].shape = {2, 3};
  chosen.mask.kept = {std::move(turned), std::move(rest)};
  return chosen;
}

TEST(MaskedModelFile, ReachesWeightsThatAreViewsOfOneMemory) {
  const TemporaryFolder folder;
  saveViews(folder / "views.pt");
  const auto chosen = chosenViews({0, 1, 1, 1, 0, 1}, {1, 1, 0, 1, 1, 1});
  writeMaskedModel(folder / "views.pt", chosen.structure, chosen.mask, folder / "masked.pt");
  const auto module = torch::jit::load(folder / "masked.pt");
  EXPECT_TRUE(at::equal(module.attr("turned").toTensor(), at::tensor({0.F, 4.F, 2.F, 5.F, 0.F, 6.F}).view({3, 2})));
  EXPECT_TRUE(at::equal(module.attr("rest").toTensor(), at::tensor({7.F, 8.F, 0.F, 10.F, 11.F, 12.F}).view({2, 3})));
}

TEST(MaskedModelFile, IsRefusedWhereAnotherParameterReadsTheSameMemory) {
  const TemporaryFolder folder;
  const auto memory = at::arange(1, 7, at::kFloat);
  torch::jit::Module module("views");
  module.register_parameter("turned", memory.view({2, 3}).t(), false);
  module.register_parameter("rest", memory.view({2, 3}), false);
  module.define("def forward(self, x):\n  return x @ self.turned @ self.rest\n");
  module.save(folder / "views.pt");
  const auto chosen = chosenViews({0, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1});
  const auto text =
      errorOf([&] { writeMaskedModel(folder / "views.pt", chosen.structure, chosen.mask, folder / "masked.pt"); },
              Fault::unsupported);
  EXPECT_NE(text.find("rest"), std::string::npos) << text;
  EXPECT_FALSE(std::filesystem::exists(folder / "masked.pt"));
}

TEST(MaskedModelFile, IsNotWrittenWhereTheMaskDoesntFit) {
  const TemporaryFolder folder;
  const auto file = fixture(std::string("lstm_1_layer")).options().model;
  auto chosen = chosenFor(loadModel(file, {c10::kCPU, /*native=*/true}));
  chosen.structure.parameters[0].name = "rnn.weight_of_another_model";
  const auto text =
      errorOf([&] { writeMaskedModel(file, chosen.structure, chosen.mask, folder / "masked.pt"); }, Fault::unsupported);
  EXPECT_NE(text.find("weight_of_another_model"), std::string::npos) << text;
  EXPECT_TRUE(folder.names().empty());
}

}  // namespace
}  // namespace heft::test
