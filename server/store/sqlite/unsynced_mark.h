#pragma once

#include <string>

namespace simpleim::store::sqlite {

/// A note beside a file that is written without waiting for the disk: names the start of the computer (Linux boot id)
/// it was written in. A process that dies loses nothing of such a file; a computer that dies may leave it torn.
class UnsyncedMark {
 public:
  explicit UnsyncedMark(const std::string& file) : path_(file + "-unsynced") {}

  /// The computer ended while the file was being written: nothing in it can be trusted.
  bool is_torn() const;
  /// Before the first write. Durable when it returns; throws StoreError.
  void set() const;
  /// After the file was brought to the disk.
  void clear() const;

 private:
  const std::string path_;
};

}  // namespace simpleim::store::sqlite
