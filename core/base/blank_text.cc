#include "core/base/blank_text.h"

namespace dml {

bool IsOnlySpace(std::string_view text) {
  // White space of Unicode 15 that is not ASCII, and what is seen as little.
  constexpr std::string_view kSpaces[] = {
      "\u0085", "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004",
      "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200a", "\u200b", "\u2028",
      "\u2029", "\u202f", "\u205f", "\u2060", "\u3000", "\ufeff"};
  while (!text.empty()) {
    size_t size = std::string_view(" \t\n\v\f\r").find(text.front()) != text.npos ? 1 : 0;
    for (std::string_view space : kSpaces) {
      if (text.starts_with(space)) size = space.size();
    }
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

}  // namespace dml
