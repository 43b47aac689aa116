#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

// One fuzzer once on every file of a folder, findings of the past among them; what is wrong aborts.
int main(int count, char** values) {
  int files = 0;
  for (const auto& file : std::filesystem::directory_iterator(count > 1 ? values[1] : ".")) {
    std::printf("%s\n", file.path().filename().c_str());
    std::fflush(stdout);
    std::ifstream stream(file.path(), std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(stream), {}};
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(content.data()), content.size());
    ++files;
  }
  return files > 0 ? 0 : 1;
}
