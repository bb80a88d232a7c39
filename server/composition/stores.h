#pragma once

#include <memory>
#include <string>

#include "composition/backends.h"

namespace simpleim {

/// Time, chance and figures, which everything else is given.
struct Foundations {
  base::SystemClock clock;
  base::SecureRandom random;
  base::IdMaker ids{clock, random};
  base::Metrics metrics;
};

/// What the server keeps and where, and how it hears of other nodes.
struct Stores {
  /// Opens them; throws with a text for people.
  Stores(const base::Config& config, Foundations& on);

  OpenedStore opened;
  store::Store& main;
  std::unique_ptr<store::SearchIndex> search_index;
  std::unique_ptr<store::FileStore> contents;
  std::unique_ptr<cluster::Bus> bus;
  std::unique_ptr<cluster::PresenceDirectory> presence;
};

}  // namespace simpleim
