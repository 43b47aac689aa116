#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "run/stored/checkpoint.hpp"
#include "unit/example_run.hpp"
#include "unit/file_helpers.hpp"

namespace heft::test {
namespace {

namespace fs = std::filesystem;

const Checkpoint::Identity identity{{"inputs", "1234"}, {"model", "abcd"}, {"seed", "0"}};
constexpr std::size_t columns = 2;

/// Values that need every bit of a float64.
std::vector<double> rowOf(std::uint64_t weight) { return {std::sqrt(static_cast<double>(weight) + 2), 1.0 / 3}; }

Checkpoint open(const TemporaryFolder& folder) { return Checkpoint(folder.path(), identity, columns); }

void expectRow(const Checkpoint& checkpoint, std::uint64_t weight) {
  const std::vector<double> expected = rowOf(weight);
  const std::span<const double> found = checkpoint.row(weight);
  ASSERT_EQ(found.size(), columns) << weight;
  EXPECT_EQ(std::memcmp(found.data(), expected.data(), columns * sizeof(double)), 0) << weight;
}

TEST(Checkpoint, GivesBackTheSameBitsAfterReopening) {
  const TemporaryFolder folder;
  constexpr std::uint64_t huge = std::numeric_limits<std::int64_t>::max();
  const std::vector<double> doubles{0.1, noDouble, endless, -0.0};
  const std::vector<float> floats(10000, 0.1F);  // too long to be kept in memory
  {
    Checkpoint checkpoint = open(folder);
    for (const std::uint64_t weight : {std::uint64_t{5}, std::uint64_t{0}, huge}) checkpoint.add(weight, rowOf(weight));
    checkpoint.flush();
    checkpoint.add(7, rowOf(7));
    checkpoint.addList("odd name / [1,2]", doubles);
    checkpoint.addList("response", floats);
    checkpoint.addList("nothing", std::span<const double>());
    checkpoint.flush();
    checkpoint.add(8, rowOf(8));  // never flushed
  }
  const Checkpoint again = open(folder);
  EXPECT_TRUE(again.notes().empty());
  EXPECT_EQ(again.weights(), 4U);
  for (const std::uint64_t weight : {std::uint64_t{5}, std::uint64_t{0}, huge, std::uint64_t{7}})
    expectRow(again, weight);
  EXPECT_FALSE(again.has(8));
  EXPECT_TRUE(again.row(8).empty());
  const auto read = again.list("odd name / [1,2]");
  ASSERT_TRUE(read && read->size() == doubles.size());
  EXPECT_EQ(std::memcmp(read->data(), doubles.data(), doubles.size() * sizeof(double)), 0);
  const auto wide = again.list("response");
  ASSERT_TRUE(wide);
  EXPECT_EQ(*wide, std::vector<double>(10000, static_cast<double>(0.1F)));
  EXPECT_TRUE(again.list("nothing") && again.list("nothing")->empty());
  EXPECT_FALSE(again.list("absent"));
  EXPECT_FALSE(again.hasList("absent"));
}

TEST(Checkpoint, HoldsInAFileOnlyWhatIsNew) {
  const TemporaryFolder folder;
  Checkpoint checkpoint = open(folder);
  for (std::uint64_t weight = 0; weight < 10000; ++weight) checkpoint.add(weight, rowOf(weight));
  checkpoint.flush();
  checkpoint.flush();
  checkpoint.add(10000, rowOf(10000));
  checkpoint.add(3, rowOf(3));  // known
  checkpoint.flush();
  EXPECT_GT(fs::file_size(folder / "checkpoint/part-000001.safetensors"), 10000 * 3 * sizeof(double));
  EXPECT_LT(fs::file_size(folder / "checkpoint/part-000002.safetensors"), 1000U);
  EXPECT_FALSE(fs::exists(folder / "checkpoint/part-000003.safetensors"));
}

TEST(Checkpoint, GivesLongListsBackAfterTheyWereFlushed) {
  const TemporaryFolder folder;
  Checkpoint checkpoint = open(folder);
  const std::vector<double> values(5000, 0.1);
  checkpoint.addList("long", values);
  EXPECT_EQ(checkpoint.list("long"), values);
  checkpoint.flush();
  EXPECT_EQ(checkpoint.list("long"), values);
  fs::remove(folder / "checkpoint/part-000001.safetensors");
  EXPECT_FALSE(checkpoint.list("long"));
}

TEST(Checkpoint, LeavesOutAFileWithAnyChangedBitOrMissingEnd) {
  const TemporaryFolder folder;
  {
    Checkpoint checkpoint = open(folder);
    checkpoint.add(1, rowOf(1));
    checkpoint.addList("list", rowOf(9));
    checkpoint.flush();
    checkpoint.add(2, rowOf(2));
    checkpoint.flush();
  }
  const fs::path file = folder / "checkpoint/part-000001.safetensors";
  const std::string whole = contentOf(file);
  const auto expectLeftOut = [&](const std::string& content, const std::string& how) {
    putContent(file, content);
    Checkpoint checkpoint = open(folder);
    expectRow(checkpoint, 2);
    if (checkpoint.notes().empty()) {  // a change that no value hangs on
      expectRow(checkpoint, 1);
      return;
    }
    EXPECT_FALSE(checkpoint.has(1)) << how;
    EXPECT_FALSE(checkpoint.hasList("list")) << how;
    ASSERT_EQ(checkpoint.notes().size(), 1U) << how;
    EXPECT_NE(checkpoint.notes()[0].find("part-000001"), std::string::npos);
  };
  for (std::size_t byte = 0; byte < whole.size(); ++byte) {
    std::string changed = whole;
    changed[byte] = static_cast<char>(changed[byte] ^ 4);
    expectLeftOut(changed, "byte " + std::to_string(byte));
  }
  for (std::size_t length = 0; length < whole.size(); length += 7)
    expectLeftOut(whole.substr(0, length), "cut to " + std::to_string(length));
  // A number that no header check can find wrong.
  std::string changed = whole;
  changed.back() = static_cast<char>(changed.back() ^ 1);
  putContent(file, changed);
  EXPECT_EQ(open(folder).notes().size(), 1U);
}

TEST(Checkpoint, NeverWritesOverAFileThatItLeftOut) {
  const TemporaryFolder folder;
  { open(folder); }
  putContent(folder / "checkpoint/part-000041.safetensors", "garbage");
  Checkpoint checkpoint = open(folder);
  checkpoint.add(1, rowOf(1));
  checkpoint.flush();
  EXPECT_TRUE(fs::exists(folder / "checkpoint/part-000042.safetensors"));
}

TEST(Checkpoint, NamesWhatDiffersFromTheRunItBelongsTo) {
  const TemporaryFolder folder;
  { open(folder); }
  const auto error = [&](const Checkpoint::Identity& other, std::size_t width = columns) {
    return errorOf([&] { Checkpoint(folder.path(), other, width); }, Fault::output);
  };
  const std::string model = error({{"inputs", "1234"}, {"model", "ef"}, {"seed", "0"}});
  EXPECT_NE(model.find("another model (earlier abcd, now ef)"), std::string::npos) << model;
  EXPECT_EQ(model.find("inputs"), std::string::npos) << model;
  const std::string both = error({{"inputs", "5"}, {"model", "abcd"}, {"stream", "yes"}});
  EXPECT_NE(both.find("inputs (earlier 1234, now 5), seed (earlier 0, now none), stream"), std::string::npos) << both;
  EXPECT_NE(error(identity, 4).find("numbers per weight (earlier 2, now 4)"), std::string::npos);
}

TEST(Checkpoint, TakesTheWordOfItsPartsWhereItsIdentityIsDamaged) {
  const TemporaryFolder folder;
  {
    Checkpoint checkpoint = open(folder);
    checkpoint.add(1, rowOf(1));
    checkpoint.flush();
  }
  const std::string whole = contentOf(folder / "checkpoint/identity.json");
  std::string flipped = whole;
  flipped[flipped.find("abcd")] ^= 1;  // another model, in good JSON
  for (const std::string& text : {flipped, std::string("{]"), std::string()}) {
    putContent(folder / "checkpoint/identity.json", text);
    const Checkpoint checkpoint = open(folder);
    expectRow(checkpoint, 1);
    ASSERT_EQ(checkpoint.notes().size(), 1U);
    EXPECT_NE(checkpoint.notes()[0].find("identity.json"), std::string::npos);
    EXPECT_EQ(contentOf(folder / "checkpoint/identity.json"), whole);
  }
  putContent(folder / "checkpoint/identity.json", "{]");
  const std::string error = errorOf([&] { Checkpoint(folder.path(), {{"model", "other"}}, columns); }, Fault::output);
  EXPECT_NE(error.find("identity.json"), std::string::npos) << error;
}

TEST(Checkpoint, DeletesWhatItLeftOutWhenThatIsAskedFor) {
  const TemporaryFolder folder;
  { open(folder); }
  putContent(folder / "checkpoint/part-000001.safetensors", "garbage");
  Checkpoint checkpoint = open(folder);
  checkpoint.add(1, rowOf(1));
  checkpoint.flush();
  checkpoint.removeLeftOut();
  EXPECT_FALSE(fs::exists(folder / "checkpoint/part-000001.safetensors"));
  EXPECT_TRUE(open(folder).notes().empty());
}

TEST(Checkpoint, LeavesOutFilesOfAnotherRun) {
  const TemporaryFolder one, two;
  Checkpoint other(one.path(), {{"model", "other"}}, columns);
  other.add(1, rowOf(1));
  other.flush();
  { open(two); }
  fs::copy(one / "checkpoint/part-000001.safetensors", two / "checkpoint/part-000001.safetensors");
  const Checkpoint checkpoint = open(two);
  EXPECT_FALSE(checkpoint.has(1));
  EXPECT_EQ(checkpoint.notes().size(), 1U);
}

TEST(Checkpoint, DeletesPartialFilesAtOpeningAndItselfAtTheEnd) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "checkpoint");
  putContent(folder / "checkpoint/.heft-partial-7-0", "half a file");
  Checkpoint checkpoint = open(folder);
  EXPECT_FALSE(fs::exists(folder / "checkpoint/.heft-partial-7-0"));
  checkpoint.add(1, rowOf(1));
  checkpoint.flush();
  checkpoint.remove();
  EXPECT_TRUE(folder.names().empty());
}

TEST(Checkpoint, DeletesNothingThatALinkLeadsTo) {
  const TemporaryFolder folder;
  const TemporaryFolder elsewhere;
  fs::create_directory(elsewhere / "inner");
  putContent(elsewhere / "inner/precious", "old");
  {
    Checkpoint checkpoint = open(folder);
    checkpoint.add(1, rowOf(1));
    checkpoint.flush();
    fs::create_directory_symlink(elsewhere / "inner", folder / "checkpoint/inside");
    fs::create_symlink(elsewhere / "inner/precious", folder / "checkpoint/part-000009.safetensors");
    checkpoint.remove();
  }
  EXPECT_TRUE(folder.names().empty());
  fs::create_directory_symlink(elsewhere / "inner", folder / "checkpoint");
  Checkpoint checkpoint = open(folder);
  checkpoint.remove();
  EXPECT_EQ(contentOf(elsewhere / "inner/precious"), "old");
}

TEST(Checkpoint, FlushesOnlyWhenTheTimeHasCome) {
  const TemporaryFolder folder;
  Checkpoint checkpoint = open(folder);
  checkpoint.add(1, rowOf(1));
  checkpoint.flushIfDue(3600);
  EXPECT_FALSE(fs::exists(folder / "checkpoint/part-000001.safetensors"));
  checkpoint.flushIfDue(0);
  EXPECT_TRUE(fs::exists(folder / "checkpoint/part-000001.safetensors"));
}

TEST(Checkpoint, RefusesRowsOfAnotherWidth) {
  const TemporaryFolder folder;
  Checkpoint checkpoint = open(folder);
  EXPECT_FALSE(errorOf([&] { checkpoint.add(1, std::vector<double>{1}); }, Fault::internal).empty());
  EXPECT_FALSE(errorOf([&] { checkpoint.add(std::uint64_t{1} << 63U, rowOf(1)); }, Fault::internal).empty());
}

/// Measures in a child process, a part after every ten weights, telling the pipe how far it has flushed.
void measureForever(const TemporaryFolder& folder, int pipe) {
  Checkpoint checkpoint = open(folder);
  for (std::uint64_t weight = 0;; ++weight) {
    if (!checkpoint.has(weight)) checkpoint.add(weight, rowOf(weight));
    if (weight % 10 != 9) continue;
    checkpoint.flush();
    (void)!::write(pipe, &weight, sizeof(weight));
  }
}

TEST(Checkpoint, KeepsAllThatWasFlushedWhenTheProcessIsKilled) {
  const TemporaryFolder folder;
  std::uint64_t flushed = 0;
  for (int attempt = 0; attempt < 5; ++attempt) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) measureForever(folder, ends[1]);
    ::close(ends[1]);
    const std::uint64_t goal = flushed + 40 + static_cast<std::uint64_t>(attempt);
    while (flushed < goal && ::read(ends[0], &flushed, sizeof(flushed)) == sizeof(flushed)) {
    }
    ::usleep(static_cast<useconds_t>(300 * attempt));  // in the middle of the next part
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    while (::read(ends[0], &flushed, sizeof(flushed)) == sizeof(flushed)) {
    }
    ::close(ends[0]);
    const Checkpoint checkpoint = open(folder);
    EXPECT_TRUE(checkpoint.notes().empty());
    for (std::uint64_t weight = 0; weight <= flushed; ++weight) expectRow(checkpoint, weight);
  }
}

}  // namespace
}  // namespace heft::test
