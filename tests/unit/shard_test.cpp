#include "run/stored/shard.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "file_helpers.hpp"
#include "heft/error.hpp"
#include "unit/every_member.hpp"
#include "unit/example_run.hpp"

namespace heft::test {
namespace {

FoundShard part(std::int64_t index, std::int64_t count, const std::string& folder) {
  FoundShard found{folder, {}};
  found.record.shard = {index, count};
  found.record.identity = {{"model", "a1"}, {"--seed", "0"}};
  found.record.finished = true;
  return found;
}

/// The one line of the refusal.
std::string refusalOf(const std::vector<FoundShard>& shards) {
  try {
    static_cast<void>(missingShards(shards));
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::output);
    return error.what();
  }
  return "no refusal";
}

TEST(Shard, EveryPlaceBelongsToOnePartAndPartsDifferByOneAtMost) {
  for (const std::int64_t count : {1, 2, 3, 7, 64, 1000}) {
    std::vector<std::size_t> sizes(static_cast<std::size_t>(count));
    constexpr std::uint64_t kPlaces = 5003;
    for (std::uint64_t place = 0; place < kPlaces; ++place) {
      int owners = 0;
      for (std::int64_t index = 1; index <= count; ++index) {
        if (!Shard{index, count}.does(place)) continue;
        ++owners;
        ++sizes[static_cast<std::size_t>(index - 1)];
      }
      ASSERT_EQ(owners, 1) << place;
    }
    const auto [least, most] = std::minmax_element(sizes.begin(), sizes.end());
    EXPECT_LE(*most - *least, 1U) << count;
  }
}

TEST(Shard, NoPartIsLeftWithOneColumnOfAMatrix) {
  constexpr std::uint64_t kColumns = 64, kRows = 256;
  const Shard shard{1, 4};
  for (std::uint64_t column = 0; column < kColumns; ++column) {
    int mine = 0;
    for (std::uint64_t row = 0; row < kRows; ++row) mine += shard.does(row * kColumns + column) ? 1 : 0;
    EXPECT_GT(mine, 30) << column;
    EXPECT_LT(mine, 100) << column;
  }
}

TEST(Shard, IsReadAsItIsWritten) {
  EXPECT_EQ(Shard::parse("3/7"), (Shard{3, 7}));
  EXPECT_EQ(Shard::parse("3/7").text(), "3/7");
  for (const char* wrong : {"", "3", "0/7", "8/7", "-1/7", "3/0", "3/7/9", "3/ 7", "a/b", "1/1000001"})
    EXPECT_THROW(static_cast<void>(Shard::parse(wrong)), Error) << wrong;
}

TEST(Shard, EstimatesDoNoPartOfTheWork) {
  const Shard estimates{0, 0};
  EXPECT_TRUE(estimates.estimates());
  EXPECT_FALSE(estimates.does(0));
}

TEST(Shard, ItsFileHoldsWhatItWasGiven) {
  const TemporaryFolder folder;
  auto record = part(2, 5, "").record;
  record.settings.seed = 18'446'744'073'709'551'615U;
  record.notes = {"a note"};
  record.cost.variants = 12;
  record.stage = "executing";
  record.share = 0.25;
  writeShard(record, folder.path());
  const auto read = readShard(folder.path());
  EXPECT_EQ(read.shard, record.shard);
  EXPECT_EQ(read.identity, record.identity);
  EXPECT_EQ(read.settings.seed, record.settings.seed);
  EXPECT_EQ(read.notes, record.notes);
  EXPECT_EQ(read.cost.variants, 12U);
  EXPECT_EQ(read.stage, "executing");
  EXPECT_EQ(read.share, 0.25);
  EXPECT_TRUE(read.finished);
  EXPECT_GT(read.updated, 1'600'000'000);
}

TEST(Shard, AFileThatCantBeMadeOutIsDamagedAndOneOfAnotherVersionIsNot) {
  const test::TemporaryFolder folder;
  ShardRecord record;
  record.shard = Shard::parse("2/3");
  writeShard(record, folder.path());
  EXPECT_FALSE(shardDamage(folder.path()));
  const std::string whole = test::contentOf(folder / "shard.json");
  std::string flipped = whole;
  flipped[flipped.find("\"of\": 3") + 6] ^= 1;
  for (const std::string& text : {flipped, whole.substr(0, whole.size() / 2), std::string()}) {
    test::putContent(folder / "shard.json", text);
    ASSERT_TRUE(shardDamage(folder.path()));
    EXPECT_NE(shardDamage(folder.path())->find("shard.json"), std::string::npos);
    EXPECT_THROW((void)readShard(folder.path()), Error);
  }
  test::putContent(folder / "shard.json", R"({"format": "heft-shard", "format_version": 9})");
  EXPECT_FALSE(shardDamage(folder.path()));
}

TEST(Shard, MissingAndUnfinishedPartsAreNamedInOrder) {
  auto unfinished = part(4, 5, "d");
  unfinished.record.finished = false;
  EXPECT_EQ(missingShards({part(5, 5, "e"), unfinished, part(1, 5, "a"), part(3, 5, "c")}),
            (std::vector<std::string>{"2/5", "4/5"}));
  EXPECT_TRUE(missingShards({part(2, 2, "b"), part(1, 2, "a"), part(0, 0, "estimates")}).empty());
}

TEST(Shard, PartsThatDontFitTogetherAreRefusedByName) {
  const auto twice = refusalOf({part(1, 2, "a"), part(2, 2, "b"), part(1, 2, "c")});
  EXPECT_NE(twice.find("c: is shard 1/2 once more, which a is already"), std::string::npos) << twice;
  const auto divisions = refusalOf({part(1, 2, "a"), part(2, 3, "b")});
  EXPECT_NE(divisions.find("b: is shard 2/3, but a is shard 1/2"), std::string::npos) << divisions;
  auto other = part(2, 2, "b");
  other.record.identity["--seed"] = "9";
  const auto seeds = refusalOf({part(1, 2, "a"), other});
  EXPECT_NE(seeds.find("--seed (a 0, here 9)"), std::string::npos) << seeds;
}

TEST(Shard, GivesBackEveryMember) {
  const heft::Run run = exampleRun();
  const ShardRecord wrote{{2, 3},
                          {{"model", "a1"}, {"seed", "0"}},
                          run.settings,
                          run.provenance,
                          run.feature_names,
                          run.cost,
                          run.notes,
                          true,
                          "measuring",
                          0.25,
                          1.5,
                          1};
  MembersSet set;
  set.see(wrote);
  set.expectAll();
  const TemporaryFolder folder;
  writeShard(wrote, folder.path());
  ShardRecord read = readShard(folder.path());
  EXPECT_GT(read.updated, wrote.updated);  // the present time
  read.updated = wrote.updated;
  expectEveryMember(read, wrote);
}

}  // namespace
}  // namespace heft::test
