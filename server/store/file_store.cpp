#include "store/file_store.h"

#include <unistd.h>

namespace simpleim::store {

LocalCopy::~LocalCopy() {
  if (is_temporary_) ::unlink(path_.c_str());
}

}  // namespace simpleim::store
