#include "core/compat/premise_text.h"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include <absl/container/flat_hash_map.h>
#include <fmt/format.h>

namespace dml {
namespace {

/// Lays out premises by walking from what is wanted along what is required.
class Layout {
 public:
  Layout(const ClauseSolver& solver, std::span<const Premise> premises, const PremiseWords& words)
      : solver_(solver), words_(words) {
    for (const Premise& premise : premises) {
      if (premise.kind == Premise::Kind::kWanted) {
        wanted_.push_back(premise.a);
      } else if (premise.kind == Premise::Kind::kOneVersion) {
        exclusions_.push_back(premise);
      } else if (solver.IsExclusion(premise.clause)) {
        exclusions_.push_back(premise);
      } else {
        needs_[solver.RequirerOf(premise.clause)].push_back(premise.clause);
      }
    }
  }

  std::vector<std::string> Lines() {
    for (CandidateId candidate : wanted_) {
      const std::string text = words_.CandidateText(candidate);
      if (!text.empty()) AddLine(fmt::format("{} is asked for", text));
      Reach(candidate);
    }
    for (; !open_.empty(); open_.pop_front()) AddNeeds(open_.front());
    for (const Premise& premise : exclusions_) AddExclusion(premise);
    if (lines_.size() > kMaxExplanationLines) {
      const size_t more = lines_.size() - (kMaxExplanationLines - 1);
      lines_.resize(kMaxExplanationLines - 1);
      lines_.push_back(fmt::format("... and {} more reasons", more));
    }
    return std::move(lines_);
  }

 private:
  void AddLine(const std::string& text) {
    lines_.push_back(fmt::format("{}. {}", lines_.size() + 1, text));
  }

  void Reach(CandidateId candidate) {
    if (line_of_.try_emplace(candidate, lines_.size()).second) open_.push_back(candidate);
  }

  std::string Reference(CandidateId candidate) const {
    const std::string text = words_.CandidateText(candidate);
    auto line = line_of_.find(candidate);
    return text.empty() || line == line_of_.end() ? text
                                                  : fmt::format("{} ({})", text, line->second);
  }

  /// All that the candidate requires; with it the others on the queue that say the same.
  void AddNeeds(CandidateId candidate) {
    auto needs = needs_.find(candidate);
    if (needs == needs_.end()) return;
    for (ClauseId clause : std::exchange(needs->second, {})) {
      const std::string text = words_.ClauseText(clause);
      const std::vector<CandidateId> named = solver_.NamedBy(clause);
      std::vector<CandidateId> subjects = {candidate};
      for (CandidateId other : open_) {
        if (other != candidate && TakeSame(other, text, named)) subjects.push_back(other);
      }
      AddLine(Subjects(subjects) + text + Choice(named));
      for (CandidateId next : named) Reach(next);
    }
  }

  bool TakeSame(CandidateId candidate, const std::string& text,
                const std::vector<CandidateId>& named) {
    auto needs = needs_.find(candidate);
    if (needs == needs_.end()) return false;
    return std::erase_if(needs->second, [&](ClauseId clause) {
             return words_.ClauseText(clause) == text && solver_.NamedBy(clause) == named;
           }) > 0;
  }

  template <typename ToText>
  static std::string List(const std::vector<CandidateId>& candidates, std::string_view last,
                          ToText to_text) {
    std::string out;
    const size_t shown = std::min(candidates.size(), kMaxListedCandidates);
    for (size_t i = 0; i < shown; ++i) {
      if (i > 0) out += i + 1 == candidates.size() ? last : std::string_view(", ");
      out += to_text(candidates[i]);
    }
    if (shown < candidates.size()) {
      out += fmt::format("{}{} more", last, candidates.size() - shown);
    }
    return out;
  }

  std::string Subjects(const std::vector<CandidateId>& subjects) const {
    const std::string list =
        List(subjects, " and ", [this](CandidateId candidate) { return Reference(candidate); });
    if (list.empty()) return "";
    return list + (subjects.size() == 1 ? " " : " each: ");
  }

  std::string Choice(const std::vector<CandidateId>& named) const {
    if (named.empty()) return "";
    return (named.size() == 1 ? ": only " : ": ") +
           List(named, " or ",
                [this](CandidateId candidate) { return words_.CandidateText(candidate); }) +
           " would do";
  }

  void AddExclusion(const Premise& premise) {
    if (premise.kind == Premise::Kind::kOneVersion) {
      AddLine(fmt::format("{} and {} exclude each other: one of them at a time",
                          Reference(premise.a), Reference(premise.b)));
      return;
    }
    AddLine(fmt::format("{} {}: {}", Reference(solver_.RequirerOf(premise.clause)),
                        words_.ClauseText(premise.clause),
                        Reference(solver_.NamedBy(premise.clause).front())));
  }

  const ClauseSolver& solver_;
  const PremiseWords& words_;
  std::vector<CandidateId> wanted_;
  std::vector<Premise> exclusions_;
  absl::flat_hash_map<CandidateId, std::vector<ClauseId>> needs_;
  absl::flat_hash_map<CandidateId, size_t> line_of_;
  std::deque<CandidateId> open_;
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> PremisesInWords(const ClauseSolver& solver,
                                         std::span<const Premise> premises,
                                         const PremiseWords& words) {
  return Layout(solver, premises, words).Lines();
}

}  // namespace dml
