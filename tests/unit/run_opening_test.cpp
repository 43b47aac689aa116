#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <optional>

#include "run/folder/run_folder.hpp"
#include "unit/example_run.hpp"
#include "unit/file_helpers.hpp"

namespace heft::test {
namespace {

namespace fs = std::filesystem;

std::string refusal(const fs::path& path) {
  return errorOf([&] { (void)RunFolder::create(path); }, Fault::output);
}

TEST(OpeningARunFolder, MakesItWithItsParentsAndLeavesNoLockBehind) {
  const TemporaryFolder folder;
  const fs::path path = folder / "a/b/run";
  {
    const RunFolder run = RunFolder::create(path);
    EXPECT_EQ(run.path(), path);
    EXPECT_TRUE(fs::exists(path / ".lock"));
  }
  EXPECT_TRUE(fs::is_empty(path));
}

TEST(OpeningARunFolder, TakesAnEmptyOneAndOneWithALeftoverLockAlone) {
  const TemporaryFolder folder;
  putContent(folder / ".lock", "");
  EXPECT_NO_THROW(RunFolder::create(folder.path()));
}

TEST(OpeningARunFolder, RefusesOneThatHoldsSomethingAndSaysWhat) {
  const TemporaryFolder folder;
  for (const char* name : {"a.txt", "b.txt", "c.txt", "d.txt"}) putContent(folder / name, "mine");
  EXPECT_NE(refusal(folder.path()).find("is not empty (a.txt, b.txt, c.txt and 1 more); choose another output"),
            std::string::npos);
  EXPECT_NE(refusal(folder / "a.txt").find("is a file"), std::string::npos);
  fs::create_directory(folder / "checkpoint");
  EXPECT_NE(refusal(folder.path()).find("add resume to go on"), std::string::npos);
  putContent(folder / "run.json", "{}");
  EXPECT_NE(refusal(folder.path()).find("holds a run already"), std::string::npos);
  EXPECT_EQ(contentOf(folder / "a.txt"), "mine");
}

TEST(OpeningARunFolder, SaysInOneLineThatItMayNotWriteThere) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "empty");
  const OrdinaryUser user;
  EXPECT_NE(refusal(folder / "new/run").find("choose a folder that you may write to"), std::string::npos);
  // A folder of somebody else's that is there, and empty.
  if (::access((folder / "empty").c_str(), W_OK) != 0) {
    EXPECT_FALSE(refusal(folder / "empty").empty());
  }
}

TEST(OpeningARunFolder, NamesItAfterTheModelByTheFirstFreeNumber) {
  const TemporaryFolder folder;
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  fs::create_directory("heft-run-char-lstm-1");
  putContent("heft-run-char-lstm-2", "a file");
  const std::string third = RunFolder::createFor("models/char-lstm.pt").path();
  const std::string fourth = RunFolder::createFor("char-lstm.pt").path();
  fs::current_path(before);
  EXPECT_EQ(third, "heft-run-char-lstm-3");
  EXPECT_EQ(fourth, "heft-run-char-lstm-4");
}

TEST(OpeningARunFolder, ResumesARunAndDeletesPartialFiles) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "checkpoint");
  putContent(folder / ".heft-partial-1-0", "half");
  putContent(folder / "impact.safetensors", "whole");
  (void)RunFolder::resume(folder.path());
  EXPECT_FALSE(fs::exists(folder / ".heft-partial-1-0"));
  EXPECT_TRUE(fs::exists(folder / "impact.safetensors"));
}

TEST(OpeningARunFolder, RefusesToResumeWhatIsNoRun) {
  const TemporaryFolder folder;
  putContent(folder / "holiday.jpg", "mine");
  const std::string error = errorOf([&] { (void)RunFolder::resume(folder.path()); }, Fault::output);
  EXPECT_NE(error.find("holds no run to resume (holiday.jpg)"), std::string::npos) << error;
  EXPECT_NO_THROW(RunFolder::resume(folder / "new"));
}

TEST(OpeningARunFolder, KeepsASecondOneOutUntilTheFirstIsDone) {
  const TemporaryFolder folder;
  std::optional<RunFolder> first = RunFolder::create(folder.path());
  EXPECT_NE(refusal(folder.path()).find("another heft is writing"), std::string::npos);
  first.reset();
  EXPECT_NO_THROW(RunFolder::create(folder.path()));
}

TEST(OpeningARunFolder, IsFreeAgainOnceItsProcessWasKilled) {
  const TemporaryFolder folder;
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const RunFolder held = RunFolder::create(folder.path());
    (void)!::write(ready[1], "x", 1);
    ::pause();
    ::_exit(1);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_FALSE(refusal(folder.path()).empty());
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_NO_THROW(RunFolder::create(folder.path()));
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(OpeningARunFolder, ReadersNeedNoLockWhereTheyMayNotWriteAndKeepWritersOutElsewhere) {
  const TemporaryFolder folder;
  {
    const FolderLock reader(folder.path(), FolderLock::Use::read);
    { const FolderLock another(folder.path(), FolderLock::Use::read); }
    EXPECT_FALSE(refusal(folder.path()).empty());
  }
  EXPECT_TRUE(folder.names().empty());
  const OrdinaryUser user;
  if (::access(folder.path().c_str(), W_OK) != 0) {
    EXPECT_NO_THROW(FolderLock(folder.path(), FolderLock::Use::read));
    EXPECT_FALSE(errorOf([&] { FolderLock(folder.path()); }, Fault::output).empty());
  }
}

TEST(WritingARun, SaysInOneLineThatTheDiskIsFull) {
  // /dev/full can't stand in for a file, but a limit on file size fails in the same call.
  const TemporaryFolder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    const heft::Run run = plainRun(std::vector<float>(100000, 1), std::vector<float>(100000, 1));
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{1000, 1000};
    ::setrlimit(RLIMIT_FSIZE, &small);
    const std::string error = errorOf([&] { writeRun(run, findingsOf(run), folder.path()); }, Fault::output);
    ::_exit(error.find("impact.safetensors: can't be written") != std::string::npos ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(folder.names().empty());
}

}  // namespace
}  // namespace heft::test
