#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cluster/bus.h"
#include "cluster/presence_directory.h"
#include "store/file_store.h"
#include "store/search_index.h"
#include "store/store.h"

/// The contract suites of this folder run against every backend listed in backends.cpp, unchanged.
namespace simpleim::test {

/// One place where a store keeps its data. open() may be called again after the store it returned
/// is gone (a restart).
class StorePlace {
 public:
  virtual ~StorePlace() = default;
  virtual std::unique_ptr<store::Store> open() = 0;
};

struct StoreBackend {
  std::string name;
  std::function<std::unique_ptr<StorePlace>()> make;
};
std::vector<StoreBackend> store_backends();

/// As StorePlace, of contents.
class FilePlace {
 public:
  virtual ~FilePlace() = default;
  virtual std::unique_ptr<store::FileStore> open() = 0;
};

struct FileBackend {
  std::string name;
  std::function<std::unique_ptr<FilePlace>()> make;
};
std::vector<FileBackend> file_backends();

/// An empty index that is in pieces as often as it can be.
struct SearchBackend {
  std::string name;
  std::function<std::unique_ptr<store::SearchIndex>()> make;
};
std::vector<SearchBackend> search_backends();

/// Several nodes' ends of one bus.
struct BusBackend {
  std::string name;
  std::function<std::vector<std::unique_ptr<cluster::Bus>>(std::size_t nodes)> make;
};
std::vector<BusBackend> bus_backends();

struct PresenceBackend {
  std::string name;
  std::function<std::unique_ptr<cluster::PresenceDirectory>()> make;
};
std::vector<PresenceBackend> presence_backends();

}  // namespace simpleim::test
