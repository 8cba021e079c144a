#include "tools/dml/output.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <numeric>
#include <unistd.h>

#include <sys/ioctl.h>

#include "core/base/bytes.h"

namespace dml {
namespace {

constexpr size_t kMinColumn = 8;  // Columns are not cut below this.
constexpr std::string_view kGap = "  ";

// A character of UTF-8, or a byte that belongs to none: `valid` is false then.
struct Character {
  char32_t code = 0;
  size_t size = 1;
  bool valid = false;
};

Character NextCharacter(std::string_view text) {
  uint8_t first = static_cast<uint8_t>(text[0]);
  if (first < 0x80) return {first, 1, true};
  size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (text.size() < size || !IsValidUtf8(text.substr(0, size))) return {first, 1, false};
  char32_t code = first & (0xff >> (size + 1));
  for (size_t i = 1; i < size; ++i) code = code << 6 | (static_cast<uint8_t>(text[i]) & 0x3f);
  return {code, size, true};
}

bool IsBetween(char32_t code, char32_t first, char32_t last) {
  return code >= first && code <= last;
}

// Characters without a shape of their own that reorder, hide or break text: the direction marks of
// UAX #9, zero-width characters, line and paragraph separators, tags.
bool IsDeceptive(char32_t code) {
  return IsBetween(code, 0x200b, 0x200f) || IsBetween(code, 0x2028, 0x202e) ||
         IsBetween(code, 0x2060, 0x206f) || code == 0x061c || code == 0xfeff ||
         IsBetween(code, 0xe0000, 0xe007f);
}

size_t CharacterWidth(char32_t code) {
  if (IsBetween(code, 0x0300, 0x036f) || IsBetween(code, 0xfe00, 0xfe0f)) return 0;
  bool wide = IsBetween(code, 0x1100, 0x115f) || IsBetween(code, 0x2e80, 0xa4cf) ||
              IsBetween(code, 0xac00, 0xd7a3) || IsBetween(code, 0xf900, 0xfaff) ||
              IsBetween(code, 0xfe30, 0xfe6f) || IsBetween(code, 0xff00, 0xff60) ||
              IsBetween(code, 0x1f300, 0x1faff) || IsBetween(code, 0x20000, 0x3fffd);
  return wide ? 2 : 1;
}

std::string_view StyleCode(Style style) {
  switch (style) {
    case Style::kPlain:
      return "";
    case Style::kGood:
      return "\x1b[32m";
    case Style::kBad:
      return "\x1b[31m";
    case Style::kWarning:
      return "\x1b[33m";
    case Style::kFaint:
      return "\x1b[2m";
    case Style::kStrong:
      return "\x1b[1m";
  }
  return "";
}

std::string Styled(std::string_view text, Style style, const Terminal& terminal) {
  if (!terminal.color || style == Style::kPlain || text.empty()) return std::string(text);
  return fmt::format("{}{}\x1b[0m", StyleCode(style), text);
}

// Cuts the widest columns, one step at a time, until a row fits or no column is wide.
void FitColumns(std::vector<size_t>& widths, size_t available) {
  size_t total = std::accumulate(widths.begin(), widths.end(), kGap.size() * (widths.size() - 1));
  while (total > available) {
    auto widest = std::max_element(widths.begin(), widths.end());
    if (*widest <= kMinColumn) return;
    --*widest;
    --total;
  }
}

std::string RenderRow(const std::vector<Cell>& row, const std::vector<size_t>& widths,
                      const Terminal& terminal) {
  std::string line;
  std::string blanks;  // Written only before the next text, so that no line ends in blanks.
  for (size_t i = 0; i < row.size(); ++i) {
    std::string text = Truncate(row[i].text, widths[i]);
    size_t width = DisplayWidth(text);
    if (!text.empty()) line += blanks + Styled(text, row[i].style, terminal);
    if (!text.empty()) blanks.clear();
    blanks.append(widths[i] - width, ' ').append(kGap);
  }
  return line + "\n";
}

std::string RenderTable(const TextTable& table, const Terminal& terminal) {
  std::vector<std::vector<Cell>> rows;
  std::vector<Cell>& header = rows.emplace_back();
  for (const std::string& text : table.headers) header.emplace_back(text, Style::kStrong);
  for (const std::vector<Cell>& row : table.rows) {
    std::vector<Cell>& out = rows.emplace_back();
    for (const Cell& cell : row) out.emplace_back(EscapeForTerminal(cell.text), cell.style);
  }
  std::vector<size_t> widths(table.headers.size(), 0);
  for (const std::vector<Cell>& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], DisplayWidth(row[i].text));
    }
  }
  if (terminal.out_is_tty) FitColumns(widths, terminal.width);
  std::string out;
  for (const std::vector<Cell>& row : rows) out += RenderRow(row, widths, terminal);
  return out;
}

std::string RenderFields(const std::vector<std::pair<std::string, Cell>>& fields,
                         const Terminal& terminal) {
  size_t width = 0;
  for (const auto& [name, value] : fields) width = std::max(width, name.size());
  std::string out;
  for (const auto& [name, value] : fields) {
    out += Styled(name, Style::kFaint, terminal);
    out.append(width - name.size(), ' ').append(kGap);
    out += Styled(EscapeForTerminal(value.text), value.style, terminal) + "\n";
  }
  return out;
}

}  // namespace

Terminal SystemTerminal() {
  Terminal out;
  out.out_is_tty = ::isatty(STDOUT_FILENO) == 1;
  out.err_is_tty = ::isatty(STDERR_FILENO) == 1;
  winsize size{};
  int fd = out.out_is_tty ? STDOUT_FILENO : STDERR_FILENO;
  if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) out.width = size.ws_col;
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  out.color = out.out_is_tty && (no_color == nullptr || *no_color == '\0') && term != nullptr &&
              std::string_view(term) != "dumb";
  return out;
}

std::string EscapeForTerminal(std::string_view text, bool lines) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    Character c = NextCharacter(text);
    bool control = c.code < 0x20 || IsBetween(c.code, 0x7f, 0x9f);
    if (lines && (c.code == '\n' || c.code == '\t')) control = false;
    if (!c.valid || control) {
      out += fmt::format("\\x{:02x}", static_cast<uint32_t>(c.code));
    } else if (IsDeceptive(c.code)) {
      out += fmt::format("\\u{{{:x}}}", static_cast<uint32_t>(c.code));
    } else {
      out += text.substr(0, c.size);
    }
    text.remove_prefix(c.size);
  }
  return out;
}

size_t DisplayWidth(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    Character c = NextCharacter(text);
    width += CharacterWidth(c.code);
    text.remove_prefix(c.size);
  }
  return width;
}

std::string Truncate(std::string_view text, size_t width) {
  if (DisplayWidth(text) <= width) return std::string(text);
  if (width == 0) return "";
  size_t used = 0;
  size_t end = 0;
  while (end < text.size()) {
    Character c = NextCharacter(text.substr(end));
    if (used + CharacterWidth(c.code) > width - 1) break;
    used += CharacterWidth(c.code);
    end += c.size;
  }
  return std::string(text.substr(0, end)) + "…";
}

void Text::Fields(std::vector<std::pair<std::string, Cell>> fields) {
  std::erase_if(fields, [](const auto& field) { return field.second.text.empty(); });
  parts_.push_back(std::move(fields));
}

std::string Text::Render(const Terminal& terminal) const {
  std::string out;
  for (const auto& part : parts_) {
    if (const auto* cell = std::get_if<Cell>(&part)) {
      out += Styled(EscapeForTerminal(cell->text), cell->style, terminal) + "\n";
    } else if (const auto* fields = std::get_if<FieldList>(&part)) {
      out += RenderFields(*fields, terminal);
    } else if (const auto* table = std::get_if<TextTable>(&part)) {
      out += RenderTable(*table, terminal);
    } else {
      out += EscapeForTerminal(std::get<std::string>(part), true);
      if (!out.ends_with('\n')) out += '\n';
    }
  }
  return out;
}

std::string RenderJson(const Json& document) {
  return document.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

Json ErrorJson(const absl::Status& status) {
  Json fields = Json::array();
  for (const FieldViolation& violation : FieldViolations(status)) {
    fields.push_back({{"field", violation.field}, {"description", violation.description}});
  }
  return {{"error",
           {{"code", std::string(StatusCodeName(status.code()))},
            {"reason", Reason(status)},
            {"message", std::string(Message(status))},
            {"fields", std::move(fields)}}}};
}

std::string_view StatusCodeName(absl::StatusCode code) {
  static constexpr std::array<std::string_view, 17> kNames = {"OK",
                                                              "CANCELLED",
                                                              "UNKNOWN",
                                                              "INVALID_ARGUMENT",
                                                              "DEADLINE_EXCEEDED",
                                                              "NOT_FOUND",
                                                              "ALREADY_EXISTS",
                                                              "PERMISSION_DENIED",
                                                              "RESOURCE_EXHAUSTED",
                                                              "FAILED_PRECONDITION",
                                                              "ABORTED",
                                                              "OUT_OF_RANGE",
                                                              "UNIMPLEMENTED",
                                                              "INTERNAL",
                                                              "UNAVAILABLE",
                                                              "DATA_LOSS",
                                                              "UNAUTHENTICATED"};
  size_t index = static_cast<size_t>(code);
  return index < kNames.size() ? kNames[index] : "UNKNOWN";
}

std::string FormatBytes(uint64_t bytes) {
  static constexpr std::array<std::string_view, 6> kUnits = {"KiB", "MiB", "GiB",
                                                             "TiB", "PiB", "EiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  while (value >= 1023.95 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

}  // namespace dml
