#include <array>
#include <ctime>
#include <iostream>

#include "commands/actions.h"
#include "service/reports/reports.h"

namespace simpleim::commands {
namespace {

constexpr std::size_t kPage = 1000;

std::string utc(std::int64_t ms) {
  const std::time_t seconds = ms / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%SZ", &parts)};
}

/// Nothing that a stranger wrote moves the cursor of a terminal or turns its text around: control characters
/// (C0, DEL, C1) and bidirectional ones (Unicode UAX #9, section 2) are written as JSON escapes.
std::string printable(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = [&](std::size_t n) { return i + n < text.size() ? static_cast<unsigned char>(text[i + n]) : 0u; };
    const unsigned first = byte(0);
    unsigned code = 0;
    std::size_t length = 1;
    if (first < 0x20 || first == 0x7f) code = first;
    if (first == 0xc2 && byte(1) < 0xa0) code = byte(1), length = 2;
    if (first == 0xe2 && byte(1) == 0x80 && byte(2) >= 0xaa && byte(2) <= 0xae)
      code = 0x2000 + byte(2) - 0x80, length = 3;
    if (first == 0xe2 && byte(1) == 0x81 && byte(2) >= 0xa6 && byte(2) <= 0xa9)
      code = 0x2040 + byte(2) - 0x80, length = 3;
    if (code == 0 && first != 0) {
      out += text[i];
      continue;
    }
    std::array<char, 8> escape{};
    out.append(escape.data(), static_cast<std::size_t>(std::snprintf(escape.data(), escape.size(), "\\u%04x", code)));
    i += length - 1;
  }
  return out;
}

std::string name_of(store::Store& store, store::UserId id) {
  const auto user = store.accounts().user(id);
  return user ? user->username : id.str();
}

void print(store::Store& store, const store::Report& report) {
  const auto& message = report.message;
  std::cout << report.id.str() << "  " << utc(report.created_at) << "  " << service::to_string(report.reason) << "  by "
            << name_of(store, report.reporter);
  if (!report.note.empty()) std::cout << ": " << printable(report.note);
  std::cout << "\n  " << name_of(store, message.from) << " in " << message.conversation.str() << " at "
            << utc(message.timestamp) << ", message " << message.id.view() << "\n  " << printable(message.content)
            << "\n";
}

}  // namespace

int list_reports(store::Store& store) {
  for (store::ReportId after;;) {
    const auto page = store.reports().list(after, kPage);
    for (const auto& report : page) print(store, report);
    if (page.size() < kPage) return 0;
    after = page.back().id;
  }
}

int close_report(store::Store& store, const std::string& text) {
  const auto id = store::ReportId::parse(text);
  store.begin();
  const bool closed = id && store.reports().close(*id);
  store.commit();
  if (!closed) {
    std::cerr << "simpleim: there is no report \"" << text << "\"; `simpleim report list` names them\n";
    return 1;
  }
  std::cout << "closed " << text << "\n";
  return 0;
}

}  // namespace simpleim::commands
