#include "data/safetensors.hpp"

#include "data/little_endian.hpp"
#include "every_type.hpp"
#include "file_helpers.hpp"

namespace heft {
namespace {

using test::contentOf;
using test::errorOf;
using test::fixture;
using test::inMemory;

std::string withHeader(std::string_view header, std::size_t dataBytes) {
  std::string content;
  appendLittle<std::uint64_t>(content, header.size());
  content += header;
  return content + std::string(dataBytes, '\1');
}

std::vector<StoredTensor> mixedTensors() {
  const std::vector<std::uint8_t> bytes = {1, 2, 3};
  const std::vector<float> floats = {1.5F, -2, 0.25F, 8};
  const std::vector<double> doubles = {1e300, -1e-300};
  return {storeTensor("z.bytes", {3}, bytes), storeTensor("a.floats", {2, 2}, floats),
          storeTensor("nothing", {0, 7}, std::vector<float>()), storeTensor("m.doubles", {1, 2}, doubles),
          storeTensor("one", {}, std::vector<double>{3})};
}

TEST(Safetensors, ReadsEveryTypeThatThePythonLibraryWrites) {
  const SafetensorsFile file = readSafetensors(fixture("every_type.safetensors"));
  EXPECT_EQ(file.tensors.size(), test::everyType().size());
  test::expectEveryType(file.tensors);
  EXPECT_EQ(file.metadata, (std::map<std::string, std::string>{{"text", "ä \"quoted\"\n"}}));
}

TEST(Safetensors, WritesTheBytesThatThePythonLibraryWrites) {
  const test::TemporaryFolder folder;
  const SafetensorsFile file = readSafetensors(fixture("alike.safetensors"));
  writeSafetensors(folder / "a", viewsOf(file.tensors), file.metadata);
  EXPECT_EQ(contentOf(folder / "a"), contentOf(fixture("alike.safetensors")));
}

TEST(Safetensors, WhatIsWrittenComesBackInItsOrder) {
  const test::TemporaryFolder folder;
  const std::vector<StoredTensor> tensors = mixedTensors();
  writeSafetensors(folder / "a", viewsOf(tensors), {{"seed", "7"}});
  const SafetensorsFile back = readSafetensors(folder / "a");
  ASSERT_EQ(back.tensors.size(), tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    EXPECT_EQ(back.tensors[i].name, tensors[i].name);
    EXPECT_EQ(back.tensors[i].scalar, tensors[i].scalar);
    EXPECT_EQ(back.tensors[i].shape, tensors[i].shape);
    EXPECT_EQ(back.tensors[i].bytes, tensors[i].bytes);
  }
  EXPECT_EQ(back.metadata.at("seed"), "7");
}

TEST(Safetensors, EveryTensorIsAlignedInTheFile) {
  const test::TemporaryFolder folder;
  const std::vector<StoredTensor> tensors = mixedTensors();
  writeSafetensors(folder / "a", viewsOf(tensors));
  const std::string content = contentOf(folder / "a");
  for (const StoredTensor& tensor : tensors) {
    const std::string bytes(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
    EXPECT_EQ(content.find(bytes) % scalarBytes(tensor.scalar), 0U) << tensor.name;
  }
}

TEST(Safetensors, AFileWithoutTensorsIsValid) {
  const test::TemporaryFolder folder;
  writeSafetensors(folder / "a", {});
  EXPECT_TRUE(readSafetensors(folder / "a").tensors.empty());
}

TEST(Safetensors, ANameTwiceIsADefectOfTheWriter) {
  const test::TemporaryFolder folder;
  const std::vector<StoredTensor> tensors = {storeTensor("a", {1}, std::vector<float>{1}),
                                             storeTensor("a", {1}, std::vector<float>{2})};
  errorOf([&] { writeSafetensors(folder / "a", viewsOf(tensors)); }, Fault::internal);
  EXPECT_TRUE(folder.names().empty());
}

struct BadHeader {
  std::string_view header;
  std::string_view says;
  std::size_t dataBytes = 8;
};

TEST(Safetensors, WhatTheFormatForbidsIsRefusedAndSaid) {
  const std::vector<BadHeader> cases = {
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
       "'a' stands there twice"},
      {R"({"a":{"dtype":"F32","dtype":"I32","shape":[2],"data_offsets":[0,8]}})", "has 'dtype' twice"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
       "'b' overlaps the one before it"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", "leaves a gap before it"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "4 bytes behind the last"},
      {R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})", "promises 16 bytes of data, the file has 8"},
      {R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", "needs 12 bytes, but its data go from byte 0 to 8"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", "go from byte 8 to 0"},
      {R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}})", "impossible shape"},
      {R"({"a":{"dtype":"U16","shape":[0,4611686018427387903],"data_offsets":[0,0]}})", "impossible shape"},
      {R"({"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,8]}})", "size of 9223372036854775808"},
      {R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", "no 'shape' list of whole numbers"},
      {R"({"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})", "no 'shape' list of whole numbers"},
      {R"({"a":{"dtype":"F32","shape":[1e999],"data_offsets":[0,8]}})", "out of range"},
      {R"({"a":{"dtype":"F32","shape":[2]}})", "no 'data_offsets'"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4,8]}})", "not a begin and an end"},
      {R"({"a":{"dtype":"F8_E5M2","shape":[8],"data_offsets":[0,8]}})", "type F8_E5M2, which Heft can't use"},
      {R"({"a":{"shape":[2],"data_offsets":[0,8]}})", "no 'dtype' text"},
      {R"({"a":[1]})", "not described by a JSON object"},
      {R"({"a":{"dtype":"F32","shape":[[2]],"data_offsets":[0,8]}})", "nested deeper"},
      {R"({"__metadata__":{"k":1}})", "metadata 'k' is not a text"},
      {R"({"__metadata__":7})", "not a JSON object"},
      {R"({"a":)", "not valid JSON at its byte"},
      {"{\"a\xff\":1}", "not valid JSON at its byte"},
      {"[1,2]", "is no safetensors file"},
  };
  for (const BadHeader& bad : cases) {
    const std::string text = errorOf([&] { (void)readSafetensors(inMemory(withHeader(bad.header, bad.dataBytes))); });
    EXPECT_NE(text.find(bad.says), std::string::npos) << bad.header << "\n" << text;
  }
}

TEST(Safetensors, OtherFilesAreToldWhatTheyLookLike) {
  const auto says = [](std::string_view content) { return errorOf([&] { (void)readSafetensors(inMemory(content)); }); };
  EXPECT_NE(says("just some text\n").find("looks like plain text"), std::string::npos);
  EXPECT_NE(says(contentOf(fixture("table.npy"))).find("looks like a NumPy .npy array"), std::string::npos);
  EXPECT_NE(says("").find("empty"), std::string::npos);
  EXPECT_NE(says("abc").find("cut short"), std::string::npos);
}

TEST(Safetensors, ALongHeaderIsNotAllocatedBeforeItIsThere) {
  std::string content;
  appendLittle<std::uint64_t>(content, 99'000'000);
  EXPECT_NE(errorOf([&] { (void)readSafetensors(inMemory(content + "{")); }).find("cut short"), std::string::npos);
}

TEST(Safetensors, UnsignedNumbersThatInt64CantHoldAreRefused) {
  const std::string content =
      withHeader(R"({"a":{"dtype":"U64","shape":[1],"data_offsets":[0,8]}})", 7) + std::string(1, '\x80');
  EXPECT_NE(errorOf([&] { (void)readSafetensors(inMemory(content)); }).find("above 2^63 - 1"), std::string::npos);
}

TEST(Safetensors, AnyTruthyByteOfABooleanIsOne) {
  const std::string content =
      withHeader(R"({"a":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}})", 0) + "\x02" + '\0';
  EXPECT_EQ(asDoubles(readSafetensors(inMemory(content)).tensors[0]), (std::vector<double>{1, 0}));
}

TEST(Safetensors, CutOrFlippedFilesAreRefusedOrRead) {
  const std::string valid = contentOf(fixture("alike.safetensors"));
  const auto read = [](const InputFile& file) { (void)readSafetensors(file); };
  EXPECT_NO_THROW(read(inMemory(valid)));
  // Flips in names, metadata and data stay valid; those in structure and sizes don't.
  const std::size_t refused = test::refusedChanges(valid, read);
  EXPECT_GT(refused, valid.size() * 4);
  EXPECT_LT(refused, valid.size() * 7);
}

TEST(Safetensors, TheFaultIsTheOneAskedFor) {
  errorOf([] { (void)readSafetensors(std::filesystem::path("/nowhere/impact.safetensors"), Fault::output); },
          Fault::output);
  errorOf([] { (void)readSafetensors(fixture("table.npy"), Fault::output); }, Fault::output);
}

}  // namespace
}  // namespace heft
