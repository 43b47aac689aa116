#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "data/safetensors.hpp"
#include "measure/session/session.hpp"

namespace heft::test {

/// Where tests run models: what the environment variable HEFT_TEST_DEVICE names ("cuda", "cuda:1"), else the CPU. Where there
/// is no such device, every test is skipped.
c10::Device testDevice();

/// A model of models/ on its own inputs, on the tests' device.
SessionOptions shipped(const std::string& name);

/// One model of tests/data/models with its inputs, as index.json describes it.
struct Fixture {
  std::string name, file, inputs, output_target, container, dtype, refusal;
  std::vector<std::string> tags;
  bool stream = false, refused = false, interact = false, recurrent = false, train = false;
  std::vector<std::string> carry;
  int64_t batch_dim = -1;

  [[nodiscard]] bool has(const std::string& tag) const;
  [[nodiscard]] SessionOptions options() const;
};
void PrintTo(const Fixture& fixture, std::ostream* out);

/// All fixtures, in the order of the index.
const std::vector<Fixture>& fixtures();
std::vector<Fixture> rankedFixtures();
/// Ranked ones that carry a tag.
std::vector<Fixture> fixturesWith(const std::string& tag);
const Fixture& fixture(const std::string& name);

/// What PyTorch computed in float64 for single weights set to zero.
struct Expected {
  std::string parameter;  ///< by its name in the model before freezing
  std::vector<int64_t> index;
  std::vector<double> impact;
  std::vector<double> weights;  ///< of frozen models: all values of the parameter
  std::vector<int64_t> shape;   ///< of `weights`
};
std::vector<double> expectedBaseline(const Fixture& fixture);
std::vector<Expected> expectedImpacts(const Fixture& fixture);

/// Where an expected weight lies in the session's model: parameter index and flat place; parameter -1 where the model
/// doesn't hold it. Frozen models are matched by value, transposed or not.
struct Place {
  int64_t parameter = -1;
  int64_t flat = 0;
};
std::vector<Place> placesOf(const Expected& expected, const Model& model);

}  // namespace heft::test
