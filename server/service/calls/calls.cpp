#include "service/calls/calls.h"

#include "base/json_writer.h"

namespace simpleim::service {
namespace {

using protocol::CallFrame;
using protocol::FrameType;

/// How far a call's end by silence may lag behind what was heard of it.
constexpr std::int64_t kHeardEveryMs = 60'000;
constexpr std::size_t kEndedAtOnce = 100;

std::string end_content(std::string_view call_id, const char* reason) {
  std::string json;
  base::JsonWriter w(json);
  w.begin_object().field("call_id", call_id).field("reason", reason).end_object();
  return json;
}

void refuse(Batch& batch, Origin origin, const CallFrame& frame, Error error) {
  batch.emit(SignalRefused{origin, std::string(frame.call.view()), std::move(error)});
}

}  // namespace

void Calls::pass_on(Batch& batch, const CallFrame& frame, UserId from, UserId to, Origin origin) {
  batch.emit(CallSignalled{frame.type, frame.content, from, to, origin});
}

void Calls::invite(Batch& batch, const CallFrame& frame, UserId from, Origin origin) {
  if (frame.to == from)
    return refuse(batch, origin, frame, {ErrorCode::kValidation, "to: one cannot call oneself", "to"});
  const auto conversation = ConversationId::between(from, frame.to);
  if (auto error = batch.permissions().may_send(from, conversation, false, batch.now_ms()))
    return refuse(batch, origin, frame, std::move(*error));
  auto& calls = batch.store().calls();
  const std::string id(frame.call.view());
  if (const auto known = calls.call(id)) {
    // The caller comes back after a change of network, or offers anew.
    if (known->caller == from && known->callee == frame.to) return pass_on(batch, frame, from, frame.to, origin);
    return refuse(batch, origin, frame, {ErrorCode::kConflict, "content.call_id: another call has this id"});
  }
  if (calls.is_in_call(from))
    return refuse(batch, origin, frame, {ErrorCode::kConflict, "you are in a call already; end it first"});
  const store::Call call{
      id, from, frame.to, frame.video, batch.now_ms(), 0, batch.now_ms() + options_.ring_ms, frame.content};
  if (calls.is_in_call(frame.to)) {
    batch.emit(CallSignalled{FrameType::kCallBusy, end_content(id, "busy"), frame.to, from, {}});
    return record(batch, call, "busy");
  }
  calls.create(call);
  pass_on(batch, frame, from, frame.to, origin);
}

void Calls::signal(Batch& batch, const CallFrame& frame, UserId from, Origin origin) {
  const std::string id(frame.call.view());
  batch.on_undo([id, origin](const Error& error, std::vector<Event>& instead) {
    instead.push_back(SignalRefused{origin, id, error});
  });
  if (frame.type == FrameType::kCallInvite) {
    batch.claim(ConversationId::between(from, frame.to));
    return invite(batch, frame, from, origin);
  }
  auto& calls = batch.store().calls();
  auto call = calls.call(id);
  if (!call || (call->caller != from && call->callee != from)) {
    // The call ended for the server meanwhile: the two go on, if they may talk at all.
    if (!frame.to || frame.to == from || call ||
        batch.permissions().may_send(from, ConversationId::between(from, frame.to), false, batch.now_ms()))
      return refuse(batch, origin, frame, {ErrorCode::kNotFound, "content.call_id: no such call"});
    return pass_on(batch, frame, from, frame.to, origin);
  }
  const bool by_callee = call->callee == from;
  const bool rings = call->answered_ms == 0;
  const auto silent_at = batch.now_ms() + options_.silent_ms;
  if (frame.type == FrameType::kCallAccept) {
    call->answered_ms = batch.now_ms();
    call->due_ms = silent_at;
    if (!by_callee || !calls.answer(*call))
      return refuse(batch, origin, frame,
                    {ErrorCode::kConflict, rings ? "only who is called accepts" : "the call was answered already"});
  } else if (!rings && silent_at - call->due_ms > kHeardEveryMs) {
    calls.set_due(id, silent_at);
  }
  const auto other = by_callee ? call->caller : call->callee;
  switch (frame.type) {
    case FrameType::kCallReject:
      end(batch, *call, rings ? "rejected" : "answered");
      break;
    case FrameType::kCallBusy:
      end(batch, *call, rings ? "busy" : "answered");
      break;
    case FrameType::kCallHangup:
      end(batch, *call, !rings ? "answered" : by_callee ? "rejected" : "cancelled");
      break;
    default:
      break;
  }
  pass_on(batch, frame, from, other, origin);
}

bool Calls::is_due(store::Store& store, std::int64_t now_ms) const {
  return has_over_ || !store.calls().due(now_ms, 1).empty();
}

void Calls::tick(Batch& batch) {
  const auto over = over_;
  for (const auto& [id, status] : over) end_due(batch, id);
  for (const auto& call : batch.store().calls().due(batch.now_ms(), kEndedAtOnce)) end_due(batch, call.id);
}

void Calls::end_due(Batch& batch, const std::string& id) {
  const auto over = over_.find(id);
  const char* status = over == over_.end() ? nullptr : over->second;
  if (status != nullptr) over_.erase(over);
  has_over_ = !over_.empty();
  // Another node may have been at it since it was found.
  const auto call = batch.store().calls().call(id);
  if (!call) return;
  const bool rings = call->answered_ms == 0;
  const auto content = end_content(id, status != nullptr ? "ended" : rings ? "timeout" : "lost");
  end(batch, *call, status != nullptr ? status : rings ? "missed" : "answered");
  batch.emit(CallSignalled{FrameType::kCallHangup, content, call->callee, call->caller, {}});
}

void Calls::end(Batch& batch, const store::Call& call, const char* status) {
  batch.on_undo([this, id = call.id, status](const Error&, std::vector<Event>&) {
    over_[id] = status;
    has_over_ = true;
  });
  if (batch.store().calls().remove(call.id)) record(batch, call, status);
}

void Calls::record(Batch& batch, const store::Call& call, const char* status) {
  std::string json;
  base::JsonWriter w(json);
  w.begin_object()
      .field("event", "call")
      .field("call_id", call.id)
      .field("kind", call.video ? "video" : "audio")
      .field("status", status)
      .field("operator_id", call.caller.str())
      .key("target_ids")
      .begin_array()
      .value(call.callee.str())
      .end_array()
      .field("duration", call.answered_ms == 0 ? 0 : (batch.now_ms() - call.answered_ms) / 1000)
      .end_object();
  const auto conversation = ConversationId::between(call.caller, call.callee);
  Message record{ids_.message_id(), conversation, call.caller, FrameType::kEvent, 0, batch.now_ms(), std::move(json)};
  const auto appended = batch.store().messages().append(record, {});
  record.seq = appended.seq;
  record.timestamp = appended.timestamp;
  if (record.seq == 1) {
    batch.store().conversations().open(UserId{conversation.low}, conversation, 0);
    batch.store().conversations().open(UserId{conversation.high}, conversation, 0);
  }
  batch.emit(MessageStored{std::move(record), {}});
}

}  // namespace simpleim::service
