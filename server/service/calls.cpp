#include "service/calls.h"

#include "base/json_writer.h"

namespace simpleim::service {
namespace {

using protocol::CallFrame;
using protocol::FrameType;

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

bool Calls::is_busy(UserId user) const { return users_.contains(user); }

Calls::CallMap::iterator Calls::add(const std::string& id, const Call& call) {
  for (const auto user : {call.caller, call.callee}) ++users_[user];
  const auto added = calls_.emplace(id, call).first;
  count_ = calls_.size();
  return added;
}

void Calls::remove(CallMap::iterator call) {
  for (const auto user : {call->second.caller, call->second.callee})
    if (--users_[user] == 0) users_.erase(user);
  calls_.erase(call);
  count_ = calls_.size();
}

void Calls::keep(Batch& batch, const std::string& id) {
  const auto found = calls_.find(id);
  auto before = found == calls_.end() ? std::nullopt : std::optional(found->second);
  batch.on_undo([this, id, before](const Error&, std::vector<Event>&) {
    const char* over = nullptr;
    if (const auto now = calls_.find(id); now != calls_.end()) {
      over = now->second.over;
      remove(now);
    }
    if (before) add(id, *before)->second.over = over;
  });
}

void Calls::pass_on(Batch& batch, const CallFrame& frame, UserId from, UserId to, Origin origin) {
  batch.emit(CallSignalled{frame.type, frame.content, from, to, origin});
}

void Calls::invite(Batch& batch, const CallFrame& frame, UserId from, Origin origin) {
  if (frame.to == from)
    return refuse(batch, origin, frame, {ErrorCode::kValidation, "to: one cannot call oneself", "to"});
  const auto conversation = ConversationId::between(from, frame.to);
  if (auto error = batch.permissions().may_send(from, conversation, false, batch.now_ms()))
    return refuse(batch, origin, frame, std::move(*error));
  const std::string id(frame.call.view());
  if (const auto known = calls_.find(id); known != calls_.end()) {
    const auto& call = known->second;
    // The caller comes back after a change of network, or offers anew.
    if (call.caller == from && call.callee == frame.to) return pass_on(batch, frame, from, frame.to, origin);
    return refuse(batch, origin, frame, {ErrorCode::kConflict, "content.call_id: another call has this id"});
  }
  if (is_busy(from))
    return refuse(batch, origin, frame, {ErrorCode::kConflict, "you are in a call already; end it first"});
  if (calls_.size() >= options_.max_calls)
    return refuse(batch, origin, frame, {ErrorCode::kUnavailable, "the server is busy; try again", "", 1000});
  const bool busy = is_busy(frame.to);
  const auto call = add(id, {from, frame.to, frame.video, batch.now_ms(), 0, batch.now_ms()});
  if (busy) {
    batch.emit(CallSignalled{FrameType::kCallBusy, end_content(id, "busy"), frame.to, from, {}});
    return end(batch, call, "busy");
  }
  pass_on(batch, frame, from, frame.to, origin);
}

void Calls::signal(Batch& batch, const CallFrame& frame, UserId from, Origin origin) {
  const std::string id(frame.call.view());
  batch.on_undo([id, origin](const Error& error, std::vector<Event>& instead) {
    instead.push_back(SignalRefused{origin, id, error});
  });
  keep(batch, id);
  if (frame.type == FrameType::kCallInvite) return invite(batch, frame, from, origin);
  const auto found = calls_.find(id);
  if (found == calls_.end() || (found->second.caller != from && found->second.callee != from)) {
    // The server was started anew meanwhile: the two go on, if they may talk at all.
    if (!frame.to || frame.to == from || found != calls_.end() ||
        batch.permissions().may_send(from, ConversationId::between(from, frame.to), false, batch.now_ms()))
      return refuse(batch, origin, frame, {ErrorCode::kNotFound, "content.call_id: no such call"});
    return pass_on(batch, frame, from, frame.to, origin);
  }
  auto& call = found->second;
  const bool by_callee = call.callee == from;
  const bool rings = call.answered_ms == 0;
  call.heard_ms = batch.now_ms();
  if (frame.type == FrameType::kCallAccept) {
    if (!by_callee || !rings)
      return refuse(batch, origin, frame,
                    {ErrorCode::kConflict, rings ? "only who is called accepts" : "the call was answered already"});
    call.answered_ms = batch.now_ms();
  }
  const auto other = by_callee ? call.caller : call.callee;
  switch (frame.type) {
    case FrameType::kCallReject:
      end(batch, found, rings ? "rejected" : "answered");
      break;
    case FrameType::kCallBusy:
      end(batch, found, rings ? "busy" : "answered");
      break;
    case FrameType::kCallHangup:
      end(batch, found, !rings ? "answered" : by_callee ? "rejected" : "cancelled");
      break;
    default:
      break;
  }
  pass_on(batch, frame, from, other, origin);
}

void Calls::tick(Batch& batch) {
  for (auto i = calls_.begin(); i != calls_.end();) {
    const auto current = i++;
    const auto call = current->second;
    const bool rings = call.answered_ms == 0;
    const auto limit = rings ? call.began_ms + options_.ring_ms : call.heard_ms + options_.silent_ms;
    if (batch.now_ms() < limit && call.over == nullptr) continue;
    keep(batch, current->first);
    const auto content = end_content(current->first, call.over != nullptr ? "ended" : rings ? "timeout" : "lost");
    end(batch, current, call.over != nullptr ? call.over : rings ? "missed" : "answered");
    batch.emit(CallSignalled{FrameType::kCallHangup, content, call.callee, call.caller, {}});
  }
}

void Calls::end(Batch& batch, CallMap::iterator ended, const char* status) {
  const auto call = ended->second;
  batch.on_undo([this, id = ended->first, call, status](const Error&, std::vector<Event>&) {
    add(id, call)->second.over = status;
  });
  std::string json;
  base::JsonWriter w(json);
  w.begin_object()
      .field("event", "call")
      .field("call_id", ended->first)
      .field("kind", call.video ? "video" : "audio")
      .field("status", status)
      .field("operator_id", call.caller.str())
      .key("target_ids")
      .begin_array()
      .value(call.callee.str())
      .end_array()
      .field("duration", call.answered_ms == 0 ? 0 : (batch.now_ms() - call.answered_ms) / 1000)
      .end_object();
  remove(ended);
  const auto conversation = ConversationId::between(call.caller, call.callee);
  Message record{ids_.message_id(), conversation, call.caller, FrameType::kEvent, 0, batch.now_ms(), std::move(json)};
  record.seq = batch.store().messages().append(record, {}).seq;
  if (record.seq == 1) {
    batch.store().conversations().open(UserId{conversation.low}, conversation, 0);
    batch.store().conversations().open(UserId{conversation.high}, conversation, 0);
  }
  batch.emit(MessageStored{std::move(record), {}});
}

}  // namespace simpleim::service
