#include "data/atomic_file.hpp"

#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

#include "file_helpers.hpp"

namespace heft {
namespace {

using test::contentOf;
using test::errorOf;
using test::TemporaryFolder;

/// No file may grow beyond `bytes` while it lives: writing then fails as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST(AtomicFile, AppearsWholeAtCommitAndNotBefore) {
  const TemporaryFolder folder;
  const std::string large(3U << 20U, 'x');
  AtomicFile file(folder / "a.txt");
  file.write("begin ");
  file.write(large);
  file.write(" end");
  EXPECT_FALSE(std::filesystem::exists(folder / "a.txt"));
  file.commit();
  EXPECT_EQ(contentOf(folder / "a.txt"), "begin " + large + " end");
  EXPECT_EQ(folder.names(), std::vector<std::string>{"a.txt"});
}

TEST(AtomicFile, ManySmallPiecesKeepTheirOrder) {
  const TemporaryFolder folder;
  std::string expected;
  AtomicFile file(folder / "a.txt");
  for (int i = 0; i < 300'000; ++i) {
    const std::string piece = std::to_string(i) + ",";
    file.write(piece);
    expected += piece;
  }
  file.commit();
  EXPECT_TRUE(contentOf(folder / "a.txt") == expected);
}

TEST(AtomicFile, WithoutCommitTheOldFileStaysAndNothingIsLeft) {
  const TemporaryFolder folder;
  writeFile(folder / "a.txt", "old");
  {
    AtomicFile file(folder / "a.txt");
    file.write(std::string(2U << 20U, 'x'));
    EXPECT_EQ(folder.names().size(), 2U);
  }
  EXPECT_EQ(contentOf(folder / "a.txt"), "old");
  EXPECT_EQ(folder.names(), std::vector<std::string>{"a.txt"});
}

TEST(AtomicFile, ReplacesAnOlderFile) {
  const TemporaryFolder folder;
  writeFile(folder / "a.txt", "an older and longer text");
  writeFile(folder / "a.txt", "new");
  EXPECT_EQ(contentOf(folder / "a.txt"), "new");
}

TEST(AtomicFile, ALinkIsReplacedAndWhatItLedToStays) {
  const TemporaryFolder folder;
  const TemporaryFolder elsewhere;
  test::putContent(elsewhere / "precious", "old");
  std::filesystem::create_symlink(elsewhere / "precious", folder / "a.txt");
  AtomicFile file(folder / "a.txt");
  file.write("new");
  file.commit();
  EXPECT_EQ(contentOf(folder / "a.txt"), "new");
  EXPECT_EQ(contentOf(elsewhere / "precious"), "old");
}

TEST(AtomicFile, FilesOfOneFolderDontDisturbEachOther) {
  const TemporaryFolder folder;
  AtomicFile first(folder / "1");
  AtomicFile second(folder / "2");
  first.write("one");
  second.write("two");
  second.commit();
  first.commit();
  EXPECT_EQ(contentOf(folder / "1"), "one");
  EXPECT_EQ(contentOf(folder / "2"), "two");
}

TEST(AtomicFile, LeftoversOfTheDeadAreDeletedAndWhatTheLivingWriteStays) {
  const TemporaryFolder folder;
  test::putContent(folder / ".heft-partial-1-0", "half");
  test::putContent(folder / "mine", "whole");
  AtomicFile file(folder / "a.txt");
  file.write("text");
  AtomicFile::deleteLeftovers(folder.path());
  EXPECT_FALSE(std::filesystem::exists(folder / ".heft-partial-1-0"));
  file.commit();
  EXPECT_EQ(contentOf(folder / "a.txt"), "text");
  EXPECT_EQ(contentOf(folder / "mine"), "whole");
  EXPECT_EQ(folder.names().size(), 2U);
}

TEST(AtomicFile, HonoursTheUmask) {
  const TemporaryFolder folder;
  const mode_t before = ::umask(027);
  writeFile(folder / "a.txt", "x");
  ::umask(before);
  struct stat status {};
  ASSERT_EQ(::stat((folder / "a.txt").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0640U);
}

TEST(AtomicFile, AFullDiskIsAnErrorAndLeavesTheOldFile) {
  const TemporaryFolder folder;
  writeFile(folder / "a.txt", "old");
  std::string duringWrite;
  std::string duringCommit;
  {
    const FileSizeLimit limit(100'000);
    duringWrite = errorOf([&] { AtomicFile(folder / "a.txt").write(std::string(2U << 20U, 'x')); }, Fault::output);
    duringCommit = errorOf([&] { writeFile(folder / "a.txt", std::string(200'000, 'x')); }, Fault::output);
  }
  for (const std::string& text : {duringWrite, duringCommit}) {
    EXPECT_NE(text.find("a.txt: can't be written: File too large; "), std::string::npos) << text;
  }
  EXPECT_EQ(contentOf(folder / "a.txt"), "old");
  EXPECT_EQ(folder.names(), std::vector<std::string>{"a.txt"});
}

TEST(AtomicFile, AReadOnlyFolderIsRefused) {
  const TemporaryFolder folder;
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0555));
  std::string text;
  {
    const test::OrdinaryUser user;
    text = errorOf([&] { AtomicFile(folder / "a.txt"); }, Fault::output);
  }
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
  EXPECT_NE(text.find("Permission denied; choose a folder that you may write to"), std::string::npos) << text;
}

TEST(AtomicFile, AMissingFolderIsRefused) {
  const TemporaryFolder folder;
  const std::string text = errorOf([&] { AtomicFile(folder / "no/a.txt"); }, Fault::output);
  EXPECT_NE(text.find("No such file or directory; make its folder first"), std::string::npos) << text;
}

TEST(AtomicFile, ADirectoryOfThatNameIsRefused) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "a");
  const std::string text = errorOf([&] { AtomicFile(folder / "a"); }, Fault::output);
  EXPECT_NE(text.find("a directory of that name is in the way"), std::string::npos) << text;
}

TEST(AtomicFile, ADirectoryThatComesInTheWayLaterIsAnErrorAndNothingIsLeft) {
  const TemporaryFolder folder;
  AtomicFile file(folder / "a");
  std::filesystem::create_directory(folder / "a");
  const std::string text = errorOf([&] { file.commit(); }, Fault::output);
  EXPECT_NE(text.find("can't be put in its place: Is a directory"), std::string::npos) << text;
  EXPECT_EQ(folder.names(), std::vector<std::string>{"a"});
}

TEST(AtomicFile, ADeviceIsRefusedAndStaysADevice) {
  const std::string text = errorOf([] { writeFile("/dev/null", "x"); }, Fault::output);
  EXPECT_NE(text.find("pipe or device"), std::string::npos) << text;
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

}  // namespace
}  // namespace heft
