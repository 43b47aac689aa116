#include "data/scratch_folder.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "heft/error.hpp"

namespace heft {

ScratchFolder::ScratchFolder() {
  std::error_code error;
  const auto place = std::filesystem::temp_directory_path(error);
  auto name = (error ? std::filesystem::path("/tmp") : place) / "heft-XXXXXX";
  auto text = name.string();
  if (mkdtemp(text.data()) == nullptr)
    throw Error(Fault::output,
                text + ": can't be made (" + std::strerror(errno) + "); let TMPDIR name a folder that can be written");
  path_ = text;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace heft
