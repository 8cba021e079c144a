// dml entitlement verify-loan: what a node that is offline may use, by what it took along.
#include "core/evidence/loan_proof.h"
#include "core/os/file.h"
#include "core/trust/authority.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/loan_files.h"
#include "tools/dml/records.h"
#include "tools/dml/root_document.h"

namespace dml {
namespace {

constexpr ErrorReason kArgumentInvalid("ARGUMENT_INVALID");

struct LoanArgs {
  std::string folder;
  std::string root;
  std::string log_key;
  std::string holder;
  std::string at;
};

void DeclareLoan(CLI::App& app, LoanArgs& args) {
  app.add_option("folder", args.folder, "What dml entitlement borrow --out wrote")
      ->required()
      ->type_name("FOLDER");
  CLI::Option_group& trust = *app.add_option_group("Trust", "Exactly one of them");
  trust.add_option("--root", args.root, "The trust root that names the library's log key")
      ->type_name("FILE");
  trust.add_option("--log-key", args.log_key, "The public key of the library's log")
      ->type_name("FILE");
  trust.require_option(1);
  app.add_option("--holder", args.holder, "Who must hold it");
  app.add_option("--at", args.at, "When it must be good, RFC 3339; default: now")
      ->type_name("TIME");
}

absl::StatusOr<std::vector<PublicKey>> LogKeys(const LoanArgs& args) {
  std::vector<PublicKey> out;
  if (!args.log_key.empty()) {
    DML_ASSIGN_OR_RETURN(PublicKey key, ReadPublicHalf(args.log_key, ""));
    out.push_back(std::move(key));
    return out;
  }
  DML_ASSIGN_OR_RETURN(const TrustedRoot root, ReadPinnedRoot(args.root));
  DML_ASSIGN_OR_RETURN(const Authority log, RootAuthority(root.root, SigningRole::kLog));
  for (const TrustKey& key : log.keys) out.push_back(key.key);
  return out;
}

absl::StatusOr<LogProof> ReadProof(const std::string& file) {
  DML_ASSIGN_OR_RETURN(const std::string text, ReadFile(file, kMaxLogProofBytes));
  absl::StatusOr<LogProof> proof = ParseLogProof(text);
  if (!proof.ok()) return Annotate(proof.status(), file);
  return proof;
}

absl::StatusOr<ProvenLoan> ByAnyKey(const LoanProof& proof, const std::vector<PublicKey>& keys) {
  absl::StatusOr<ProvenLoan> loan =
      DataLoss(ErrorReason("LOAN_NOT_VERIFIED"), "the root names no key of the log");
  for (const PublicKey& key : keys) {
    loan = VerifyLoan(proof, key);
    if (loan.ok()) break;
  }
  return loan;
}

// Why a loan that is proven is not good here and now, "" where it is.
std::string Fault(const ProvenLoan& loan, const LoanArgs& args, Timestamp at) {
  if (!args.holder.empty() && loan.item.holder != args.holder) {
    return fmt::format("it is held by {}, not by {}", loan.item.holder, args.holder);
  }
  if (at < loan.from) return fmt::format("it begins at {}", FormatTime(loan.from));
  if (at >= loan.end) return fmt::format("it ended at {}", FormatTime(loan.end));
  return "";
}

absl::StatusOr<Reply> VerifyLoanOffline(Context&, const LoanArgs& args) {
  Timestamp at = WallClockNow();
  if (!args.at.empty()) {
    const std::optional<Timestamp> given = ParseTime(args.at);
    if (!given.has_value()) {
      return InvalidArgument(kArgumentInvalid, "'{}' is no time in RFC 3339", args.at);
    }
    at = *given;
  }
  DML_ASSIGN_OR_RETURN(const std::vector<PublicKey> keys, LogKeys(args));
  LoanProof proof;
  DML_ASSIGN_OR_RETURN(proof.terms, ReadProof(LoanTermsFile(args.folder)));
  DML_ASSIGN_OR_RETURN(proof.loan, ReadProof(LoanFile(args.folder)));
  const absl::StatusOr<ProvenLoan> loan = ByAnyKey(proof, keys);
  const std::string fault =
      loan.ok() ? Fault(*loan, args, at) : std::string(Message(loan.status()));
  Reply reply;
  reply.document = {{"good", fault.empty()}, {"fault", fault}, {"loan", nullptr}};
  reply.text.Line(fault.empty() ? Cell{"GOOD", Style::kGood}
                                : Cell{"REFUSED: " + fault, Style::kBad});
  if (!fault.empty()) reply.code = ExitCode::kNegative;
  if (!loan.ok()) return reply;
  reply.document["loan"] = {
      {"lease", loan->lease},           {"entitlement", loan->item.entitlement},
      {"product", loan->terms.product}, {"holder", loan->item.holder},
      {"seats", loan->item.seats},      {"environment", loan->environment},
      {"from", FormatTime(loan->from)}, {"end", FormatTime(loan->end)},
      {"logOrigin", loan->log_origin},  {"logIndex", loan->log_index}};
  reply.text.Fields({{"lease", loan->lease},
                     {"product", loan->terms.product},
                     {"holder", loan->item.holder},
                     {"seats", std::to_string(loan->item.seats)},
                     {"environment", loan->environment},
                     {"until", FormatTime(loan->end)}});
  return reply;
}

LogProof ProofOf(const ProvenEntry& entry) {
  return {entry.index, entry.leaf, entry.proof, entry.checkpoint_note};
}

}  // namespace

std::string LoanFile(const std::filesystem::path& folder) { return folder / "loan.tlog-proof"; }
std::string LoanTermsFile(const std::filesystem::path& folder) {
  return folder / "terms.tlog-proof";
}

absl::Status WriteLoan(Client& client, uint64_t terms_index, uint64_t loan_index,
                       const std::filesystem::path& folder) {
  DML_ASSIGN_OR_RETURN(const ProvenEntry terms, client.ProveEntry(terms_index));
  DML_ASSIGN_OR_RETURN(const ProvenEntry loan, client.ProveEntry(loan_index));
  DML_RETURN_IF_ERROR(MakePrivateDirectory(folder));
  DML_RETURN_IF_ERROR(
      WriteFileAtomically(LoanTermsFile(folder), AsBytes(FormatLogProof(ProofOf(terms))), 0644));
  return WriteFileAtomically(LoanFile(folder), AsBytes(FormatLogProof(ProofOf(loan))), 0644);
}

void AddLoanCommand(CommandTree& tree, CLI::App& noun) {
  tree.Add<LoanArgs>(noun,
                     {"verify-loan", "Is what was borrowed still good, offline",
                      "dml entitlement verify-loan ./loan --root root.json --holder ship-7"},
                     DeclareLoan, VerifyLoanOffline);
}

}  // namespace dml
