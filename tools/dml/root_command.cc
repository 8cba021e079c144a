// dml root init|add-key|rotate|remove-key|renew: drafts of a trust root, offline, file by file.
#include <algorithm>
#include <optional>

#include "core/base/time.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/root_document.h"
#include "tools/dml/root_report.h"

namespace dml {
namespace {

constexpr char kDefaultValidity[] = "365d";

std::vector<std::string> RoleWords() {
  std::vector<std::string> out;
  for (const SigningRoleTraits& traits : kSigningRoleTable) out.emplace_back(traits.word);
  return out;
}

// A key as these commands take it.
struct KeyArgs {
  std::string file;
  std::string passphrase_file;
  std::string holder;
  bool machine = false;
  bool raw_signatures = false;
};

void DeclareKeyFile(CLI::App& app, KeyArgs& args) {
  app.add_option("--key", args.file, "The key; only its public half is read")
      ->required()
      ->type_name(kKeyTypeName);
  app.add_option("--passphrase-file", args.passphrase_file, "The passphrase of an encrypted key")
      ->type_name("FILE");
  app.add_flag("--raw-signatures", args.raw_signatures,
               "An ecdsa-p256 key whose signatures are r || s, as hardware tokens write them");
}

void DeclareHolder(CLI::App& app, KeyArgs& args) {
  app.add_option("--holder", args.holder, "Who holds the key; two keys of one holder count once")
      ->required()
      ->type_name("NAME");
}

absl::StatusOr<TrustKey> ReadTrustKey(const KeyArgs& args) {
  DML_ASSIGN_OR_RETURN(PublicKey key, ReadPublicHalf(args.file, args.passphrase_file));
  DML_ASSIGN_OR_RETURN(SignatureScheme scheme, SchemeArgument(key, args.raw_signatures, args.file));
  return TrustKey{std::move(key), scheme, args.holder, !args.machine};
}

Timestamp ExpiryAfter(std::chrono::seconds validity) {
  return std::chrono::floor<std::chrono::seconds>(WallClockNow()) + validity;
}

absl::StatusOr<Reply> WriteChange(const std::string& path, const TrustRoot& root) {
  DML_RETURN_IF_ERROR(WriteDraft(path, root));
  DML_ASSIGN_OR_RETURN(Reply reply, DescribeRoot({root, {}}, {}));
  reply.document["file"] = path;
  reply.notes.push_back(
      fmt::format("{}: a draft of root {}; each holder signs it with: dml root sign {} --key FILE",
                  path, root.version, path));
  return reply;
}

struct InitArgs {
  KeyArgs key;
  std::string origin;
  std::string log_key;
  std::string validity = kDefaultValidity;
  std::string out;
};

void DeclareInit(CLI::App& app, InitArgs& args) {
  app.add_option("--origin", args.origin, "Of the journal, as dml status prints it")->required();
  app.add_option("--log-key", args.log_key, "The public key of the journal")
      ->required()
      ->type_name("FILE");
  DeclareKeyFile(app, args.key);
  DeclareHolder(app, args.key);
  app.add_option("--valid-for", args.validity, "Until it must be renewed")->type_name("DURATION");
  app.add_option("--out", args.out, "The file to write")->required()->type_name("FILE");
}

absl::StatusOr<Reply> Init(Context&, const InitArgs& args) {
  DML_ASSIGN_OR_RETURN(std::chrono::seconds validity, ParseValidityArgument(args.validity));
  DML_ASSIGN_OR_RETURN(TrustKey key, ReadTrustKey(args.key));
  DML_ASSIGN_OR_RETURN(PublicKey log, ReadPublicHalf(args.log_key, ""));
  DML_ASSIGN_OR_RETURN(TrustRoot root, MakeFirstRoot(args.origin, log, key, ExpiryAfter(validity)));
  DML_ASSIGN_OR_RETURN(Reply reply, WriteChange(args.out, root));
  reply.notes.push_back(
      "one key vouches for everything: good enough for one person. For k of n, let others hold "
      "keys: dml root add-key --role root --holder NAME --threshold K");
  return reply;
}

struct AddKeyArgs {
  std::string file;
  std::string out;
  KeyArgs key;
  std::vector<std::string> roles;
  uint32_t threshold = 0;  // 0: as it was.
  std::string delegation;
  std::vector<std::string> subjects;
  bool terminating = false;
};

void DeclareFiles(CLI::App& app, std::string& file, std::string& out) {
  app.add_option("file", file, "A trust root, signed or a draft")->required()->type_name("FILE");
  app.add_option("--out", out, "Where the draft goes; default: where a draft came from")
      ->type_name("FILE");
}

void DeclareAddKey(CLI::App& app, AddKeyArgs& args) {
  DeclareFiles(app, args.file, args.out);
  DeclareKeyFile(app, args.key);
  DeclareHolder(app, args.key);
  app.add_flag("--machine", args.key.machine, "The holder is a machine, not a person");
  AddRepeated(app, "--role", args.roles, "What the key may vouch for")
      ->required()
      ->check(OneOf(RoleWords()));
  app.add_option("--threshold", args.threshold, "How many different holders must sign from now on")
      ->check(WholeNumber("a number of holders", 1, kMaxThreshold))
      ->type_name("K");
  CLI::Option* name =
      app.add_option("--delegation", args.delegation, "Only for these subjects, under this name");
  AddRepeated(app, "--subject", args.subjects, "Such as 'acme/*'")
      ->needs(name)
      ->type_name("PATTERN");
  app.add_flag("--terminating", args.terminating, "Nobody after it is asked about its subjects")
      ->needs(name);
}

absl::StatusOr<RoleKeys*> FindDelegation(TrustRoot& root, const AddKeyArgs& args,
                                         SigningRole role) {
  for (Delegation& item : root.delegations) {
    if (item.name != args.delegation) continue;
    if (item.role == role && args.subjects.empty()) return &item.keys;
    return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                           "delegation {} is there already, for the role {}: leave --subject out "
                           "to add a key to it",
                           item.name, SigningRoleName(item.role));
  }
  Delegation& added = root.delegations.emplace_back();
  added.name = args.delegation;
  added.role = role;
  added.terminating = args.terminating;
  for (const std::string& text : args.subjects) {
    DML_ASSIGN_OR_RETURN(SubjectPattern pattern, SubjectPattern::Parse(text));
    added.subjects.push_back(std::move(pattern));
  }
  return &added.keys;
}

absl::StatusOr<Reply> AddKey(Context&, const AddKeyArgs& args) {
  DML_ASSIGN_OR_RETURN(TrustKey key, ReadTrustKey(args.key));
  DML_ASSIGN_OR_RETURN(RootFile file, ReadRootFile(args.file));
  DML_ASSIGN_OR_RETURN(TrustRoot root, BeginChange(file, args.file, args.out));
  DML_RETURN_IF_ERROR(AddTrustKey(root, key));
  for (const std::string& word : args.roles) {
    DML_ASSIGN_OR_RETURN(SigningRole role, ParseSigningRole(word));
    RoleKeys* keys = &root.roles[role];
    if (!args.delegation.empty()) {
      if (keys->key_ids.empty()) root.roles.erase(role);
      DML_ASSIGN_OR_RETURN(keys, FindDelegation(root, args, role));
    }
    GiveKey(*keys, key.key.id());
    if (args.threshold != 0) keys->threshold = args.threshold;
  }
  return WriteChange(args.out.empty() ? args.file : args.out, root);
}

struct ChangeArgs {
  std::string file;
  std::string out;
  std::string key_id;
  KeyArgs key;
  std::string validity;
  std::optional<uint64_t> log_start_size;
};

absl::StatusOr<Reply> Change(const ChangeArgs& args,
                             const std::function<absl::Status(TrustRoot&, const Digest&)>& change) {
  DML_ASSIGN_OR_RETURN(Digest id, Digest::Parse(args.key_id));
  DML_ASSIGN_OR_RETURN(RootFile file, ReadRootFile(args.file));
  DML_ASSIGN_OR_RETURN(TrustRoot root, BeginChange(file, args.file, args.out));
  DML_RETURN_IF_ERROR(change(root, id));
  return WriteChange(args.out.empty() ? args.file : args.out, root);
}

void DeclareRemoveKey(CLI::App& app, ChangeArgs& args) {
  DeclareFiles(app, args.file, args.out);
  app.add_option("id", args.key_id, "sha256:HEX, as dml root show prints it")->required();
}

absl::StatusOr<Reply> RemoveKey(Context&, const ChangeArgs& args) {
  return Change(args, RemoveTrustKey);
}

void DeclareRotate(CLI::App& app, ChangeArgs& args) {
  DeclareRemoveKey(app, args);
  DeclareKeyFile(app, args.key);
  app.add_option("--log-start-size", args.log_start_size,
                 "Where the key signs the journal: from how many entries on the new one is "
                 "believed (dmld new-log-key says)")
      ->type_name("SIZE");
}

// A new key of the journal is believed from some size on, or a thief of the old one could have
// signed what clients take for later.
absl::Status SetLogStart(TrustRoot& root, const Digest& replaced,
                         const std::optional<uint64_t>& size) {
  const std::vector<Digest>& log = root.roles[SigningRole::kLog].key_ids;
  const bool signs_log = std::ranges::find(log, replaced) != log.end();
  if (signs_log != size.has_value()) {
    return InvalidArgument(
        ErrorReason("ARGUMENT_INVALID"),
        "--log-start-size belongs to a key that signs the journal, and {} does{}",
        replaced.ToString(), signs_log ? ": give it" : " not");
  }
  if (signs_log) root.log_start_size = *size;
  return absl::OkStatus();
}

absl::StatusOr<Reply> Rotate(Context&, const ChangeArgs& args) {
  DML_ASSIGN_OR_RETURN(TrustKey key, ReadTrustKey(args.key));
  return Change(args, [&](TrustRoot& root, const Digest& id) {
    DML_RETURN_IF_ERROR(SetLogStart(root, id, args.log_start_size));
    return ReplaceTrustKey(root, id, key);
  });
}

struct NewOriginArgs {
  std::string file;
  std::string out;
  std::string origin;
  uint64_t log_start_size = 0;
};

void DeclareNewOrigin(CLI::App& app, NewOriginArgs& args) {
  DeclareFiles(app, args.file, args.out);
  app.add_option("--origin", args.origin, "The journal's new name, never used before")
      ->required()
      ->type_name("ORIGIN");
  app.add_option("--log-start-size", args.log_start_size,
                 "How many entries the journal has (dmld new-origin says): it is believed from "
                 "there on")
      ->required()
      ->type_name("SIZE");
}

absl::StatusOr<Reply> MoveOrigin(Context&, const NewOriginArgs& args) {
  DML_ASSIGN_OR_RETURN(RootFile file, ReadRootFile(args.file));
  DML_ASSIGN_OR_RETURN(TrustRoot root, BeginChange(file, args.file, args.out));
  root.previous_origin = std::exchange(root.origin, args.origin);
  root.log_start_size = args.log_start_size;
  return WriteChange(args.out.empty() ? args.file : args.out, root);
}

void DeclareRenew(CLI::App& app, ChangeArgs& args) {
  DeclareFiles(app, args.file, args.out);
  app.add_option("--valid-for", args.validity, "From now on; default: 365d")->type_name("DURATION");
}

absl::StatusOr<Reply> Renew(Context&, const ChangeArgs& args) {
  DML_ASSIGN_OR_RETURN(
      std::chrono::seconds validity,
      ParseValidityArgument(args.validity.empty() ? kDefaultValidity : args.validity));
  DML_ASSIGN_OR_RETURN(RootFile file, ReadRootFile(args.file));
  DML_ASSIGN_OR_RETURN(TrustRoot root, BeginChange(file, args.file, args.out));
  root.expires = ExpiryAfter(validity);
  return WriteChange(args.out.empty() ? args.file : args.out, root);
}

}  // namespace

void AddRootCommands(CommandTree& tree) {
  CLI::App& noun = tree.AddNoun("root", "The trust root: who may vouch for what; offline");
  tree.Add<InitArgs>(noun,
                     {"init", "Draft the first root, with one key for everything",
                      "dml root init --origin library.example/dml --log-key log.pub --holder pat "
                      "--key pat.key.pub --out root-1.json"},
                     DeclareInit, Init);
  tree.Add<AddKeyArgs>(noun,
                       {"add-key", "Let a key vouch for something",
                        "dml root add-key root-1.json --out root-2.json --holder ann --key "
                        "ann.key.pub --role publisher --delegation acme --subject 'acme/*'"},
                       DeclareAddKey, AddKey);
  tree.Add<ChangeArgs>(noun,
                       {"rotate", "Put a new key in the place of one, in every role",
                        "dml root rotate root-2.json sha256:9f86d0... --key new.key.pub --out "
                        "root-3.json"},
                       DeclareRotate, Rotate);
  tree.Add<ChangeArgs>(noun,
                       {"remove-key", "Take a key out of every role",
                        "dml root remove-key root-2.json sha256:9f86d0... --out root-3.json"},
                       DeclareRemoveKey, RemoveKey);
  tree.Add<ChangeArgs>(noun,
                       {"renew", "Let a root expire later",
                        "dml root renew root-2.json --valid-for 365d --out root-3.json"},
                       DeclareRenew, Renew);
  tree.Add<NewOriginArgs>(noun,
                          {"new-origin", "Let a journal that lost entries go on under a new name",
                           "dml root new-origin root-2.json --origin library.example/dml-2 "
                           "--log-start-size 4711 --out root-3.json"},
                          DeclareNewOrigin, MoveOrigin);
  AddRootSigningCommands(tree, noun);
  AddTufCommands(tree, noun);
}

}  // namespace dml
