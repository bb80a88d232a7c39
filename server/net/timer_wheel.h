#pragma once

#include <array>
#include <boost/intrusive/list.hpp>
#include <cstdint>

namespace simpleim::net {

/// Something that wants to be woken once. Lives in its owner; leaves the wheel when destroyed.
class Timer : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  virtual ~Timer() = default;
  /// May schedule itself again, and may destroy itself.
  virtual void expired() = 0;

 private:
  friend class TimerWheel;
  std::uint64_t due_ = 0;
};

/// Time-outs for very many owners at the price of two pointers each. Coarse: a timer fires up to
/// two ticks late, never early. One thread.
class TimerWheel {
 public:
  static constexpr std::int64_t kTickMs = 100;

  /// Schedules `timer`, or moves it when it is scheduled already.
  void schedule(Timer& timer, std::int64_t in_ms);
  void cancel(Timer& timer) { timer.unlink(); }
  /// To be called every kTickMs.
  void advance();

 private:
  using Slot = boost::intrusive::list<Timer, boost::intrusive::constant_time_size<false>>;
  static constexpr std::size_t kSlots = 1024;

  std::array<Slot, kSlots> slots_;
  std::uint64_t now_ = 0;
};

}  // namespace simpleim::net
