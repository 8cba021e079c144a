#include "core/gate/lock_out.h"

#include <algorithm>

#include "core/gate/timing.h"

namespace dml {
namespace {

class Search {
 public:
  Search(const Policy& policy, std::string_view environment, const LockOutFacts& facts)
      : policy_(policy), environment_(environment), facts_(facts) {}

  std::vector<Finding> Run() {
    const ReleaseRules& rules = policy_.release_rules;
    CheckPersons("publishers", "signatures.threshold", policy_.signature_threshold,
                 facts_.publishers);
    if (rules.approvals.empty()) CheckPersons("approvers", "approvals", 1, facts_.approvers);
    ForEach("approvals", rules.approvals, [&](const ApprovalRule& rule, const std::string& at) {
      CheckPersons("approvers", at + ".approvers", rule.approvers, facts_.approvers);
    });
    ForEach("size", rules.size, [&](const SizeRule& rule, const std::string& at) {
      if (rule.items == 0u) {
        Add("lock-out.size", at + ".items", "a release has at least one item, and may have none",
            "let it have one");
      }
    });
    ForEach("timing", rules.timing, [&](const TimingRule& rule, const std::string& at) {
      if (NextOpening(rule, facts_.time).has_value()) return;
      Add("lock-out.timing", at,
          fmt::format("from {} on there is no time in a year when a release may go",
                      FormatTime(facts_.time)),
          "open a window, or end the freeze");
    });
    for (size_t i = 0; i < rules.scope.size(); ++i) CheckOrder(i);
    std::ranges::sort(out_);
    return std::move(out_);
  }

 private:
  void Add(const char* rule, std::string subject, std::string message, std::string remedy) {
    out_.push_back(
        {rule, Severity::kError, std::move(subject), std::move(message), std::move(remedy)});
  }

  // Rules for other places are not this environment's.
  bool IsHere(const RuleScope& scope) const {
    return scope.environment.empty() || CoversEnvironment(scope.environment, environment_) ||
           CoversEnvironment(environment_, scope.environment);
  }

  template <typename Rule, typename CheckFn>
  void ForEach(const char* family, const Family<Rule>& rules, CheckFn check) {
    for (size_t i = 0; i < rules.size(); ++i) {
      if (IsHere(rules[i].scope)) check(rules[i].rule, fmt::format("{}[{}]", family, i));
    }
  }

  void CheckPersons(const char* who, std::string subject, uint32_t needed,
                    std::optional<uint32_t> there) {
    if (!there.has_value() || *there >= needed) return;
    Add(who == std::string_view("approvers") ? "lock-out.approvers" : "lock-out.publishers",
        std::move(subject),
        fmt::format("{} {} are needed, and the trust root has {}", needed, who, *there),
        "need fewer, or have the trust root name more");
  }

  void CheckOrder(size_t i) {
    const ScopedRule<ScopeRule>& scoped = policy_.release_rules.scope[i];
    if (!IsHere(scoped.scope) || !scoped.rule.after.has_value()) return;
    const std::string& after = scoped.rule.after->environment;
    // Whoever must have been below the place where this very rule holds never gets in.
    const std::string& where =
        scoped.scope.environment.empty() ? environment_ : scoped.scope.environment;
    if (!CoversEnvironment(where, after)) return;
    Add("lock-out.order", fmt::format("scope[{}].after", i),
        fmt::format("what goes to {} must have been in {} before", where, after),
        "name an environment before it");
  }

  const Policy& policy_;
  const std::string environment_;
  const LockOutFacts& facts_;
  std::vector<Finding> out_;
};

}  // namespace

std::vector<Finding> FindLockOuts(const Policy& policy, std::string_view environment,
                                  const LockOutFacts& facts) {
  return Search(policy, environment, facts).Run();
}

}  // namespace dml
