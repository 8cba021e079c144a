// dml log request-cosignatures, dml log vkey: witnesses that speak HTTP, and keys as policies write
// them.
#include "core/os/file.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/log_source.h"
#include "tools/dml/records.h"
#include "tools/dml/witness_demand.h"
#include "tools/tlog_http/witness_client.h"

namespace dml {
namespace {

constexpr uint64_t kMaxCaBytes = 1 << 20;

struct RequestArgs {
  std::string policy;
  std::string ca;
};

void DeclareRequest(CLI::App& app, RequestArgs& args) {
  app.add_option("--policy", args.policy,
                 "A policy (c2sp.org/tlog-policy); its witnesses with a URL are asked")
      ->required()
      ->type_name("FILE");
  app.add_option("--ca", args.ca, "Who signs the certificates of witnesses, if not the system's")
      ->type_name("FILE");
}

// What one witness came to.
struct Asked {
  std::string name;
  absl::Status status;
};

class CosignRound {
 public:
  CosignRound(Client& client, Note note, Checkpoint checkpoint, std::string ca_pem)
      : client_(client),
        note_(std::move(note)),
        checkpoint_(std::move(checkpoint)),
        ca_pem_(std::move(ca_pem)) {}

  void Ask(const LogPolicy::Member& member) { asked_.push_back({member.name, AskOne(member)}); }

  Reply Told(const LogPolicy& policy) const {
    Reply reply;
    Json witnesses = Json::array();
    TextTable table{{"WITNESS", "RESULT", "DETAIL"}, {}};
    for (const Asked& one : asked_) {
      const std::string why(Message(one.status));
      witnesses.push_back({{"name", one.name},
                           {"cosigned", one.status.ok()},
                           {"reason", one.status.ok() ? "" : Reason(one.status)},
                           {"message", why}});
      table.rows.push_back(
          {one.name, one.status.ok() ? Cell("cosigned", Style::kGood) : Cell("FAILED", Style::kBad),
           why});
    }
    const absl::Status quorum = RequireQuorum(note_, policy, Timestamp()).status();
    reply.document = {{"checkpoint", ToJson(checkpoint_)},
                      {"witnesses", std::move(witnesses)},
                      {"quorum", quorum.ok()},
                      {"note", FormatNote(note_)}};
    reply.text.Add(std::move(table));
    reply.text.Line("");
    reply.text.Line({quorum.ok() ? fmt::format("the quorum has cosigned {} entries of {}",
                                               checkpoint_.size, checkpoint_.origin)
                                 : std::string(Message(quorum)),
                     quorum.ok() ? Style::kGood : Style::kBad});
    if (!quorum.ok()) reply.code = ExitCode::kNegative;
    return reply;
  }

 private:
  absl::Status AskOne(const LogPolicy::Member& member) {
    HttpLogOptions options;
    options.url = member.url;
    options.ca_pem = ca_pem_;
    options.timeout = std::chrono::seconds(30);
    DML_ASSIGN_OR_RETURN(std::unique_ptr<HttpLog> at, HttpLog::Create(std::move(options)));
    Note signed_by_log{note_.text, {}};
    for (const NoteSignature& line : note_.signatures) {
      if (line.name == checkpoint_.origin) signed_by_log.signatures.push_back(line);
    }
    DML_ASSIGN_OR_RETURN(const std::vector<NoteSignature> lines,
                         AskWitness(*at, *member.witness, signed_by_log, checkpoint_,
                                    [this](uint64_t first, uint64_t second) {
                                      return client_.GetConsistencyProof(first, second);
                                    }));
    for (const NoteSignature& line : lines) signed_by_log.signatures.push_back(line);
    DML_ASSIGN_OR_RETURN(
        const std::string kept,
        client_.AddCosignatures(FormatNote(signed_by_log),
                                {FormatVerifierKey({member.witness->name, member.witness->key,
                                                    NoteKeyType::kCosignature})}));
    DML_ASSIGN_OR_RETURN(note_, ParseNote(kept));
    return absl::OkStatus();
  }

  Client& client_;
  Note note_;
  const Checkpoint checkpoint_;
  const std::string ca_pem_;
  std::vector<Asked> asked_;
};

absl::StatusOr<Reply> RequestCosignatures(Context& context, const RequestArgs& args) {
  DML_ASSIGN_OR_RETURN(const LogPolicy policy, ReadLogPolicy(args.policy));
  const bool anyone = std::ranges::any_of(
      policy.members, [](const LogPolicy::Member& member) { return !member.url.empty(); });
  if (!anyone) {
    return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                           "{}: no witness has a URL; write 'witness NAME VKEY URL'", args.policy);
  }
  std::string ca_pem;
  if (!args.ca.empty()) {
    DML_ASSIGN_OR_RETURN(ca_pem, ReadFile(args.ca, kMaxCaBytes));
  }
  DML_ASSIGN_OR_RETURN(const OpenedLog log, OpenLog(context, {}, "cosign"));
  DML_RETURN_IF_ERROR(RequireLogOfPolicy(policy, log.pin.origin, log.pin.key));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  std::string newest;
  DML_ASSIGN_OR_RETURN(Checkpoint checkpoint, client->GetCheckpoint(&newest));
  DML_ASSIGN_OR_RETURN(Note note, ParseNote(newest));
  CosignRound round(*client, std::move(note), std::move(checkpoint), std::move(ca_pem));
  for (const LogPolicy::Member& member : policy.members) {
    if (!member.url.empty()) round.Ask(member);
  }
  return round.Told(policy);
}

struct VkeyArgs {
  std::string key;
  std::string name;
};

void DeclareVkey(CLI::App& app, VkeyArgs& args) {
  auto* key = app.add_option("--key", args.key,
                             "A witness' key, public or private (default: the log's own key)")
                  ->type_name("FILE");
  auto* name = app.add_option("--name", args.name, "The witness' name in its signatures")
                   ->type_name("NAME")
                   ->needs(key);
  key->needs(name);
}

absl::StatusOr<Reply> ShowVkey(Context& context, const VkeyArgs& args) {
  std::optional<VerifierKey> vkey;
  if (args.key.empty()) {
    DML_ASSIGN_OR_RETURN(const OpenedLog log, OpenLog(context, {}, "vkey"));
    vkey = VerifierKey{log.pin.origin, log.pin.key, NoteKeyType::kEd25519};
  } else {
    DML_RETURN_IF_ERROR(ValidateNoteKeyName(args.name));
    DML_ASSIGN_OR_RETURN(PublicKey key, ReadPublicHalf(args.key, ""));
    if (key.algorithm() != KeyAlgorithm::kEd25519) {
      return InvalidArgument(ErrorReason("KEY_UNSUPPORTED"),
                             "{}: a witness cosigns with an Ed25519 key, and this is {}", args.key,
                             KeyAlgorithmName(key.algorithm()));
    }
    vkey = VerifierKey{args.name, std::move(key), NoteKeyType::kCosignature};
  }
  Reply reply;
  const std::string text = FormatVerifierKey(*vkey);
  reply.document = {{"name", vkey->name}, {"vkey", text}};
  reply.text.Line(text);
  return reply;
}

}  // namespace

void AddLogCosignCommands(CommandTree& tree, CLI::App& log) {
  tree.Add<RequestArgs>(
      log,
      {"request-cosignatures", "Ask witnesses over HTTP to cosign the log's newest checkpoint",
       "dml log request-cosignatures --policy witnesses.policy"},
      DeclareRequest, RequestCosignatures);
  tree.Add<VkeyArgs>(log,
                     {"vkey", "The key of the log, or of a witness, as policies write it",
                      "dml log vkey --key witness.key --name example.org/witness"},
                     DeclareVkey, ShowVkey);
}

}  // namespace dml
