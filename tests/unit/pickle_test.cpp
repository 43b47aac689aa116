#include "data/pickle.hpp"

#include <algorithm>

#include "file_helpers.hpp"

namespace heft {
namespace {

using test::bytesOf;
using test::errorOf;
using test::inMemory;
using Kind = Pickled::Kind;
using namespace std::string_literals;

std::shared_ptr<const Pickled> read(const std::string& opcodes) {
  return readPickle(inMemory(""), bytesOf("\x80\x02"s + opcodes + "."));
}

std::string refusal(const std::string& opcodes) {
  return errorOf([&] { (void)read(opcodes); });
}

std::string times(std::size_t count, const std::string& text) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += text;
  return all;
}

TEST(Pickle, NumbersComeBackExactly) {
  EXPECT_EQ(read("K\xff"s)->integer, 255);
  EXPECT_EQ(read("M\x00\x80"s)->integer, 0x8000);
  EXPECT_EQ(read("J\xff\xff\xff\xff"s)->integer, -1);
  EXPECT_EQ(read("\x8a\x00"s)->integer, 0);
  EXPECT_EQ(read("\x8a\x01\xff"s)->integer, -1);
  EXPECT_EQ(read("\x8a\x05\x00\x00\x00\x00\x01"s)->integer, std::int64_t{1} << 32);
  EXPECT_EQ(read("\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80"s)->integer, std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(read("G\xc0\x04\x00\x00\x00\x00\x00\x00"s)->number, -2.5);
  EXPECT_EQ(read("\x88"s)->integer, 1);
  EXPECT_EQ(read("N"s)->kind, Kind::none);
}

TEST(Pickle, ItemsStandInTheirOrderAndWhatIsRememberedStandsInBothPlaces) {
  const auto tuple = read("(K\x01]q\x07(K\x02K\x03"s + "eh\x07t"s);
  ASSERT_EQ(tuple->items.size(), 3U);
  EXPECT_EQ(tuple->items[1]->items[1]->integer, 3);
  EXPECT_EQ(tuple->items[1], tuple->items[2]);
  const auto dict = read("}X\x01\x00\x00\x00k(K\x01K\x02ts"s);
  EXPECT_EQ(dict->items[0]->text, "k");
  EXPECT_EQ(dict->items[1]->items.size(), 2U);
}

TEST(Pickle, NothingThatIsNamedIsCalled) {
  const auto call = read("cos\nsystem\nX\x02\x00\x00\x00ls\x85R"s);
  EXPECT_EQ(call->kind, Kind::call);
  EXPECT_EQ(call->items[0]->text, "os.system");
  EXPECT_EQ(call->items[1]->items[0]->text, "ls");
}

TEST(Pickle, DepthAndReachAreBounded) {
  EXPECT_EQ(read("N" + times(31, "\x85"))->depth, 32U);
  EXPECT_NE(refusal("N" + times(32, "\x85")).find("32 deep"), std::string::npos);
  EXPECT_NE(refusal("N" + times(1'000'000, "\x85")).find("32 deep"), std::string::npos);
  EXPECT_NE(refusal(times(100, "]")).find("leaves 100 objects"), std::string::npos);
  // Each tuple holds the one before twice: 2^23 objects, and one step more is too many.
  const std::string twice = "q\x01h\x01\x86"s;
  EXPECT_EQ(read("N" + times(22, twice))->reach, (std::uint64_t{1} << 23U) - 1);
  EXPECT_NE(refusal("N" + times(23, twice)).find("10000000"), std::string::npos);
}

TEST(Pickle, AnObjectThatStandsInTwoPlacesDoesNotChangeAndSoNeverHoldsItself) {
  EXPECT_NE(refusal("]q\x01h\x01"s + "a").find("two places"), std::string::npos);
  EXPECT_NE(refusal("]q\x01\x85h\x01N"s + "a").find("two places"), std::string::npos);
  EXPECT_NE(refusal("}q\x01K\x01h\x01s"s).find("two places"), std::string::npos);
}

TEST(Pickle, WhatIsNotThereIsNotTaken) {
  for (const std::string& opcodes : {"\x85"s,       "K\x01\x86"s,
                                     "K\x01(\x85"s, "t"s,
                                     "(e"s,         "(}(u"s + "a",
                                     "a"s,          "K\x01(a"s,
                                     "s"s,          "(R"s,
                                     "h\x01"s,      "q\x01"s,
                                     "Q"s,          "b"s,
                                     "\x93"s,       "K\x01K\x02"s,
                                     ""s,           "("s,
                                     "(K\x01"s,     "N(K\x01u"s,
                                     "}(K\x01u"s,   "(K\x01"s + "d",
                                     "K\x01)R"s,    "cos\nsystem\nK\x01R"s,
                                     "\x8a\x09"s,   "P"s,
                                     "\x81"s})
    EXPECT_FALSE(refusal(opcodes).empty()) << opcodes;
}

TEST(Pickle, APickleThatIsCutOrOfAnotherProtocolIsRefused) {
  const std::string whole =
      "\x80\x02(X\x03\x00\x00\x00"
      "abcK\x01M\x01\x02J\x01\x02\x03\x04G\x01\x02\x03\x04\x05\x06\x07\x08"
      "cos\nsystem\n}q\x01r\x02\x00\x00\x00t."s;
  EXPECT_EQ(readPickle(inMemory(""), bytesOf(whole))->items.size(), 7U);
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_FALSE(errorOf([&] { (void)readPickle(inMemory(""), bytesOf(whole.substr(0, length))); }).empty()) << length;
  EXPECT_NE(errorOf([&] { (void)readPickle(inMemory(""), bytesOf("\x80\x06N."s)); }).find("protocol 6"),
            std::string::npos);
  EXPECT_NE(errorOf([&] { (void)readPickle(inMemory(""), bytesOf("(lp0\n."s)); }).find("no protocol"),
            std::string::npos);
  EXPECT_NE(refusal(std::string(std::size_t{17} << 20U, 'N')).find("longer than"), std::string::npos);
}

}  // namespace
}  // namespace heft
