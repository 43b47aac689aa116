#include <torch/csrc/jit/serialization/pickle.h>

#include "data/saved_values.hpp"
#include "file_helpers.hpp"
#include "torch_headers.hpp"

namespace heft {
namespace {

template <typename T>
const T& as(const SavedValue& saved) {
  return std::get<T>(saved.value);
}

void expectEqual(const SavedValue& saved, const at::Tensor& tensor) {
  const StoredTensor& found = *as<std::shared_ptr<const StoredTensor>>(saved);
  ASSERT_EQ(found.shape, tensor.sizes().vec());
  const auto whole = tensor.contiguous();
  ASSERT_EQ(found.bytes.size(), whole.nbytes());
  EXPECT_EQ(std::memcmp(found.bytes.data(), whole.data_ptr(), whole.nbytes()), 0);
}

TEST(SavedByLibTorch, ItsCppWriterIsReadToo) {
  const auto one = at::rand({3, 4}).t(), two = at::arange(6);
  c10::Dict<std::string, at::Tensor> dict;
  dict.insert("a", one);
  const auto bytes = torch::jit::pickle_save(
      c10::ivalue::Tuple::create({one, c10::List<at::Tensor>({two, one}), dict, c10::List<int64_t>({7, 8}), 2.5}));
  const SavedValue saved = readSaved(test::inMemory({bytes.data(), bytes.size()}));
  const auto& items = as<SavedTuple>(saved).items;
  ASSERT_EQ(items.size(), 5U);
  expectEqual(items[0], one);
  expectEqual(as<SavedList>(items[1]).items.at(0), two);
  expectEqual(as<SavedList>(items[1]).items.at(1), one);
  EXPECT_EQ(as<std::string>(as<SavedDict>(items[2]).keys.at(0)), "a");
  expectEqual(as<SavedDict>(items[2]).values.at(0), one);
  EXPECT_EQ(as<std::int64_t>(as<SavedList>(items[3]).items.at(1)), 8);
  EXPECT_EQ(as<double>(items[4]), 2.5);
}

}  // namespace
}  // namespace heft
