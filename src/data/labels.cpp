#include "data/labels.hpp"

#include <ATen/ATen.h>

#include "data/inputs.hpp"
#include "data/name_list.hpp"
#include "data/printable.hpp"
#include "heft/error.hpp"

namespace heft {

std::vector<std::string> readLabels(const std::filesystem::path& file) {
  const auto ending = file.extension().string();
  if (ending != ".npy" && ending != ".npz" && ending != ".pt" && ending != ".pth" && ending != ".safetensors")
    return readNames(file.string());
  const auto tensor = readTargets(file);
  if (!at::isIntegralType(tensor.scalar_type(), /*includeBool=*/true))
    throw Error(Fault::input, printablePath(file) +
                                  ": holds floating numbers; labels are whole numbers, or a text "
                                  "file with one a line");
  const auto numbers = tensor.to(at::kCPU, at::kLong).contiguous();
  std::vector<std::string> labels;
  for (std::int64_t i = 0; i < numbers.numel(); ++i)
    labels.push_back(std::to_string(numbers.const_data_ptr<std::int64_t>()[i]));
  return labels;
}

}  // namespace heft
