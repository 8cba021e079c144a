// Changes of inputs as libFuzzer makes them, but the same each time.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace dml::fuzz {

/// One thread at a time.
class Mutator {
 public:
  /// `seeds` must outlive it and not be empty. Equal seed numbers give equal inputs, on every
  /// machine and with every standard library.
  Mutator(uint64_t seed, const std::vector<std::string>& seeds) : random_(seed), seeds_(seeds) {}

  /// A seed with one to four changes.
  std::string Next();

 private:
  size_t Below(size_t limit) { return static_cast<size_t>(random_() % limit); }
  size_t Place(const std::string& in) { return Below(in.size() + 1); }
  void Change(std::string& input);
  void ChangeByte(std::string& input);
  void Remove(std::string& input);
  void Repeat(std::string& input);
  void InsertWord(std::string& input);
  void Splice(std::string& input);

  std::mt19937_64 random_;  // Its numbers are the standard's; distributions are not.
  const std::vector<std::string>& seeds_;
};

}  // namespace dml::fuzz
