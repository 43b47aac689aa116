#include "data/npy.hpp"

#include <cstring>
#include <numeric>

#include "data/little_endian.hpp"
#include "data/npy_header.hpp"
#include "data/zip_writer.hpp"
#include "every_type.hpp"
#include "file_helpers.hpp"

namespace heft {
namespace {

using test::contentOf;
using test::errorOf;
using test::fixture;
using test::inMemory;

std::string withHeader(std::string_view header, std::size_t dataBytes) {
  std::string content = "\x93NUMPY\x01";
  content += '\0';
  appendLittle<std::uint16_t>(content, static_cast<std::uint16_t>(header.size()));
  content += header;
  return content + std::string(dataBytes, '\1');
}

std::vector<double> countTo(std::size_t count) {
  std::vector<double> values(count);
  std::iota(values.begin(), values.end(), 0.0);
  return values;
}

TEST(Npy, FortranOrderBecomesRowMajor) {
  const StoredTensor tensor = readNpy(fixture("fortran.npy"));
  EXPECT_EQ(tensor.scalar, Scalar::i16);
  EXPECT_EQ(tensor.shape, (std::vector<std::int64_t>{2, 3, 4}));
  EXPECT_EQ(asDoubles(tensor), countTo(24));
}

TEST(Npy, BigEndianFortranOrderBecomesLittleEndianRowMajor) {
  const StoredTensor tensor = readNpy(fixture("big_endian.npy"));
  EXPECT_EQ(tensor.scalar, Scalar::f64);
  EXPECT_EQ(asDoubles(tensor), countTo(24));
}

TEST(Npy, ReadsFormatVersionsTwoAndThree) {
  for (const char* name : {"version2.npy", "version3.npy"}) {
    EXPECT_EQ(asDoubles(readNpy(fixture(name))), countTo(24)) << name;
  }
}

TEST(Npy, ReadsAnArrayWithoutDimensions) {
  const StoredTensor tensor = readNpy(fixture("one.npy"));
  EXPECT_TRUE(tensor.shape.empty());
  EXPECT_EQ(asDoubles(tensor), std::vector<double>{2.5});
}

TEST(Npy, TheHeadIsTheOneThatNumPyWrites) {
  for (const char* name : {"table.npy", "vector.npy", "one.npy", "bool.npy"}) {
    const StoredTensor tensor = readNpy(fixture(name));
    const std::string head = makeNpyHeader(tensor.scalar, tensor.shape);
    EXPECT_EQ(head, contentOf(fixture(name)).substr(0, head.size())) << name;
    EXPECT_EQ(head.size() + tensor.bytes.size(), contentOf(fixture(name)).size()) << name;
  }
}

TEST(Npy, ComplexNumbersAreTheirParts) {
  const StoredTensor tensor = readNpy(fixture("complex.npy"));
  EXPECT_EQ(tensor.scalar, Scalar::c128);
  EXPECT_EQ(tensor.bytes.size(), byteCount(16, tensor.shape));
}

TEST(Npy, ArraysThatAreNotNumbersAreRefusedByName) {
  const auto says = [](const char* name) { return errorOf([&] { (void)readNpy(fixture(name)); }); };
  EXPECT_NE(says("objects.npy").find("Python objects (dtype '|O')"), std::string::npos);
  EXPECT_NE(says("structured.npy").find("structured"), std::string::npos);
  EXPECT_NE(says("text.npy").find("text (dtype '<U3')"), std::string::npos);
  EXPECT_NE(says("above_int64.npy").find("above 2^63 - 1"), std::string::npos);
  EXPECT_NE(says("every_type.npz").find("looks like a zip archive"), std::string::npos);
}

struct BadHeader {
  std::string_view header;
  std::string_view says;
};

TEST(Npy, WhatTheFormatForbidsIsRefusedAndSaid) {
  const std::vector<BadHeader> cases = {
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", "needs 12 bytes at byte 67, but the file has 75"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", "4 bytes behind"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", "impossible shape"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4611686018427387904, 4), }", "impossible shape"},
      {"{'descr': '<u2', 'fortran_order': False, 'shape': (0, 4611686018427387903, 1), }", "impossible shape"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", "fits 63 bits"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", "fits 63 bits"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': 2, }", "expected '('"},
      {"{'descr': '<f4', 'fortran_order': Maybe, 'shape': (2,), }", "expected True or False"},
      {"{'descr': '<f4', 'fortran_order': False, }", "is missing"},
      {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", "stands there twice"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} x", "expected its end"},
      {"{'descr': '<f4", "quote is not closed"},
      {"{'descr': '<f16', 'fortran_order': False, 'shape': (2,)}", "does not know (dtype '<f16')"},
      {"{'descr': '', 'fortran_order': False, 'shape': (2,)}", "does not know"},
      {"", "expected '{'"},
  };
  for (const BadHeader& bad : cases) {
    const std::string text = errorOf([&] { (void)readNpy(inMemory(withHeader(bad.header, 8))); });
    EXPECT_NE(text.find(bad.says), std::string::npos) << bad.header << "\n" << text;
  }
}

TEST(Npy, AcceptsTheKeysInAnyOrderAndNoTrailingComma) {
  const StoredTensor tensor =
      readNpy(inMemory(withHeader("{\"shape\":(2L,1),'fortran_order':True,'descr':'=i4'}\n", 8)));
  EXPECT_EQ(tensor.shape, (std::vector<std::int64_t>{2, 1}));
  EXPECT_EQ(asDoubles(tensor), (std::vector<double>{0x01010101, 0x01010101}));
}

TEST(Npy, AnUnknownVersionIsRefused) {
  std::string content = contentOf(fixture("table.npy"));
  content[6] = 4;
  EXPECT_NE(errorOf([&] { (void)readNpy(inMemory(content)); }).find("version 4"), std::string::npos);
}

TEST(Npy, CutOrFlippedFilesAreRefusedOrRead) {
  const auto read = [](const InputFile& file) { (void)readNpy(file); };
  for (const char* name : {"table.npy", "big_endian.npy", "version3.npy"}) {
    const std::string valid = contentOf(fixture(name));
    EXPECT_NO_THROW(read(inMemory(valid)));
    EXPECT_GT(test::refusedChanges(valid, read), std::size_t{500}) << name;
  }
}

TEST(Npz, ReadsEveryTypeThatNumPyWrites) {
  const std::vector<StoredTensor> tensors = readNpz(fixture("every_type.npz"));
  EXPECT_EQ(tensors.size(), test::everyType().size());
  test::expectEveryType(tensors);
  EXPECT_EQ(tensors[0].name, "bool");
}

TEST(Npz, ReadsCompressedArrays) {
  const std::vector<StoredTensor> tensors = readNpz(fixture("deflated.npz"));
  test::expectEveryType(tensors);
  EXPECT_EQ(asDoubles(test::named(tensors, "zeros")), std::vector<double>(10'000, 0));
}

TEST(Npz, ArraysComeInTheOrderOfTheArchive) {
  const test::TemporaryFolder folder;
  const std::vector<StoredTensor> tensors = {storeTensor("rnn.weight", {2, 1}, std::vector<float>{1, 2}),
                                             storeTensor("empty", {0, 3}, std::vector<double>()),
                                             storeTensor("a/ä", {}, std::vector<std::int64_t>{-9})};
  ZipWriter zip(folder / "a.npz");
  for (const StoredTensor& tensor : tensors) {
    zip.add(tensor.name + ".npy", test::bytesOf(makeNpyHeader(tensor.scalar, tensor.shape)), tensor.bytes);
  }
  zip.commit();
  const std::vector<StoredTensor> back = readNpz(folder / "a.npz");
  ASSERT_EQ(back.size(), tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    EXPECT_EQ(back[i].name, tensors[i].name);
    EXPECT_EQ(back[i].shape, tensors[i].shape);
    EXPECT_EQ(back[i].bytes, tensors[i].bytes);
  }
}

TEST(Npz, ErrorsNameTheArrayWithinTheFile) {
  const test::TemporaryFolder folder;
  ZipWriter zip(folder / "a.npz");
  zip.add("labels.npy", test::bytesOf(contentOf(fixture("text.npy"))), {});
  zip.commit();
  const std::string text = errorOf([&] { (void)readNpz(folder / "a.npz"); });
  EXPECT_NE(text.find("a.npz: array 'labels': the .npy array holds text"), std::string::npos) << text;
}

TEST(Npz, ZipsOfOtherThingsAreRefused) {
  const test::TemporaryFolder folder;
  ZipWriter zip(folder / "a.npz");
  zip.add("archive/data.pkl", test::bytesOf("x"), {});
  zip.commit();
  EXPECT_NE(errorOf([&] { (void)readNpz(folder / "a.npz"); }).find("'archive/data.pkl', which is no .npy"),
            std::string::npos);
}

TEST(Npz, AnArchiveWithoutArraysIsRefused) {
  const test::TemporaryFolder folder;
  ZipWriter(folder / "a.npz").commit();
  EXPECT_NE(errorOf([&] { (void)readNpz(folder / "a.npz"); }).find("without arrays"), std::string::npos);
}

TEST(Npz, CutOrFlippedFilesAreRefusedOrRead) {
  const auto read = [](const InputFile& file) { (void)readNpz(file); };
  const std::string valid = contentOf(fixture("deflated.npz"));
  EXPECT_NO_THROW(read(inMemory(valid)));
  // The checksums guard the content; dates and attributes are not looked at.
  EXPECT_GT(test::refusedChanges(valid, read), valid.size() * 5);
}

}  // namespace
}  // namespace heft
