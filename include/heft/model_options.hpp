#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace heft {

/// A model and what it runs on. Words are those of the command line, where each is an option of the same name.
struct ModelOptions {
  std::filesystem::path model;  ///< TorchScript; it is a program, so load only those you trust
  std::vector<std::filesystem::path>
      inputs;                      ///< .pt, .safetensors, .npy, .npz; several fill forward's arguments in order
  std::filesystem::path targets;   ///< for the metric "loss"; empty: none
  std::string output_target;       ///< part of the output to score; empty: all of it
  std::vector<std::string> dims;   ///< what dimensions hold, where it can't be told: "output=samples,steps,classes"
  bool stream = false;             ///< the first input is [steps, ...]; forward is called once a step
  std::vector<std::string> carry;  ///< of streamed calls: outputs that are the next call's arguments, "1=h0"
  std::int64_t draws = 1;          ///< of the random numbers that forward asks for, averaged over
  std::string device = "cpu";      ///< "cpu", "cuda", "cuda:N"; where several may execute "cuda:0,cuda:1", "cuda:all"
  int threads = 0;                 ///< to compute with, for the whole process; 0: as LibTorch has it
};

}  // namespace heft
