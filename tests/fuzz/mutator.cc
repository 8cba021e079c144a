#include "tests/fuzz/mutator.h"

#include <algorithm>

namespace dml::fuzz {
namespace {

constexpr size_t kMaxInput = 1 << 20;
constexpr size_t kMaxPiece = 64;

// What parsers of these texts stumble over: numbers at their ends, brackets, escapes, separators.
constexpr std::string_view kWords[] = {"0",
                                       "-1",
                                       "1e999",
                                       "4294967296",
                                       "9007199254740993",
                                       "18446744073709551615",
                                       "18446744073709551616",
                                       "[",
                                       "]",
                                       "{",
                                       "}",
                                       "\"",
                                       "\\u0000",
                                       "\\ud800",
                                       "\n",
                                       "\n\n",
                                       "\t",
                                       " ",
                                       ",",
                                       ":",
                                       "/",
                                       "../",
                                       "%00",
                                       "=",
                                       "==",
                                       "*",
                                       "|",
                                       "!=",
                                       ">=",
                                       "-",
                                       "~",
                                       "^",
                                       "+",
                                       "null",
                                       "true",
                                       "\xc3\xa9",
                                       "\xef\xbb\xbf",
                                       "\xff",
                                       " AND ",
                                       " OR ",
                                       "(",
                                       ")"};

}  // namespace

std::string Mutator::Next() {
  std::string out = seeds_[Below(seeds_.size())];
  for (size_t changes = 1 + Below(4); changes > 0; --changes) Change(out);
  if (out.size() > kMaxInput) out.resize(kMaxInput);
  return out;
}

void Mutator::Change(std::string& input) {
  switch (Below(6)) {
    case 0:
      return Remove(input);
    case 1:
      return Repeat(input);
    case 2:
      return InsertWord(input);
    case 3:
      return Splice(input);
    default:
      return ChangeByte(input);
  }
}

void Mutator::ChangeByte(std::string& input) {
  if (input.empty()) return;
  char& byte = input[Below(input.size())];
  switch (Below(3)) {
    case 0:
      byte = static_cast<char>(byte ^ (1 << Below(8)));
      break;
    case 1:
      byte = static_cast<char>(random_());
      break;
    default:
      byte = static_cast<char>(byte + (Below(2) == 0 ? 1 : -1));
  }
}

void Mutator::Remove(std::string& input) {
  const size_t from = Place(input);
  // Now and then the rest: inputs are cut off more often than they have holes.
  input.erase(from, Below(8) == 0 ? std::string::npos : Below(kMaxPiece));
}

void Mutator::Repeat(std::string& input) {
  const size_t from = Place(input);
  const std::string piece = input.substr(from, 1 + Below(kMaxPiece));
  for (size_t times = 1 + Below(4); times > 0; --times) input.insert(from, piece);
}

void Mutator::InsertWord(std::string& input) {
  const size_t at = Place(input);
  input.insert(at, kWords[Below(std::size(kWords))]);
}

void Mutator::Splice(std::string& input) {
  const std::string& other = seeds_[Below(seeds_.size())];
  const size_t from = Place(other);
  const size_t at = Place(input);
  input.replace(at, Below(kMaxPiece), other.substr(from, Below(4 * kMaxPiece)));
}

}  // namespace dml::fuzz
