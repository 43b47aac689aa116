#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace heft {

/// What was measured so far, kept in FOLDER/checkpoint so that a killed run goes on where it stopped, with
/// the same bits. Weights' measurements are rows of float64 by flat index; everything else (response
/// estimates, components' results) is a named list. A flush writes one new numbered file of what came since
/// the last one, whole or not at all, with a SHA-256 of its content; a file that doesn't match is left out,
/// with a note, and measured again. Not for use from several threads at once, but for rescue(); the caller holds the folder's
/// lock (RunFolder).
class Checkpoint {
 public:
  static constexpr const char* folderName = "checkpoint";

  /// Named things that results depend on ("model", "inputs", "seed", "heft version"), each by its text or
  /// hash.
  using Identity = std::map<std::string, std::string>;

  /// Names of lists that say what this folder alone does begin so: they are no results, and take() leaves them.
  static constexpr const char* ownPrefix = "own ";

  /// Opens or creates FOLDER/checkpoint and reads its files; deletes partial files. `columns`: numbers a
  /// weight's row has. Throws Error(Fault::output) naming what differs from the identity it was begun with. Where the file
  /// that says so is damaged, the others vouch for themselves; where none of them can be read, nobody does, and it throws.
  Checkpoint(const std::filesystem::path& folder, Identity identity, std::size_t columns);

  [[nodiscard]] bool has(std::uint64_t weight) const { return row_of_.contains(weight); }
  /// [columns], or empty where this weight is not measured; valid until the next add.
  [[nodiscard]] std::span<const double> row(std::uint64_t weight) const;
  /// Throws Error(Fault::internal) for a row of another length or an index of 2^63 or more. A weight's second
  /// row is ignored.
  void add(std::uint64_t weight, std::span<const double> row);
  [[nodiscard]] std::size_t weights() const { return row_of_.size(); }
  [[nodiscard]] bool empty() const { return row_of_.empty() && lists_.empty(); }

  /// Numbers that the lists hold whose names begin so.
  [[nodiscard]] std::size_t listed(std::string_view prefix) const;
  /// Lists whose names begin so.
  [[nodiscard]] std::size_t lists(std::string_view prefix) const;
  [[nodiscard]] std::size_t columns() const { return columns_; }
  [[nodiscard]] bool hasList(const std::string& name) const { return lists_.contains(name); }
  /// As it was added; float32 lists come back exactly, widened. Nothing where there is none of that name, or
  /// its file has been damaged since opening.
  [[nodiscard]] std::optional<std::vector<double>> list(const std::string& name) const;
  /// A name's second list is ignored. Long lists are not kept in memory once flushed.
  void addList(const std::string& name, std::span<const double> values);
  void addList(const std::string& name, std::span<const float> values);

  /// Adds what another checkpoint of the same identity holds and this one doesn't.
  void take(const Checkpoint& other);

  /// Writes what is new; nothing where nothing is. Throws Error(Fault::output) where the disk is full, and
  /// keeps what is new for the next flush.
  void flush();
  /// Flushes where the last flush is that long ago or longer; call after every chunk.
  void flushIfDue(double seconds);

  /// Flushes for a program that ends now, from another thread than the one that measures: that one waits for ever where it adds or
  /// flushes from here on. False where it has been at it for `patience` and can't be waited for, or the disk is full.
  bool rescue(std::chrono::milliseconds patience) noexcept;

  /// Deletes FOLDER/checkpoint; call once the run is written. Nothing may be added afterwards.
  void remove();

  /// Deletes the files that were left out; call once what they held was measured again and flushed.
  void removeLeftOut();

  /// Sentences on files that were left out.
  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }

 private:
  /// A named list: in memory while new or short, else in its file.
  struct List {
    std::vector<double> values;
    bool narrow = false;  ///< all values are float32
    std::size_t count = 0;
    std::filesystem::path file;  ///< empty while new
  };

  /// The error of an identity file that can't be made out; empty where there is a good one.
  [[nodiscard]] std::string checkIdentity(const Identity& identity);
  void openParts();
  void readPart(const std::filesystem::path& file);
  void addNew(const std::string& name, List list);
  void keepRow(std::uint64_t weight, std::span<const double> row);
  void flushNow();

  std::filesystem::path folder_;
  std::size_t columns_;
  std::string identity_;  ///< hash of it all, which every file carries
  std::unordered_map<std::uint64_t, std::size_t> row_of_;
  std::vector<std::uint64_t> weights_;  ///< in the order added
  std::vector<double> rows_;            ///< [weights, columns]
  std::size_t flushed_ = 0;             ///< rows that are in files
  std::map<std::string, List> lists_;
  std::vector<std::string> new_lists_;
  std::uint64_t next_part_ = 1;
  std::chrono::steady_clock::time_point last_flush_ = std::chrono::steady_clock::now();
  std::vector<std::string> notes_;
  std::vector<std::filesystem::path> left_out_;
  std::unique_ptr<std::timed_mutex> busy_ =
      std::make_unique<std::timed_mutex>();  ///< held by whoever changes or flushes it
};

/// "model (earlier 12ab..., now 34cd...)" for up to three differences; `before` and `after` say whose they are.
[[nodiscard]] std::string describeDifferences(const Checkpoint::Identity& earlier, const Checkpoint::Identity& now,
                                              const std::string& before = "earlier", const std::string& after = "now");

}  // namespace heft
