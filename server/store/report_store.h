#pragma once

#include "store/records.h"

namespace simpleim::store {

/// Reports of messages that nobody has closed yet. Threads, durability and failures as in AccountStore.
class ReportStore {
 public:
  virtual ~ReportStore() = default;

  /// What `reporter` said about this message.
  virtual std::optional<Report> report(UserId reporter, const MessageId& message) = 0;
  virtual std::int64_t count(UserId reporter) = 0;
  /// In order of their ids (age), from after `after`.
  virtual std::vector<Report> list(ReportId after, std::size_t limit) = 0;

  /// Adds it, or replaces the one of the same reporter and message (which keeps its id).
  virtual void put(const Report& report) = 0;
  /// Forgets it and its copy of the message; false when there is none.
  virtual bool close(ReportId id) = 0;
};

}  // namespace simpleim::store
