#include "gateway/admission_gate.h"

namespace simpleim::gateway {

void AdmissionGate::enter(Start start) {
  {
    const std::lock_guard lock(mutex_);
    if (inside_ >= at_once_) {
      waiting_.push_back(std::move(start));
      return;
    }
    ++inside_;
  }
  start(make_ticket());
}

AdmissionGate::Ticket AdmissionGate::make_ticket() {
  return {this, [](void* gate) { static_cast<AdmissionGate*>(gate)->leave(); }};
}

void AdmissionGate::leave() {
  Start next;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) {
      --inside_;
      return;
    }
    next = std::move(waiting_.front());
    waiting_.pop_front();
  }
  next(make_ticket());
}

}  // namespace simpleim::gateway
