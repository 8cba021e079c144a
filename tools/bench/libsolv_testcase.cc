#include "tools/bench/libsolv_testcase.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>

#include "tools/import/deb_index.h"

namespace dml {
namespace {

std::string NameOf(const DebRelation& relation) {
  return relation.qualifier == "any" ? "any-of-" + relation.name : relation.name;
}

std::string_view OperatorText(VersionOp op) {
  switch (op) {
    case VersionOp::kLess:
      return "<";
    case VersionOp::kLessEqual:
      return "<=";
    case VersionOp::kGreaterEqual:
      return ">=";
    case VersionOp::kGreater:
      return ">";
    case VersionOp::kEqual:
    case VersionOp::kNotEqual:
      break;
  }
  return "=";
}

std::string RelationText(const DebRelation& relation) {
  if (!relation.constraint.has_value()) return NameOf(relation);
  return fmt::format("{} {} {}", NameOf(relation), OperatorText(relation.constraint->op),
                     relation.constraint->version.text());
}

absl::Status WriteRelations(const DebControl& control, const char* field, const char* tag,
                            std::ostream& out) {
  DML_ASSIGN_OR_RETURN(const std::vector<DebClause> clauses,
                       ParseDebRelations(field, control.Get(field)));
  for (const DebClause& clause : clauses) {
    out << tag;
    for (size_t i = 0; i < clause.alternatives.size(); ++i) {
      out << (i == 0 ? " " : " | ") << RelationText(clause.alternatives[i]);
    }
    out << '\n';
  }
  return absl::OkStatus();
}

absl::Status WritePackage(const DebControl& control, std::ostream& out) {
  const std::string name(control.Get("Package"));
  const std::string version(control.Get("Version"));
  const size_t dash = version.rfind('-');
  const bool has_release = dash != std::string::npos;
  out << "=Pkg: " << name << ' ' << version.substr(0, dash) << ' '
      << (has_release ? version.substr(dash + 1) : "-") << ' ' << control.Get("Architecture")
      << '\n';
  out << "=Prv: " << name << " = " << version << '\n';
  if (control.Get("Multi-Arch") == "allowed") {
    out << "=Prv: any-of-" << name << " = " << version << '\n';
  }
  DML_RETURN_IF_ERROR(WriteRelations(control, "Provides", "=Prv:", out));
  DML_RETURN_IF_ERROR(WriteRelations(control, "Depends", "=Req:", out));
  DML_RETURN_IF_ERROR(WriteRelations(control, "Pre-Depends", "=Req:", out));
  DML_RETURN_IF_ERROR(WriteRelations(control, "Conflicts", "=Con:", out));
  return WriteRelations(control, "Breaks", "=Con:", out);
}

absl::Status CheckWritten(std::ofstream& out, const std::filesystem::path& file) {
  out.close();
  if (out.good()) return absl::OkStatus();
  return Unavailable(ErrorReason("WRITE_FAILED"), "cannot write {}", file.string());
}

}  // namespace

absl::Status WriteLibsolvRepo(const std::filesystem::path& index,
                              const std::filesystem::path& repo) {
  std::ofstream out(repo, std::ios::binary);
  out << "=Ver: 3.0\n";
  DML_RETURN_IF_ERROR(
      ReadDebIndex(index, [&](const DebControl& control) { return WritePackage(control, out); }));
  return CheckWritten(out, repo);
}

absl::StatusOr<std::vector<bool>> RunTestsolv(const std::filesystem::path& repo,
                                              const std::vector<LibsolvJob>& jobs) {
  const std::filesystem::path file = repo.parent_path() / "jobs.testcase";
  std::ofstream out(file, std::ios::binary);
  out << "repo system 0 empty\nrepo available 0 testtags " << repo.filename().string()
      << "\nsystem amd64 deb system\n";
  for (size_t i = 0; i < jobs.size(); ++i) {
    if (i > 0) out << "nextjob\n";
    for (const std::string& name : jobs[i]) out << "job install provides " << name << '\n';
    // What it finds differs from this, and is printed then.
    out << "result transaction,problems <inline>\n#>none\n";
  }
  DML_RETURN_IF_ERROR(CheckWritten(out, file));
  const std::string command = fmt::format("testsolv '{}' 2>&1", file.string());
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::vector<bool> answers;
  std::string line;
  for (int c = 0; pipe != nullptr && (c = std::fgetc(pipe.get())) != EOF;) {
    if (c != '\n') {
      line += static_cast<char>(c);
      continue;
    }
    if (line.starts_with("test ")) answers.push_back(true);
    if (line.starts_with("+problem") && !answers.empty()) answers.back() = false;
    line.clear();
  }
  if (answers.size() == jobs.size()) return answers;
  return Unavailable(ErrorReason("TESTSOLV_FAILED"), "testsolv answered {} of {} jobs",
                     answers.size(), jobs.size());
}

bool HasProgram(const std::string& name) {
  return std::system(fmt::format("command -v {} > /dev/null 2>&1", name).c_str()) == 0;
}

}  // namespace dml
