// What commands print: tables and fields for people, JSON for programs.
//
// All text may come from a server, a package or a file of strangers. Nothing of it reaches the
// terminal raw: control characters (which move the cursor, change titles, fake output), characters
// that reorder text, and bytes that are not UTF-8 are shown as escapes.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/base/status.h"

namespace dml {

/// Members keep the order in which they are set.
using Json = nlohmann::ordered_json;

/// What the output goes to.
struct Terminal {
  bool out_is_tty = false;
  bool err_is_tty = false;
  size_t width = 80;  // In columns; used only where it is a terminal.
  bool color = false;
};

/// The process' own terminal: colors unless NO_COLOR is set (no-color.org) or TERM is "dumb".
Terminal SystemTerminal();

/// The text with everything escaped that is not plain: "\x1b", "\u{202e}". `lines` lets line feeds
/// and tabs pass.
std::string EscapeForTerminal(std::string_view text, bool lines = false);

/// Columns that an escaped text takes: 2 for the wide characters of East Asia, 0 for marks that
/// combine with the character before.
size_t DisplayWidth(std::string_view text);

/// At most `width` columns of an escaped text, "…" in place of what is left out.
std::string Truncate(std::string_view text, size_t width);

enum class Style { kPlain, kGood, kBad, kWarning, kFaint, kStrong };

struct Cell {
  Cell(std::string text, Style style = Style::kPlain) : text(std::move(text)), style(style) {}
  Cell(const char* text, Style style = Style::kPlain) : text(text), style(style) {}
  std::string text;
  Style style;
};

struct TextTable {
  std::vector<std::string> headers;
  std::vector<std::vector<Cell>> rows;  // Each as long as the headers.
};

/// Output for people, put together part by part and laid out once all of it is known. A value.
class Text {
 public:
  void Line(Cell cell) { parts_.push_back(std::move(cell)); }
  /// "name  value" for each, the values in one column; a field without value is left out.
  void Fields(std::vector<std::pair<std::string, Cell>> fields);
  void Add(TextTable table) { parts_.push_back(std::move(table)); }
  /// A document of several lines, whose line feeds and tabs stay.
  void Block(std::string text) { parts_.push_back(std::move(text)); }

  /// Columns are two blanks apart. On a terminal the widest columns of a table are cut until its
  /// rows fit; anywhere else nothing is cut.
  std::string Render(const Terminal& terminal) const;

 private:
  using FieldList = std::vector<std::pair<std::string, Cell>>;
  std::vector<std::variant<Cell, FieldList, TextTable, std::string>> parts_;
};

/// Indented by two, ASCII only, ends in a line feed.
std::string RenderJson(const Json& document);

/// {"error": {"code", "reason", "message", "fields": [{"field", "description"}]}}
Json ErrorJson(const absl::Status& status);

/// "INVALID_ARGUMENT": the code's name in gRPC.
std::string_view StatusCodeName(absl::StatusCode code);

/// "17.2 MiB", "512 B".
std::string FormatBytes(uint64_t bytes);

}  // namespace dml
