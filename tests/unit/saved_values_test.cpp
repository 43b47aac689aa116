#include "data/saved_values.hpp"

#include "data/safetensors.hpp"
#include "file_helpers.hpp"
#include "stored_zip.hpp"

namespace heft {
namespace {

using test::errorOf;
using test::fixture;
using test::inMemory;
using test::storedZip;
using namespace std::string_literals;
using Tensor = std::shared_ptr<const StoredTensor>;

template <typename T>
const T& as(const SavedValue& value) {
  return std::get<T>(value.value);
}

void expectAsSafetensors(const std::string& name) {
  const SavedValue saved = readSaved(fixture(name + ".pt"));
  const auto& dict = as<SavedDict>(saved);
  const auto expected = readSafetensors(fixture(name + ".safetensors")).tensors;
  ASSERT_EQ(dict.keys.size(), expected.size());
  for (const StoredTensor& tensor : expected) {
    const auto place = std::find_if(dict.keys.begin(), dict.keys.end(),
                                    [&](const SavedValue& key) { return as<std::string>(key) == tensor.name; });
    ASSERT_NE(place, dict.keys.end()) << tensor.name;
    const StoredTensor& found = *as<Tensor>(dict.values[static_cast<std::size_t>(place - dict.keys.begin())]);
    EXPECT_EQ(found.scalar, tensor.scalar) << tensor.name;
    EXPECT_EQ(found.shape, tensor.shape) << tensor.name;
    EXPECT_EQ(found.bytes, tensor.bytes) << tensor.name;
  }
}

TEST(SavedValues, EveryTypeIsWhatSafetensorsHolds) { expectAsSafetensors("saved_types"); }

TEST(SavedValues, ViewsOfAStorageAreWhatTheyShow) { expectAsSafetensors("saved_views"); }

TEST(SavedValues, NestedValuesComeBackFromEveryProtocol) {
  for (const int protocol : {2, 3, 4, 5}) {
    const SavedValue saved = readSaved(fixture("saved_protocol" + std::to_string(protocol) + ".pt"));
    const auto& items = as<SavedTuple>(saved).items;
    ASSERT_EQ(items.size(), 12U) << protocol;
    EXPECT_EQ(as<Tensor>(items[0])->shape, (std::vector<std::int64_t>{3, 4}));
    EXPECT_EQ(as<Tensor>(as<SavedList>(items[1]).items[1])->bytes, as<Tensor>(items[0])->bytes);
    EXPECT_EQ(as<std::string>(as<SavedDict>(items[2]).keys[1]), "b");
    EXPECT_EQ(as<double>(as<SavedDict>(items[2]).values[1]), -2.5);
    EXPECT_EQ(as<std::int64_t>(as<SavedDict>(items[3]).keys[0]), 3);
    EXPECT_TRUE(std::holds_alternative<std::monostate>(items[4].value));
    EXPECT_TRUE(as<bool>(items[5]));
    EXPECT_EQ(as<std::string>(items[6]), "ä\n");
    EXPECT_EQ(as<std::int64_t>(items[7]), -3);
    EXPECT_EQ(as<std::int64_t>(items[8]), std::int64_t{1} << 40);
    EXPECT_EQ(as<std::int64_t>(items[9]), -(std::int64_t{1} << 40));
    EXPECT_EQ(as<std::int64_t>(items[10]), 70000);
    EXPECT_EQ(as<std::int64_t>(as<SavedTuple>(items[11]).items[1]), 3);
  }
}

TEST(SavedValues, ComplexNumbersAreTheirParts) {
  const SavedValue saved = readSaved(fixture("saved_complex.pt"));
  const auto* tensor = std::get_if<std::shared_ptr<const StoredTensor>>(&saved.value);
  ASSERT_NE(tensor, nullptr);
  EXPECT_EQ((*tensor)->scalar, Scalar::c64);
}

TEST(SavedValues, WhatIsNoTensorIsNamed) {
  const auto says = [](const char* name) {
    return errorOf([&] { (void)readSaved(fixture("saved_"s + name + ".pt")); });
  };
  EXPECT_NE(says("array").find("numpy"), std::string::npos);
  EXPECT_NE(says("module").find("torch.nn.modules.linear.Linear"), std::string::npos);
  EXPECT_NE(says("sparse").find("_rebuild_sparse_tensor"), std::string::npos);
  EXPECT_NE(says("negative").find("negative bits"), std::string::npos);
  EXPECT_NE(says("set").find("set"), std::string::npos);
  EXPECT_NE(says("legacy").find("a Python pickle; expected what torch.save writes (a zip archive)"), std::string::npos);
  EXPECT_NE(errorOf([] {
              (void)readSaved(std::filesystem::path(HEFT_MODELS) / "weather-gru.pt");
            }).find("is a TorchScript model"),
            std::string::npos);
}

std::string smallInt(std::uint32_t value) {
  std::string opcode = "J";
  appendLittle(opcode, value);
  return opcode;
}

/// The pickle of a tensor of 2 dimensions of a storage that says to have `elements`.
std::string pickled(std::uint32_t offset, std::array<std::uint32_t, 2> sizes, std::array<std::uint32_t, 2> strides,
                    std::uint32_t elements = 6) {
  return "\x80\x02"
         "ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x00"
         "0X\x03\x00\x00\x00"
         "cpu"s +
         smallInt(elements) + "tQ" + smallInt(offset) + smallInt(sizes[0]) + smallInt(sizes[1]) + "\x86" +
         smallInt(strides[0]) + smallInt(strides[1]) +
         "\x86\x89"
         "ccollections\nOrderedDict\n)RtR.";
}

std::string archive(const std::string& pickle, std::size_t bytes = 24) {
  std::string content(bytes, '\0');
  for (std::size_t i = 0; i < bytes; ++i) content[i] = static_cast<char>(i);
  return storedZip({{"a/data.pkl", pickle}, {"a/byteorder", "little"}, {"a/data/0", content}});
}

TEST(SavedValues, ATensorEndsWhereItsStorageEnds) {
  const auto read = [](const std::string& pickle) { return readSaved(inMemory(archive(pickle))); };
  EXPECT_EQ(as<Tensor>(read(pickled(0, {2, 3}, {3, 1})))->bytes.size(), 24U);
  EXPECT_EQ(static_cast<int>(as<Tensor>(read(pickled(1, {1, 2}, {0, 4})))->bytes[4]), 20);
  EXPECT_EQ(as<Tensor>(read(pickled(100, {0, 3}, {3, 1})))->bytes.size(), 0U);
  EXPECT_EQ(as<Tensor>(read(pickled(5, {4, 4}, {0, 0})))->bytes.size(), 64U);
  constexpr std::uint32_t most = 0x7fffffff;
  for (const std::string& pickle : {pickled(1, {2, 3}, {3, 1}), pickled(0, {2, 3}, {4, 1}), pickled(6, {1, 1}, {1, 1}),
                                    pickled(0, {2, 2}, {most, most}), pickled(most, {2, 2}, {1, 1}),
                                    pickled(0, {7, 1}, {1, 0}), pickled(0, {2, 3}, {3, 1}, 5)})
    EXPECT_NE(errorOf([&] { (void)read(pickle); }).find("reaches beyond"), std::string::npos);
  EXPECT_NE(errorOf([&] {
              (void)read(pickled(0, {most, most}, {1, 1}));
            }).find("no memory has room for"),
            std::string::npos);
  EXPECT_NE(errorOf([&] { (void)read(pickled(0, {most, 1}, {0, 0})); }).find("more than 1 GiB"), std::string::npos);
  EXPECT_NE(errorOf([&] { (void)read(pickled(0, {~0U, 1}, {0, 0})); }).find("make no sense"), std::string::npos);
  EXPECT_NE(errorOf([&] { (void)read(pickled(0, {2, 3}, {3, 1}, 7)); }).find("cut short"), std::string::npos);
}

TEST(SavedValues, AnArchiveThatIsIncompleteOrAmbiguousIsRefused) {
  const std::string pickle = pickled(0, {2, 3}, {3, 1}), six(24, 'x');
  using Members = std::vector<std::pair<std::string, std::string>>;
  const auto says = [](const Members& members) {
    return errorOf([&] { (void)readSaved(inMemory(storedZip(members))); });
  };
  EXPECT_NE(says({{"a/data.pkl", pickle}}).find("is missing"), std::string::npos);
  EXPECT_NE(says({{"a/data.pkl", pickle}, {"a/data/0", "123"}}).find("cut short"), std::string::npos);
  EXPECT_NE(says({{"a/data.pkl", pickle}, {"a/data/0", six}, {"a/data/0", six}}).find("twice"), std::string::npos);
  EXPECT_NE(says({{"a/data/0", six}, {"a/data/0", six}, {"a/data.pkl", pickle}, {"b", ""}}).find("'a/data/0' twice"),
            std::string::npos);
  EXPECT_NE(says({{"z", ""}, {"a/data/0", six}, {"a/data/0", six}}).find("'a/data/0' twice"), std::string::npos);
  EXPECT_NE(says({{"a/data.pkl", pickle}, {"b/data.pkl", pickle}, {"a/data/0", six}}).find("two pickles"),
            std::string::npos);
  EXPECT_NE(says({{"a/data.pkl", pickle}, {"a/byteorder", "big"}, {"a/data/0", six}}).find("big-endian"),
            std::string::npos);
  EXPECT_NE(says({{"a/other", pickle}}).find("without a data.pkl"), std::string::npos);
  // Members' names are looked up in the archive and nowhere else.
  EXPECT_EQ(as<Tensor>(readSaved(inMemory(storedZip({{"a/data.pkl", pickle}, {"../../x", six}, {"a/data/0", six}}))))
                ->bytes.size(),
            24U);
}

TEST(SavedValues, ADamagedArchiveIsRefusedOrGivesTensors) {
  const std::string pickle = pickled(0, {2, 3}, {3, 1});
  const std::size_t refused =
      test::refusedChanges(archive(pickle), [](const InputFile& file) { (void)readSaved(file); });
  EXPECT_GT(refused, 5 * archive(pickle).size());  // of 8: times and attributes are not looked at
  std::size_t damaged = 0;
  for (std::size_t bit = 0; bit < 8 * pickle.size(); ++bit) {
    std::string changed = pickle;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    try {
      (void)readSaved(inMemory(archive(changed)));
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::input) << error.what();
      ++damaged;
    }
  }
  EXPECT_GT(damaged, 4 * pickle.size());
}

}  // namespace
}  // namespace heft
