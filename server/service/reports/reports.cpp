#include "service/reports/reports.h"

#include <array>

#include "base/log.h"
#include "service/limits/text_rules.h"
#include "service/messages/message_reader.h"

namespace simpleim::service {
namespace {

constexpr std::array<std::pair<std::string_view, ReportReason>, 4> kReasons{{{"spam", ReportReason::kSpam},
                                                                             {"abuse", ReportReason::kAbuse},
                                                                             {"illegal", ReportReason::kIllegal},
                                                                             {"other", ReportReason::kOther}}};

/// Nothing when `message` can be reported by `me`.
std::optional<Error> refusal(const Message& message, UserId me) {
  if (!protocol::is_counted(message.type))
    return protocol::invalid_field("message_id", "a message that somebody wrote is needed");
  if (message.from == me) return protocol::invalid_field("message_id", "a message of somebody else is needed");
  if (message.amendment.recalled_at != 0)
    return Error{ErrorCode::kConflict, "the message is recalled: there is nothing left to report"};
  return std::nullopt;
}

}  // namespace

std::string_view to_string(ReportReason reason) {
  for (const auto& [text, value] : kReasons)
    if (value == reason) return text;
  return "other";
}

std::optional<ReportReason> report_reason(std::string_view text) {
  for (const auto& [name, value] : kReasons)
    if (name == text) return value;
  return std::nullopt;
}

Result<store::ReportId> Reports::report(UserId me, const MessageId& id, ReportReason reason, std::string note) {
  if (auto error = check_text("note", note, 0, kMaxNote, true)) return *error;
  auto result = commits_.run<store::ReportId>([&](Batch& batch) -> Result<store::ReportId> {
    auto message = MessageReader(batch.store(), me).find(id);
    if (!message) return protocol::not_found();
    if (auto error = refusal(*message, me)) return *error;
    auto& reports = batch.store().reports();
    const auto earlier = reports.report(me, id);
    if (!earlier && reports.count(me) >= kMaxOpen)
      return Error{ErrorCode::kRateLimited,
                   std::to_string(kMaxOpen) + " of your reports wait to be looked at; no more for now"};
    const auto report_id = earlier ? earlier->id : ids_.make<store::ReportId>();
    reports.put({report_id, me, reason, note, batch.now_ms(), std::move(*message)});
    return report_id;
  });
  if (result) base::log::info("a message was reported", {{"report_id", result.value().str()}});
  return result;
}

}  // namespace simpleim::service
