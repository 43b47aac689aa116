#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "data/zip_writer.hpp"

namespace heft {

/// A column of text of a .npz table, by how often each text stands in a row.
class TextColumn {
 public:
  void push(const std::string& text);
  /// Adds the member NAME.npy, compressed, since texts repeat themselves.
  void write(ZipWriter& file, const std::string& name) const;

 private:
  struct Stretch {
    std::string text;
    std::size_t rows = 0;
  };
  std::vector<Stretch> stretches_;
  std::size_t rows_ = 0;
};

}  // namespace heft
