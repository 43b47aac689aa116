#include "data/scratch_folder.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "heft/error.hpp"

namespace heft {

ScratchFolder::ScratchFolder() {
  std::error_code error;
  auto place = std::filesystem::temp_directory_path(error);
  if (error) place = "/tmp";
  auto name = (place / "heft-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr)
    throw Error(Fault::output,
                name + ": can't be made (" + std::strerror(errno) + "); let TMPDIR name a folder that can be written");
  path_ = name;
  leftover_.emplace(path_);
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace heft
