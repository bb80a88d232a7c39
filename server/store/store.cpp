#include "store/store.h"

namespace simpleim::store {

Error StoreError::as_error() const {
  switch (code_) {
    case ErrorCode::kStorageFull:
      return {code_, "the server's storage is full; try again when there is room"};
    case ErrorCode::kUnavailable:
      return {code_, "the server's store is not reachable; try again"};
    default:
      return {ErrorCode::kInternal, "the server could not store or read this; try again"};
  }
}

}  // namespace simpleim::store
