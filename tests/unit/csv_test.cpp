#include "data/csv.hpp"

#include <limits>

#include "file_helpers.hpp"

namespace heft {
namespace {

using test::contentOf;
using test::errorOf;

TEST(Csv, QuotesOnlyWhatNeedsIt) {
  const test::TemporaryFolder folder;
  CsvWriter table(folder / "t.csv", {"name", "a,b"});
  table.cell("rnn.weight_hh_l0[3,4]").cell("plain text").endRow();
  table.cell("say \"hi\"").cell("two\nlines").endRow();
  table.cell("").missing().endRow();
  table.commit();
  EXPECT_EQ(contentOf(folder / "t.csv"),
            "name,\"a,b\"\n\"rnn.weight_hh_l0[3,4]\",plain text\n\"say \"\"hi\"\"\",\"two\nlines\"\n\"\",\n");
}

TEST(Csv, NumbersAreTheShortestThatReadBackExactly) {
  const test::TemporaryFolder folder;
  CsvWriter table(folder / "t.csv", {"a", "b", "c", "d", "e"});
  table.cell(0.1).cell(0.1F).cell(1.0 / 3).cell(-7).cell(std::numeric_limits<std::uint64_t>::max()).endRow();
  table.cell(1e-300).cell(5e-324).cell(100.0).cell(std::int8_t{65}).cell(std::size_t{0}).endRow();
  table.commit();
  EXPECT_EQ(contentOf(folder / "t.csv"),
            "a,b,c,d,e\n0.1,0.1,0.3333333333333333,-7,18446744073709551615\n1e-300,5e-324,100,65,0\n");
}

TEST(Csv, NotANumberIsAnEmptyCell) {
  const test::TemporaryFolder folder;
  CsvWriter table(folder / "t.csv", {"a", "b", "c"});
  table.cell(std::numeric_limits<double>::quiet_NaN())
      .cell(std::numeric_limits<float>::quiet_NaN())
      .cell(-std::numeric_limits<double>::infinity())
      .endRow();
  table.commit();
  EXPECT_EQ(contentOf(folder / "t.csv"), "a,b,c\n,,-inf\n");
}

TEST(Csv, ARowOfTheWrongLengthIsADefect) {
  const test::TemporaryFolder folder;
  CsvWriter table(folder / "t.csv", {"a", "b"});
  EXPECT_NE(errorOf([&] { table.cell(1).endRow(); }, Fault::internal).find("1 cells"), std::string::npos);
}

TEST(Csv, AnUnfinishedTableIsNotLeftBehind) {
  const test::TemporaryFolder folder;
  { CsvWriter(folder / "t.csv", {"a"}).cell(1).endRow(); }
  EXPECT_TRUE(folder.names().empty());
}

}  // namespace
}  // namespace heft
