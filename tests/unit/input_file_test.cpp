#include "data/input_file.hpp"

#include <sys/stat.h>

#include "file_helpers.hpp"

namespace heft {
namespace {

using test::errorOf;
using test::inMemory;

TEST(InputFile, ReadsTheBytesAtAnOffset) {
  const test::TemporaryFolder folder;
  test::putContent(folder / "a", "0123456789");
  const InputFile file = InputFile::open(folder / "a");
  EXPECT_EQ(file.size(), 10U);
  EXPECT_EQ(file.read(3, 4, "part"), test::bytesOf("3456"));
}

TEST(InputFile, AMissingFileIsNamedWithTheFaultAskedFor) {
  const std::string text = errorOf([] { InputFile::open("/nowhere/a.npy", Fault::model); }, Fault::model);
  EXPECT_EQ(text, "/nowhere/a.npy: no such file; check the path");
}

TEST(InputFile, ADirectoryIsRefused) {
  const test::TemporaryFolder folder;
  const std::string text = errorOf([&] { InputFile::open(folder.path()); });
  EXPECT_NE(text.find("is a directory; expected a file"), std::string::npos) << text;
}

TEST(InputFile, APipeIsRefusedWithoutWaitingForIt) {
  const test::TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  const std::string text = errorOf([&] { InputFile::open(folder / "pipe"); });
  EXPECT_NE(text.find("pipe or device"), std::string::npos) << text;
}

TEST(InputFile, AFileThatMayNotBeReadIsRefused) {
  const test::TemporaryFolder folder;
  test::putContent(folder / "secret", "x");
  std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_all | std::filesystem::perms::others_exec);
  std::filesystem::permissions(folder / "secret", std::filesystem::perms::none);
  const test::OrdinaryUser user;
  const std::string text = errorOf([&] { InputFile::open(folder / "secret"); });
  EXPECT_NE(text.find("permission denied"), std::string::npos) << text;
}

TEST(InputFile, ReadingBehindTheEndSaysWhatIsMissing) {
  EXPECT_EQ(errorOf([] { (void)inMemory("abc").read(1, 5, "the header"); }),
            "memory: cut short: the header needs 5 bytes at byte 1, but the file has 3 bytes; copy or save "
            "it again");
  EXPECT_EQ(errorOf([] { (void)inMemory("").read(0, 5, "the header"); }), "memory: the file is empty (0 bytes)");
}

TEST(InputFile, AnOffsetNearTheIntegerLimitIsRefused) {
  errorOf([] { (void)inMemory("abc").read(~std::uint64_t{0}, 2, "x"); });
  errorOf([] { (void)inMemory("abc").read(2, ~std::uint64_t{0}, "x"); });
}

TEST(InputFile, GuessesWhatAFileIs) {
  EXPECT_EQ(looksLike(inMemory("PK\x03\x04rest")), "a zip archive (.npz or .pt)");
  EXPECT_EQ(looksLike(inMemory("\x93NUMPY\x01")), "a NumPy .npy array");
  EXPECT_EQ(looksLike(inMemory("\x80\x02}q")), "a Python pickle");
  EXPECT_EQ(looksLike(inMemory("version https://git-lfs.github.com/spec/v1")),
            "a Git LFS pointer, not the file itself");
  EXPECT_EQ(looksLike(inMemory("1,2,3\n")), "plain text");
  EXPECT_EQ(looksLike(inMemory("")), "an empty file");
  EXPECT_EQ(looksLike(InputFile::open(test::fixture("alike.safetensors"))), "a safetensors file");
}

}  // namespace
}  // namespace heft
