#pragma once

#include <memory>
#include <vector>

#include "base/config.h"
#include "base/worker_pool.h"
#include "net/io_thread.h"

namespace simpleim {

/// Who does the work: I/O threads for sockets, pools for what may wait (docs/architecture.md, "Threads").
struct Threads {
  explicit Threads(const base::Config& config);

  void start();
  void stop_io();
  void stop_workers();
  /// Waits until every I/O thread has done what was posted before.
  void flush();
  /// Sockets that any I/O thread has.
  std::size_t open_sockets() const;

  std::vector<std::unique_ptr<net::IoThread>> io;
  /// The same, as others want them.
  std::vector<net::IoThread*> io_list;
  base::WorkerPool requests;
  base::WorkerPool hashing;
  base::WorkerPool files;
  base::WorkerPool pictures;
};

}  // namespace simpleim
