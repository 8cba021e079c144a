// The packages of a Debian index and which of them can be installed together.
#pragma once

#include <deque>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "core/compat/clause_solver.h"
#include "core/compat/premise_text.h"
#include "tools/import/deb_index.h"

namespace dml {

/// Whether a set can be installed, and why not.
struct DebAnswer {
  Solvable solvable = Solvable::kUndecided;
  std::vector<CandidateId> packages;  // kYes: the set, sorted.
  std::vector<std::string> reasons;   // kNo: see PremisesInWords().
};

/// An index, read once into a ClauseSolver; a candidate is a package, numbered by name, then from
/// the newest version, then by architecture. The rules are those of dpkg (Debian Policy 7;
/// Multi-Arch specification; dpkg's deparchsatisfied()), and agree with dose-debcheck, but
/// for `:any`, which that ignores:
///
///   Depends, Pre-Depends  one of the alternatives, by a package of that name or by one that
///                         provides it. A provision without a version meets no range (7.5).
///   Conflicts, Breaks     no other package that has or provides the name, whatever its
///                         architecture; versions as above. A package name never excludes itself.
///   one version           of a name at a time; of `Multi-Arch: same` one for each architecture,
///                         all of them of the same version.
///   architecture          `all` counts as the native one. `name` means the requirer's
///                         architecture, or any where the provider is `Multi-Arch: foreign`;
///                         `name:any` a provider that is `Multi-Arch: allowed`; `name:ARCH` that
///                         architecture.
/// Recommends and Essential play no part. A stanza given twice counts once.
class DebUniverse : private PremiseWords {
 public:
  /// `native` is the native architecture; "": the one that the index has beside `all`. Errors as
  /// ReadDebIndex(), those of ParseDebRelations(), VERSION_INVALID, and INVALID_ARGUMENT
  /// (DEB_ARCHITECTURE_UNKNOWN) where there are several architectures and none is named.
  static absl::StatusOr<DebUniverse> Read(const std::filesystem::path& path,
                                          std::string_view native = "");

  size_t size() const { return packages_.size(); }
  const std::string& name(CandidateId package) const { return *texts_[packages_[package].name]; }
  const std::string& version(CandidateId package) const {
    return versions_[packages_[package].version].text();
  }
  const std::string& architecture(CandidateId package) const {
    return *texts_[packages_[package].architecture];
  }
  /// "curl=7.88.1-10", with ":ARCH" after the name where that is neither native nor all.
  std::string Reference(CandidateId package) const;

  /// Those that cannot be installed in any way, in order; `undecided` gets those that are open when
  /// the budget ends.
  std::vector<CandidateId> FindUninstallable(SolveBudget& budget,
                                             std::vector<CandidateId>& undecided);
  /// Why not; `package` is one that cannot be installed.
  std::vector<std::string> ExplainUninstallable(CandidateId package, SolveBudget& budget);

  /// A set for jobs, each written as one relation of Depends; "NAME=VERSION" means "NAME (= V)".
  /// Errors: those of ParseDebRelations().
  absl::StatusOr<DebAnswer> SolveJobs(std::span<const std::string> jobs, SolveBudget& budget);

 private:
  friend class DebUniverseBuilder;
  using TextId = uint32_t;
  using VersionId = uint32_t;
  using ClauseTextId = uint32_t;
  static constexpr uint32_t kNone = UINT32_MAX;
  enum class MultiArch : uint8_t { kNo, kSame, kForeign, kAllowed };
  enum class Field : uint8_t { kPreDepends, kDepends, kConflicts, kBreaks, kJob };

  struct Relation {
    TextId name;
    VersionId version;  // kNone: any.
    VersionOp op;
    TextId qualifier;  // kNone: none.
  };
  struct Clause {
    std::vector<Relation> alternatives;
    std::string text;
  };
  struct Line {
    Field field;
    ClauseTextId clause;
  };
  struct Provided {
    TextId name;
    VersionId version;  // kNone: none.
  };
  struct Package {
    TextId name;
    TextId architecture;
    VersionId version;
    MultiArch multi_arch;
    std::vector<Line> lines;
    std::vector<Provided> provides;
  };
  struct Offer {
    CandidateId package;
    VersionId version;  // kNone: none.
    bool own;
  };
  struct Reason {
    CandidateId package;
    Line line;
  };

  std::string CandidateText(CandidateId candidate) const override;
  std::string ClauseText(ClauseId clause) const override;
  bool Meets(const Relation& relation, TextId architecture, bool excludes,
             const Offer& offer) const;
  bool MeetsArchitecture(const Relation& relation, TextId architecture, bool excludes,
                         const Package& provider) const;
  std::vector<CandidateId> Providers(const Clause& clause, TextId architecture,
                                     bool excludes) const;
  void Compile();
  void CompilePackage(CandidateId id);
  void Require(CandidateId requirer, Line line, TextId architecture);
  std::vector<std::string> Explain(SolveBudget& budget) const;
  TextId Native(TextId architecture) const { return architecture == all_ ? native_ : architecture; }

  std::deque<std::string> text_store_;
  std::vector<const std::string*> texts_;
  std::vector<Version> versions_;
  std::vector<Clause> clauses_;
  std::vector<Package> packages_;
  std::vector<std::vector<Offer>> offers_;  // By name.
  absl::flat_hash_map<std::string, TextId> text_ids_;
  TextId all_ = kNone;
  TextId any_ = kNone;
  TextId native_ = kNone;
  ClauseSolver solver_;
  std::vector<Reason> reasons_;                                        // By ClauseId.
  absl::flat_hash_map<uint64_t, std::vector<CandidateId>> providers_;  // Of clauses seen before.
};

}  // namespace dml
