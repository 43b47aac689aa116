#include "data/hash.hpp"

#include "file_helpers.hpp"

namespace heft {
namespace {

// The examples of FIPS 180-2, appendix B.
constexpr std::string_view ofAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr std::string_view ofMillionAs = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
constexpr std::string_view ofNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

TEST(Hash, MatchesThePublishedExamples) {
  EXPECT_EQ(sha256Text("abc"), ofAbc);
  EXPECT_EQ(sha256Text(std::string(1'000'000, 'a')), ofMillionAs);
  EXPECT_EQ(sha256(std::span<const std::byte>()), ofNothing);
}

TEST(Hash, PiecesHashAsTheWhole) {
  Sha256 hash;
  hash.update("a");
  hash.update(test::bytesOf("b"));
  hash.update("c");
  EXPECT_EQ(hash.hex(), ofAbc);
}

TEST(Hash, AFileHashesAsItsContent) {
  const test::TemporaryFolder folder;
  const std::string large((std::size_t{2} << 20U) + 17, 'a');
  test::putContent(folder / "large", large);
  test::putContent(folder / "empty", "");
  EXPECT_EQ(sha256File(folder / "large"), sha256Text(large));
  EXPECT_EQ(sha256File(folder / "empty"), ofNothing);
}

TEST(Hash, AMissingFileHasTheFaultAskedFor) {
  test::errorOf([] { (void)sha256File("/nowhere/m.pt", Fault::model); }, Fault::model);
}

}  // namespace
}  // namespace heft
