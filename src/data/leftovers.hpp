#pragma once

#include <filesystem>

namespace heft {

/// A file or folder that must not outlive the program: deleted by removeLeftovers() where the program ends while this object
/// lives. Its owner deletes it otherwise.
class Leftover {
 public:
  explicit Leftover(std::filesystem::path path);
  Leftover(const Leftover&) = delete;
  Leftover& operator=(const Leftover&) = delete;
  ~Leftover();

 private:
  std::filesystem::path path_;
};

/// For a program that ends without unwinding. From any thread; afterwards no Leftover is made or given up any more, and
/// whoever tries waits for the end.
void removeLeftovers() noexcept;

}  // namespace heft
