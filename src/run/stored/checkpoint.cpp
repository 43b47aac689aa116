#include "run/stored/checkpoint.hpp"

#include <algorithm>
#include <limits>

#include "data/atomic_file.hpp"
#include "data/hash.hpp"
#include "data/printable.hpp"
#include "data/setting_name.hpp"
#include "heft/error.hpp"
#include "run/stored/checkpoint_identity.hpp"
#include "run/stored/checkpoint_part.hpp"
#include "run/stored/json_reader.hpp"
#include "run/stored/sealed_json.hpp"

namespace heft {
namespace {

namespace fs = std::filesystem;

constexpr const char* identityFile = "identity.json";
constexpr std::string_view partPrefix = "part-";
constexpr std::string_view partSuffix = ".safetensors";
constexpr const char* weightsTensor = "weights";
constexpr const char* rowsTensor = "rows";
constexpr std::string_view listPrefix = "list:";
constexpr std::size_t longList = 4096;  ///< longer ones are read from their file when asked for

fs::path partFile(const fs::path& folder, std::uint64_t number) {
  std::string digits = std::to_string(number);
  if (digits.size() < 6) digits.insert(0, 6 - digits.size(), '0');
  return folder / (std::string(partPrefix) + digits + std::string(partSuffix));
}

/// The number in a part's name; nothing for other files.
std::optional<std::uint64_t> partNumber(const std::string& name) {
  if (!name.starts_with(partPrefix) || !name.ends_with(partSuffix)) return std::nullopt;
  const std::string digits =
      name.substr(partPrefix.size(), name.size() - std::min(name.size(), partPrefix.size() + partSuffix.size()));
  if (digits.empty() || digits.size() > 12 || digits.find_first_not_of("0123456789") != std::string::npos)
    return std::nullopt;
  return std::stoull(digits);
}

std::string digestOf(const CheckpointIdentity& of) {
  return sha256Text(nlohmann::json(of.identity).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) +
                    std::to_string(of.columns));
}

std::string shortened(const std::string& text) {
  constexpr std::size_t most = 24;
  return printable(text.size() > most ? text.substr(0, most - 3) + "..." : text);
}

StoredTensor storeList(const std::string& name, const std::vector<double>& values, bool narrow) {
  const std::vector<std::int64_t> shape{static_cast<std::int64_t>(values.size())};
  if (!narrow) return storeTensor(name, shape, std::span<const double>(values));
  const std::vector<float> floats(values.begin(), values.end());
  return storeTensor(name, shape, std::span<const float>(floats));
}

}  // namespace

std::string describeDifferences(const Checkpoint::Identity& earlier, const Checkpoint::Identity& now,
                                const std::string& before_name, const std::string& after_name) {
  Checkpoint::Identity all = earlier;
  all.insert(now.begin(), now.end());
  std::string text;
  std::size_t count = 0;
  const auto valueOf = [](const Checkpoint::Identity& in, const std::string& key) {
    const auto found = in.find(key);
    return found == in.end() ? std::string("none") : shortened(found->second);
  };
  for (const auto& [key, unused] : all) {
    const std::string before = valueOf(earlier, key), after = valueOf(now, key);
    if (earlier.contains(key) && now.contains(key) && earlier.at(key) == now.at(key)) continue;
    if (++count <= 3) {
      text += (count > 1 ? ", " : "") + shortened(key);
      text += before == after ? "" : " (" + before_name + " " + before + ", " + after_name + " " + after + ")";
    }
  }
  if (count > 3) text += " and " + std::to_string(count - 3) + " more";
  return text;
}

Checkpoint::Checkpoint(const fs::path& folder, Identity identity, std::size_t columns)
    : folder_(folder / folderName), columns_(columns), identity_(digestOf({columns, identity})) {
  std::error_code code;
  fs::create_directories(folder_, code);
  if (code) {
    throw Error(Fault::output, printablePath(folder_) + ": can't be created: " + code.message() +
                                   "; choose a folder that you may write to with " + settingName("output"));
  }
  syncFolder(folder);
  const std::string damage = checkIdentity(identity);
  openParts();
  if (damage.empty()) return;
  if (!left_out_.empty() && empty()) throw Error(Fault::output, damage);
  writeSealedJson(folder_ / identityFile, storedJson(CheckpointIdentity{columns_, identity}));
  notes_.push_back("What the checkpoint belongs to was written anew (" + damage + ").");
}

std::string Checkpoint::checkIdentity(const Identity& identity) {
  const fs::path file = folder_ / identityFile;
  std::error_code ignored;
  if (!fs::exists(file, ignored)) {
    writeSealedJson(file, storedJson(CheckpointIdentity{columns_, identity}));
    return "";
  }
  nlohmann::json document;
  try {
    document = readJsonFile(file);
  } catch (const Error& error) {
    return error.what();
  }
  const auto earlier = readStored<CheckpointIdentity>(JsonReader(document, printablePath(file)));
  if (digestOf(earlier) == identity_) return "";
  std::string what = describeDifferences(earlier.identity, identity);
  if (what.empty())
    what = "numbers per weight (earlier " + std::to_string(earlier.columns) + ", now " + std::to_string(columns_) + ")";
  throw Error(Fault::output, printablePath(folder_) + ": was begun with another " + what +
                                 "; use the same again, or choose another " + settingName("output"));
}

void Checkpoint::openParts() {
  AtomicFile::deleteLeftovers(folder_);
  std::vector<std::pair<std::uint64_t, fs::path>> parts;
  std::error_code code;
  fs::directory_iterator each(folder_, code);
  for (; !code && each != fs::directory_iterator(); each.increment(code)) {
    const std::string name = each->path().filename().native();
    if (const std::optional<std::uint64_t> number = partNumber(name)) parts.emplace_back(*number, each->path());
  }
  if (code) throw Error(Fault::output, printablePath(folder_) + ": can't be listed: " + code.message());
  std::sort(parts.begin(), parts.end());
  for (const auto& [number, file] : parts) {
    next_part_ = number + 1;
    try {
      readPart(file);
    } catch (const Error& error) {
      if (error.fault() != Fault::output) throw;
      left_out_.push_back(file);
      notes_.push_back("A part of the checkpoint was left out and is measured again (" + std::string(error.what()) +
                       ").");
    }
  }
  flushed_ = weights_.size();
}

void Checkpoint::readPart(const fs::path& file) {
  std::vector<std::int64_t> weights;
  std::vector<double> rows;
  std::map<std::string, List> lists;
  for (const StoredTensor& tensor : readCheckpointPart(file, identity_)) {
    if (tensor.name == weightsTensor && tensor.scalar == Scalar::i64) {
      weights.resize(tensor.bytes.size() / sizeof(std::int64_t));
      std::copy_n(tensor.bytes.data(), tensor.bytes.size(), std::as_writable_bytes(std::span(weights)).data());
    } else if (tensor.name == rowsTensor && tensor.scalar == Scalar::f64) {
      rows = asDoubles(tensor);
    } else if (tensor.name.starts_with(listPrefix)) {
      List list{asDoubles(tensor), tensor.scalar == Scalar::f32, 0, file};
      list.count = list.values.size();
      if (list.count > longList) list.values = {};
      lists.emplace(tensor.name.substr(listPrefix.size()), std::move(list));
    }
  }
  const bool negative = std::any_of(weights.begin(), weights.end(), [](std::int64_t weight) { return weight < 0; });
  if (negative || rows.size() != weights.size() * columns_)
    throw Error(Fault::output, printablePath(file) + ": its rows don't fit its weights");
  for (std::size_t i = 0; i < weights.size(); ++i)
    keepRow(static_cast<std::uint64_t>(weights[i]), std::span(rows).subspan(i * columns_, columns_));
  lists_.merge(lists);
}

void Checkpoint::keepRow(std::uint64_t weight, std::span<const double> row) {
  if (!row_of_.emplace(weight, weights_.size()).second) return;
  weights_.push_back(weight);
  rows_.insert(rows_.end(), row.begin(), row.end());
}

std::span<const double> Checkpoint::row(std::uint64_t weight) const {
  const auto found = row_of_.find(weight);
  if (found == row_of_.end()) return {};
  return std::span(rows_).subspan(found->second * columns_, columns_);
}

void Checkpoint::add(std::uint64_t weight, std::span<const double> row) {
  if (row.size() != columns_ || weight > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    throw Error(Fault::internal, "the checkpoint takes " + std::to_string(columns_) + " numbers a weight, found " +
                                     std::to_string(row.size()) + " for weight " + std::to_string(weight));
  }
  const std::lock_guard lock(*busy_);
  keepRow(weight, row);
}

std::optional<std::vector<double>> Checkpoint::list(const std::string& name) const {
  const std::lock_guard lock(*busy_);
  const auto found = lists_.find(name);
  if (found == lists_.end()) return std::nullopt;
  const List& list = found->second;
  if (list.values.size() == list.count) return list.values;
  try {
    for (const StoredTensor& tensor : readCheckpointPart(list.file, identity_)) {
      if (tensor.name == std::string(listPrefix) + name) return asDoubles(tensor);
    }
  } catch (const Error& error) {
    if (error.fault() != Fault::output) throw;
  }
  return std::nullopt;
}

std::size_t Checkpoint::listed(std::string_view prefix) const {
  std::size_t count = 0;
  for (auto found = lists_.lower_bound(std::string(prefix)); found != lists_.end(); ++found) {
    if (!found->first.starts_with(prefix)) break;
    count += found->second.count;
  }
  return count;
}

std::size_t Checkpoint::lists(std::string_view prefix) const {
  return static_cast<std::size_t>(
      std::count_if(lists_.begin(), lists_.end(), [&](const auto& list) { return list.first.starts_with(prefix); }));
}

void Checkpoint::addNew(const std::string& name, List list) {
  if (lists_.emplace(name, std::move(list)).second) new_lists_.push_back(name);
}

void Checkpoint::addList(const std::string& name, std::span<const double> values) {
  const std::lock_guard lock(*busy_);
  addNew(name, {{values.begin(), values.end()}, false, values.size(), {}});
}

void Checkpoint::addList(const std::string& name, std::span<const float> values) {
  const std::lock_guard lock(*busy_);
  addNew(name, {{values.begin(), values.end()}, true, values.size(), {}});
}

void Checkpoint::take(const Checkpoint& other) {
  const std::lock_guard lock(*busy_);
  for (std::size_t i = 0; i < other.weights_.size(); ++i)
    keepRow(other.weights_[i], std::span(other.rows_).subspan(i * columns_, columns_));
  for (const auto& [name, kept] : other.lists_) {
    if (name.starts_with(ownPrefix) || lists_.contains(name)) continue;
    if (auto values = other.list(name)) {
      const auto count = values->size();
      addNew(name, {std::move(*values), kept.narrow, count, {}});
    }
  }
  notes_.insert(notes_.end(), other.notes_.begin(), other.notes_.end());
}

void Checkpoint::flush() {
  const std::lock_guard lock(*busy_);
  flushNow();
}

bool Checkpoint::rescue(std::chrono::milliseconds patience) noexcept {
  if (!busy_->try_lock_for(patience)) return false;
  try {
    flushNow();
    return true;
  } catch (const std::exception&) {  // a full disk; earlier files are whole
    return false;
  }
}

void Checkpoint::flushNow() {
  last_flush_ = std::chrono::steady_clock::now();
  if (flushed_ == weights_.size() && new_lists_.empty()) return;
  std::vector<StoredTensor> lists;
  for (const std::string& name : new_lists_) {
    const List& list = lists_.at(name);
    lists.push_back(storeList(std::string(listPrefix) + name, list.values, list.narrow));
  }
  std::vector<TensorView> tensors = viewsOf(lists);
  const auto count = static_cast<std::int64_t>(weights_.size() - flushed_);
  const auto weights = std::as_bytes(std::span(weights_).subspan(flushed_));
  const auto rows = std::as_bytes(std::span(rows_).subspan(flushed_ * columns_));
  tensors.push_back({weightsTensor, Scalar::i64, {count}, weights});
  tensors.push_back({rowsTensor, Scalar::f64, {count, static_cast<std::int64_t>(columns_)}, rows});
  const fs::path file = partFile(folder_, next_part_);
  writeCheckpointPart(file, tensors, identity_);
  ++next_part_;
  flushed_ = weights_.size();
  for (const std::string& name : new_lists_) {
    List& list = lists_.at(name);
    list.file = file;
    if (list.count > longList) list.values = {};
  }
  new_lists_.clear();
}

void Checkpoint::flushIfDue(double seconds) {
  if (std::chrono::duration<double>(std::chrono::steady_clock::now() - last_flush_).count() >= seconds) flush();
}

void Checkpoint::removeLeftOut() {
  std::error_code ignored;
  for (const fs::path& file : left_out_) fs::remove(file, ignored);
  left_out_.clear();
}

void Checkpoint::remove() {
  std::error_code code;
  fs::remove_all(folder_, code);
  if (code) throw Error(Fault::output, printablePath(folder_) + ": can't be deleted: " + code.message());
}

}  // namespace heft
