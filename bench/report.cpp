#include "report.h"

#include <algorithm>
#include <cstdio>

namespace simpleim::bench {
namespace {

std::string number(double value) {
  char text[32];
  if (value >= 1000) std::snprintf(text, sizeof text, "%.0f", value);
  else if (value >= 10) std::snprintf(text, sizeof text, "%.1f", value);
  else std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

/// How much of the target is reached: above 1 is better than it.
double score(const Figure& figure) {
  const auto target = std::stod(figure.target.substr(figure.target.find(' ') + 1));
  if (figure.target.starts_with("≥")) return figure.value / target;
  return figure.value <= 0 ? 2 : target / figure.value;
}

}  // namespace

std::string to_table(const std::vector<Report>& reports) {
  std::string out = "| scenario | figure | measured | target | met |\n|---|---|---|---|---|\n";
  for (const auto& report : reports)
    for (const auto& f : report.figures)
      out += "| " + report.scenario + " | " + f.name + " | " + number(f.value) + " " + f.unit + " | " + f.target +
             " | " +
             (f.target.empty() ? ""
              : f.met          ? "yes"
                               : "**no**") +
             " |\n";
  return out;
}

std::string to_json(const std::vector<Report>& reports) {
  std::string out = "[";
  for (const auto& report : reports)
    for (const auto& f : report.figures)
      out += std::string(out.size() > 1 ? "," : "") + "\n{\"scenario\":\"" + report.scenario + "\",\"figure\":\"" +
             f.name + "\",\"value\":" + std::to_string(f.value) + ",\"unit\":\"" + f.unit + "\",\"target\":\"" +
             f.target + "\",\"met\":" + (f.met ? "true" : "false") + "}";
  return out + "\n]\n";
}

std::string to_svg(const std::vector<Report>& reports) {
  constexpr int kRow = 26;
  constexpr int kLeft = 330;
  constexpr double kUnit = 160;
  std::string rows;
  int y = 40;
  for (const auto& report : reports)
    for (const auto& f : report.figures) {
      if (f.target.empty()) continue;
      const auto width = std::min(score(f), 2.5) * kUnit;
      rows += "<text x=\"" + std::to_string(kLeft - 8) + "\" y=\"" + std::to_string(y + 14) +
              "\" text-anchor=\"end\">" + report.scenario + ": " + f.name + "</text><rect x=\"" +
              std::to_string(kLeft) + "\" y=\"" + std::to_string(y) + "\" height=\"18\" rx=\"3\" width=\"" +
              number(width) + "\" fill=\"" + (f.met ? "#2f855a" : "#c05621") + "\"/><text x=\"" +
              number(kLeft + width + 6) + "\" y=\"" + std::to_string(y + 14) + "\">" + number(f.value) + " " + f.unit +
              "</text>\n";
      y += kRow;
    }
  const auto height = std::to_string(y + 10);
  const auto line = number(kLeft + kUnit);
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"920\" height=\"" + height +
         "\" font-family=\"sans-serif\" font-size=\"13\" fill=\"#1a202c\"><rect width=\"100%\" height=\"100%\" "
         "fill=\"#fff\"/>\n<text x=\"" +
         line + "\" y=\"24\" text-anchor=\"middle\">target</text><line x1=\"" + line + "\" x2=\"" + line +
         "\" y1=\"30\" y2=\"" + height + "\" stroke=\"#718096\" stroke-dasharray=\"4\"/>\n" + rows + "</svg>\n";
}

}  // namespace simpleim::bench
