#include "data/zip.hpp"

#include "data/little_endian.hpp"
#include "data/zip_writer.hpp"
#include "file_helpers.hpp"

namespace heft {
namespace {

using test::bytesOf;
using test::contentOf;
using test::errorOf;
using test::fixture;
using test::inMemory;

/// Two members, "a" with "AAAA" and "b" with "BBBBBB", as the writer writes them.
std::string twoMembers() {
  const test::TemporaryFolder folder;
  ZipWriter zip(folder / "z");
  zip.add("a", bytesOf("AA"), bytesOf("AA"));
  zip.add("b", bytesOf("BBBBBB"), {});
  zip.commit();
  return contentOf(folder / "z");
}

void readAll(const InputFile& file) {
  for (const ZipMember& member : listZip(file)) (void)readZipMember(file, member);
}

/// Where the central directory entry of the member stands.
std::size_t centralEntry(const std::string& zip, std::size_t number) {
  std::size_t at = zip.find("PK\x01\x02");
  for (; number > 0; --number) at = zip.find("PK\x01\x02", at + 1);
  return at;
}

TEST(Zip, MembersComeBackWithTheirContent) {
  const InputFile file = inMemory(twoMembers());
  const std::vector<ZipMember> members = listZip(file);
  ASSERT_EQ(members.size(), 2U);
  EXPECT_EQ(members[0].name, "a");
  EXPECT_EQ(readZipMember(file, members[0]), bytesOf("AAAA"));
  EXPECT_EQ(readZipMember(file, members[1]), bytesOf("BBBBBB"));
}

TEST(Zip, EqualContentGivesEqualFiles) { EXPECT_EQ(twoMembers(), twoMembers()); }

TEST(Zip, APackedMemberComesBackWholeAndTakesFewBytes) {
  const test::TemporaryFolder folder;
  ZipWriter writer(folder / "z");
  std::string whole;
  writer.addPacked("text", [&](const TakeBytes& take) {
    for (int i = 0; i < 5000; ++i) {
      const std::string piece(1 + static_cast<std::size_t>(i) % 97, static_cast<char>('a' + i / 1000));
      whole += piece;
      take(bytesOf(piece));
    }
  });
  writer.add("after", bytesOf("plain"), {});
  writer.commit();
  const InputFile file = InputFile::open(folder / "z");
  const auto members = listZip(file);
  ASSERT_EQ(members.size(), 2U);
  EXPECT_EQ(members[0].bytes, whole.size());
  EXPECT_LT(file.size(), whole.size() / 20);
  EXPECT_EQ(readZipMember(file, members[0]), bytesOf(whole));
  EXPECT_EQ(readZipMember(file, members[1]), bytesOf("plain"));
}

TEST(Zip, ACommentAtTheEndIsSkipped) {
  std::string zip = twoMembers();
  const std::string comment = "comment with PK\x05\x06 in it";
  zip[zip.size() - 2] = static_cast<char>(comment.size());
  EXPECT_EQ(listZip(inMemory(zip + comment)).size(), 2U);
}

TEST(Zip, AChangedByteFailsTheChecksum) {
  std::string zip = twoMembers();
  zip[zip.find("AAAA")] = 'X';
  EXPECT_NE(errorOf([&] { readAll(inMemory(zip)); }).find("'a' does not match its checksum"), std::string::npos);
}

TEST(Zip, EncryptedMembersAreRefused) {
  std::string zip = twoMembers();
  zip[centralEntry(zip, 1) + 8] = 1;
  EXPECT_NE(errorOf([&] { readAll(inMemory(zip)); }).find("'b' is encrypted"), std::string::npos);
}

TEST(Zip, UnknownCompressionIsRefusedByNumber) {
  std::string zip = twoMembers();
  zip[centralEntry(zip, 0) + 10] = 14;
  EXPECT_NE(errorOf([&] { readAll(inMemory(zip)); }).find("method 14"), std::string::npos);
}

TEST(Zip, MembersThatShareBytesAreRefused) {
  std::string zip = twoMembers();
  // The zip64 field ends each entry with the offset of the member's header.
  const std::size_t offsetOfB = centralEntry(zip, 1) + 46 + 1 + 4 + 16;
  zip.replace(offsetOfB, 8, std::string(8, '\0'));
  EXPECT_NE(errorOf([&] { readAll(inMemory(zip)); }).find("runs into what follows it"), std::string::npos);
}

TEST(Zip, AMemberBehindTheDirectoryIsRefused) {
  std::string zip = twoMembers();
  const std::size_t offsetOfB = centralEntry(zip, 1) + 46 + 1 + 4 + 16;
  std::string behind;
  appendLittle<std::uint64_t>(behind, zip.size());
  zip.replace(offsetOfB, 8, behind);
  EXPECT_NE(errorOf([&] { (void)listZip(inMemory(zip)); }).find("'b' runs into what follows it"), std::string::npos);
}

TEST(Zip, AClaimThatDeflateCantReachIsRefusedBeforeMemoryIsTaken) {
  std::string zip = twoMembers();
  const std::size_t entry = centralEntry(zip, 0);
  zip[entry + 10] = 8;
  const std::size_t bytesOfA = entry + 46 + 1 + 4;
  zip[bytesOfA + 5] = 1;  // 2^40 more
  EXPECT_NE(errorOf([&] { readAll(inMemory(zip)); }).find("claims 1099511627780 bytes from 4"), std::string::npos);
}

TEST(Zip, AMemberCountThatDoesNotMatchIsRefused) {
  std::string zip = twoMembers();
  zip[zip.find("PK\x06\x06") + 32] = 3;
  EXPECT_NE(errorOf([&] { readAll(inMemory(zip)); }).find("2 entries, its end record promises 3"), std::string::npos);
}

TEST(Zip, OtherFilesAreToldWhatTheyLookLike) {
  EXPECT_NE(errorOf([] { (void)listZip(inMemory("1,2,3\n")); }).find("looks like plain text"), std::string::npos);
  EXPECT_NE(errorOf([] { (void)listZip(inMemory("")); }).find("an empty file"), std::string::npos);
}

TEST(Zip, CutOrFlippedFilesAreRefusedOrRead) {
  const std::string valid = twoMembers();
  EXPECT_GT(test::refusedChanges(valid, readAll), valid.size() * 4);
}

}  // namespace
}  // namespace heft
