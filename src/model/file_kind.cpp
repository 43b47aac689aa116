#include "model/file_kind.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "data/printable.hpp"
#include "data/setting_name.hpp"

namespace heft {
namespace {

constexpr auto kScript = "torch.jit.script(model.eval()).save('model.pt')";
constexpr auto kHowToScript =
    "in Python: torch.jit.script(model.eval()).save('model.pt'), or torch.jit.trace(model.eval(), example)";

/// Where only weights are: the class that made them is needed.
std::string howToLoad(const std::string& load) {
  return "in Python, with the class that they belong to: model.load_state_dict(" + load + "); " + kScript;
}

struct Magic {
  std::size_t at;
  std::string_view bytes;
  std::string_view kind;
  std::string_view todo;  ///< empty: how to script
};

using namespace std::string_view_literals;

constexpr std::string_view kUnpack = "unpack it first";
constexpr std::string_view kNeedsTorch =
    "Heft takes PyTorch's models: where there is a PyTorch version of it, "
    "torch.jit.script(model.eval()).save('model.pt')";
constexpr std::string_view kFromOnnx =
    "export TorchScript from the PyTorch model that it was made of (torch.jit.script(model.eval()).save('model.pt')), "
    "or "
    "convert it (onnx2torch.convert('model.onnx'), then torch.jit.trace(model, example).save('model.pt'))";

constexpr std::array<Magic, 23> kMagics{{
    {0, "\x89HDF\r\n\x1a\n"sv, "an HDF5 file (Keras saves models and weights so)", kNeedsTorch},
    {0, "\x93NUMPY"sv, "a NumPy array (.npy), and no model", "arrays are inputs: heft rank model.pt --inputs FILE"},
    {0, "\x1f\x8b"sv, "compressed by gzip", "gunzip it first (tar xzf where it is a .tar.gz)"},
    {0, "BZh"sv, "compressed by bzip2", kUnpack},
    {0,
     "\xfd"
     "7zXZ"sv,
     "compressed by xz", kUnpack},
    {0, "\x28\xb5\x2f\xfd"sv, "compressed by zstd", kUnpack},
    {0, "7z\xbc\xaf"sv, "a 7z archive", kUnpack},
    {0, "Rar!"sv, "a RAR archive", kUnpack},
    {0, "GGUF"sv, "a GGUF model (llama.cpp)", kNeedsTorch},
    {4, "TFL3"sv, "a TensorFlow Lite model", kNeedsTorch},
    {4, "PTMF"sv, "a model for PyTorch's lite interpreter (FlatBuffers), which holds no TorchScript",
     "save the whole model: torch.jit.script(model.eval()).save('model.pt')"},
    {4, "ET12"sv, "an ExecuTorch program",
     "save the model that it was lowered from: torch.jit.script(model.eval()).save('model.pt')"},
    {4, "ET13"sv, "an ExecuTorch program",
     "save the model that it was lowered from: torch.jit.script(model.eval()).save('model.pt')"},
    {0, "version https://git-lfs"sv, "a Git LFS pointer, and not the file itself", "fetch it: git lfs pull"},
    {0, "<!DOCTYPE"sv, "a web page", "the download went wrong: fetch the file itself"},
    {0, "<!doctype"sv, "a web page", "the download went wrong: fetch the file itself"},
    {0, "<html"sv, "a web page", "the download went wrong: fetch the file itself"},
    {0,
     "\x7f"
     "ELF"sv,
     "a compiled program or library", ""},
    {0, "import "sv, "Python source", "run it, then torch.jit.script(model.eval()).save('model.pt')"},
    {0, "from "sv, "Python source", "run it, then torch.jit.script(model.eval()).save('model.pt')"},
    {257, "ustar"sv, "a tar archive", "unpack it first: tar xf FILE"},
    {0, "%PDF"sv, "a PDF", ""},
    {0, "\x89PNG"sv, "a picture (PNG)", ""},
}};

bool isSafetensors(const std::string& head) {
  if (head.size() < 10 || head[8] != '{') return false;
  std::uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = length << 8 | static_cast<unsigned char>(head[static_cast<std::size_t>(i)]);
  return length > 1 && length < 100'000'000;
}

/// A protobuf whose first field is the version of ONNX's format, followed by who made it, a graph or what it imports.
bool isOnnx(const std::filesystem::path& path, const std::string& head) {
  if (path.extension() == ".onnx") return true;
  if (head.size() < 4 || head[0] != '\x08' || head[1] < 1 || head[1] > 30) return false;
  return std::string_view("\x12\x1a\x22\x2a\x32\x3a\x42").find(head[2]) != std::string_view::npos;
}

bool isText(const std::string& head) {
  return !head.empty() &&
         std::all_of(head.begin(), head.end(), [](unsigned char c) { return c >= 0x20 || (c >= 9 && c <= 13); });
}

/// The name of the first class that a pickle of protocol 2 asks for and that is none of PyTorch's own helpers; "" without.
std::string classIn(const std::string& pickle) {
  for (std::size_t at = pickle.find('c'); at != std::string::npos; at = pickle.find('c', at + 1)) {
    const auto module_end = pickle.find('\n', at);
    const auto name_end = module_end == std::string::npos ? module_end : pickle.find('\n', module_end + 1);
    if (name_end == std::string::npos) return "";
    const auto module = pickle.substr(at + 1, module_end - at - 1),
               name = pickle.substr(module_end + 1, name_end - module_end - 1);
    const auto isName = [](const std::string& text) {
      return !text.empty() && std::all_of(text.begin(), text.end(),
                                          [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '.'; });
    };
    if (!isName(module) || !isName(name)) continue;
    const auto top = module.substr(0, module.find('.'));
    const bool helper = module == "torch" || module == "torch._utils" || module == "torch.serialization" ||
                        module == "torch.storage" || top == "collections" || top == "numpy" || top == "__builtin__" ||
                        top == "builtins" || top == "_codecs" || top == "argparse";
    if (!helper) return module + "." + name;
  }
  return "";
}

/// Of what torch.save wrote, by its pickle.
std::string kindOfPickle(const std::string& pickle, const std::string& how) {
  const auto named = classIn(pickle);
  // A module is the first thing that its pickle makes.
  const bool module =
      !named.empty() && pickle.find("_parameters") != std::string::npos && pickle.find("_modules") != std::string::npos;
  if (module) {
    return "is a module of class " + printable(named) + " as " + how +
           " pickles it, and no TorchScript; in Python, where that class is: model = torch.load('FILE', "
           "weights_only=False); " +
           kScript;
  }
  if (pickle.find("_rebuild_tensor") != std::string::npos || pickle.find("_rebuild_parameter") != std::string::npos) {
    const bool table =
        pickle.find("OrderedDict") < pickle.find("_rebuild_") || pickle.find("}q") < pickle.find("_rebuild_");
    if (table)
      return "holds weights without a model (a state_dict or checkpoint as " + how +
             " pickles it), and no TorchScript; " + howToLoad("torch.load('FILE')");
    return "holds tensors as " + how + " pickles them, and no TorchScript model; tensors are inputs (" +
           settingName("inputs") + "), a model comes so: " + kScript;
  }
  return "was written by " + how + " (a pickle of Python objects), not as TorchScript; " + kHowToScript;
}

}  // namespace

std::string kindOfFile(const std::filesystem::path& path, const std::string& head) {
  if (head[0] == '\x80') {
    // torch.save's old format begins with a number that stands for it.
    if (head.find("\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19.") != std::string::npos)
      return kindOfPickle(head, "torch.save (in its old format)");
    return std::string("is a Python pickle, not TorchScript; ") + kHowToScript;
  }
  for (const auto& magic : kMagics) {
    if (head.size() < magic.at || std::string_view(head).substr(magic.at, magic.bytes.size()) != magic.bytes) continue;
    return "is " + std::string(magic.kind) + ", not TorchScript; " +
           std::string(magic.todo.empty() ? kHowToScript : magic.todo);
  }
  if (isSafetensors(head))
    return "holds weights without a model (safetensors), and no TorchScript; " +
           howToLoad("safetensors.torch.load_file('FILE')");
  if (isOnnx(path, head)) return "is an ONNX model, not TorchScript; " + std::string(kFromOnnx);
  if (path.extension() == ".pb" || path.extension() == ".ckpt" || path.extension() == ".index" ||
      head.find("tensorflow") != std::string::npos)
    return "is a TensorFlow file, not TorchScript; " + std::string(kNeedsTorch);
  return std::string("is ") + (isText(head) ? "a text file, " : "") +
         "not a TorchScript file (those are zip archives); " + kHowToScript;
}

std::string kindOfArchive(const std::vector<std::string>& members, const std::string& pickle) {
  const auto has = [&](std::string_view name) {
    return std::find(members.begin(), members.end(), name) != members.end();
  };
  const auto any = [&](const auto& test) { return std::any_of(members.begin(), members.end(), test); };
  const auto ends = [&](std::string_view with) {
    return any([&](const std::string& one) { return one.ends_with(with); });
  };
  const auto begins = [&](std::string_view with) {
    return any([&](const std::string& one) { return one.starts_with(with); });
  };
  const bool code = begins("code/");
  if (has("bytecode.pkl") && !code)
    return "is for PyTorch's lite (mobile) interpreter (bytecode.pkl), without the model's code; save the whole model: "
           "torch.jit.script(model.eval()).save('model.pt')";
  if (has("constants.pkl")) return {};
  if (begins("data/aotinductor/") ||
      any([](const std::string& one) { return one.ends_with(".so") || one.ends_with(".cubin"); }))
    return "holds a compiled model (AOTInductor, .pt2), not TorchScript; save the model that it was compiled from: " +
           std::string(kScript);
  if (has("archive_format") || has("serialized_exported_program.json") ||
      any([](const std::string& one) { return one.starts_with("models/") && one.ends_with(".json"); }))
    return "was written by torch.export.save (.pt2), not as TorchScript; in Python: "
           "torch.jit.trace(torch.export.load('FILE')"
           ".module(), example).save('model.pt')";
  if (has("data.pkl")) return kindOfPickle(pickle, "torch.save");
  if (has("config.json") && ends(".weights.h5"))
    return "is a Keras model (.keras), not TorchScript; " + std::string(kNeedsTorch);
  if (has("MANIFEST.json") || has("MAR-INF/MANIFEST.json"))
    return "is a TorchServe archive (.mar), not TorchScript itself; unzip it: the model file lies in it";
  if (!members.empty() &&
      std::all_of(members.begin(), members.end(), [](const std::string& one) { return one.ends_with(".npy"); }))
    return "holds NumPy arrays (.npz), and no model, not TorchScript; arrays are inputs: heft rank model.pt --inputs "
           "FILE";
  for (const auto& one : members) {
    if (one.ends_with(".pt") || one.ends_with(".pth") || one.ends_with(".ts"))
      return "is a zip archive that holds " + printable(one) +
             ", and not TorchScript itself; unzip it and give that file";
  }
  return std::string("is a zip archive without a TorchScript model in it; ") + kHowToScript;
}

std::string kindOfFolder(const std::filesystem::path& path) {
  std::error_code ignored;
  const auto has = [&](const char* name) { return std::filesystem::exists(path / name, ignored); };
  if (has("saved_model.pb"))
    return "is a folder (a TensorFlow SavedModel); a TorchScript file was expected; " + std::string(kNeedsTorch);
  if (has("run.json"))
    return "is a folder (a run of heft rank); a TorchScript file was expected, as its run.json names it";
  if (has("constants.pkl") || has("data.pkl"))
    return "is a folder (an unpacked archive); a TorchScript file was expected: give the .pt file that it was unpacked "
           "from";
  if (has("config.json"))
    return "is a folder (with a config.json, as Hugging Face's models); a TorchScript file was expected; " +
           std::string(kHowToScript);
  for (const auto& entry : std::filesystem::directory_iterator(path, ignored)) {
    if (entry.path().extension() == ".pt")
      return "is a folder; a TorchScript file was expected, such as " + printable(entry.path().string());
  }
  return "is a folder; a TorchScript file was expected";
}

}  // namespace heft
