#include "data/zip_edit.hpp"

#include <algorithm>

#include "data/little_endian.hpp"
#include "data/zip_writer.hpp"
#include "file_helpers.hpp"

namespace heft {
namespace {

using test::bytesOf;
using test::contentOf;
using test::inMemory;

std::string_view textOf(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string threeMembers() {
  const test::TemporaryFolder folder;
  ZipWriter zip(folder / "z");
  zip.add("a", bytesOf("AAAA"), {});
  zip.add("b", bytesOf("BBBBBB"), {});
  zip.addPacked("c", [](const TakeBytes& take) { take(bytesOf("CCCC")); });
  zip.commit();
  return contentOf(folder / "z");
}

/// As PyTorch writes: no checksum in the local header of "a", a descriptor behind its content.
std::string withDescriptor() {
  std::string zip;
  std::string name_and_content;
  const auto crc = [] {
    const auto members = listZip(inMemory(threeMembers()));
    return members[0].crc;
  }();
  const auto fields = [&](std::string& to, bool local) {
    appendLittle<std::uint16_t>(to, 20);
    appendLittle<std::uint16_t>(to, 8);  // a descriptor follows
    appendLittle<std::uint16_t>(to, 0);
    appendLittle<std::uint32_t>(to, 0);
    appendLittle<std::uint32_t>(to, local ? 0 : crc);
    appendLittle<std::uint32_t>(to, local ? 0 : 4);
    appendLittle<std::uint32_t>(to, local ? 0 : 4);
    appendLittle<std::uint16_t>(to, 1);
    appendLittle<std::uint16_t>(to, 0);
  };
  zip = "PK\x03\x04";
  fields(zip, true);
  zip += "aAAAA";
  zip += "PK\x07\x08";
  appendLittle<std::uint32_t>(zip, crc);
  appendLittle<std::uint32_t>(zip, 4);
  appendLittle<std::uint32_t>(zip, 4);
  const auto directory = static_cast<std::uint32_t>(zip.size());
  zip += "PK\x01\x02";
  appendLittle<std::uint16_t>(zip, 20);
  fields(zip, false);
  zip += std::string(14, '\0') + "a";
  const auto directory_bytes = static_cast<std::uint32_t>(zip.size()) - directory;
  zip += "PK\x05\x06";
  appendLittle<std::uint32_t>(zip, 0);
  appendLittle<std::uint16_t>(zip, 1);
  appendLittle<std::uint16_t>(zip, 1);
  appendLittle<std::uint32_t>(zip, directory_bytes);
  appendLittle<std::uint32_t>(zip, directory);
  appendLittle<std::uint16_t>(zip, 0);
  return zip;
}

std::size_t differences(std::string_view a, std::string_view b) {
  std::size_t count = a.size() == b.size() ? 0 : a.size() + b.size();
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) count += a[i] != b[i];
  return count;
}

TEST(ZipEdit, AChangedMemberReadsBackAndAllElseStays) {
  const std::string before = threeMembers();
  ZipEdit edit(inMemory(before));
  ASSERT_EQ(edit.members().size(), 3U);
  std::ranges::copy(bytesOf("xyz"), edit.content(1).begin() + 2);
  edit.seal(1);
  const std::string after(textOf(edit.bytes()));
  const InputFile file = inMemory(after);
  const auto members = listZip(file);
  EXPECT_EQ(readZipMember(file, members[0]), bytesOf("AAAA"));
  EXPECT_EQ(readZipMember(file, members[1]), bytesOf("BBxyzB"));
  EXPECT_EQ(readZipMember(file, members[2]), bytesOf("CCCC"));
  EXPECT_LE(differences(before, after), 3U + 2 * 4);  // the content and two checksums
}

TEST(ZipEdit, TheChecksumOfADescriptorIsReplacedAndTheHeadersZeroStays) {
  const std::string before = withDescriptor();
  ZipEdit edit(inMemory(before));
  edit.content(0)[0] = std::byte{'Z'};
  edit.seal(0);
  const std::string after(textOf(edit.bytes()));
  const InputFile file = inMemory(after);
  const auto member = listZip(file).at(0);
  EXPECT_EQ(readZipMember(file, member), bytesOf("ZAAA"));
  EXPECT_EQ(after.substr(14, 4), std::string(4, '\0'));
  EXPECT_EQ(loadLittle<std::uint32_t>(bytesOf(after.substr(after.find("PK\x07\x08") + 4, 4))), member.crc);
  edit.content(0)[0] = std::byte{'A'};
  edit.seal(0);
  EXPECT_EQ(textOf(edit.bytes()), before);
}

TEST(ZipEdit, PackedMembersHaveNoContentToChange) {
  ZipEdit edit(inMemory(threeMembers()));
  EXPECT_TRUE(edit.content(2).empty());
  EXPECT_EQ(edit.content(0).size(), 4U);
}

}  // namespace
}  // namespace heft
