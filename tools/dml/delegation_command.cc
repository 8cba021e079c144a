// dml delegation init|add-key|remove-key|renew|sign|show|verify: documents by which those to whom a
// role was delegated pass parts of it on; offline, file by file.
#include <algorithm>
#include <functional>

#include "core/os/file.h"
#include "core/trust/root_edit.h"
#include "core/trust/schemed_signers.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/delegation_document.h"

namespace dml {
namespace {

constexpr char kDefaultValidity[] = "90d";

void DeclareJudge(CLI::App& app, JudgeArgs& args, bool required) {
  CLI::Option* root =
      app.add_option("--root", args.root, "The trust root that delegates to it")->type_name("FILE");
  if (required) root->required();
  AddRepeated(app, "--above", args.above, "A signed document above it, from the root on")
      ->needs(root)
      ->type_name("FILE");
}

absl::StatusOr<Reply> WriteChange(const std::string& path, const DelegationDocument& document) {
  DML_ASSIGN_OR_RETURN(const std::string text, FormatDelegationDocument(document));
  DML_RETURN_IF_ERROR(WriteFileAtomically(path, AsBytes(text), 0644));
  DML_ASSIGN_OR_RETURN(Reply reply, DescribeDelegation({document, {}}, nullptr));
  reply.document["file"] = path;
  reply.notes.push_back(fmt::format(
      "{}: a draft; those to whom {} was delegated sign it with: dml delegation sign {} "
      "--root FILE --key FILE",
      path, NameOf(document), path));
  return reply;
}

// A draft changes where it is; after what was signed comes the next version.
absl::StatusOr<Reply> Change(const std::string& path, const std::string& out,
                             const std::function<absl::Status(DelegationDocument&)>& change) {
  DML_ASSIGN_OR_RETURN(DelegationFile file, ReadDelegationFile(path));
  if (file.envelope.has_value()) {
    if (out.empty() || out == path) {
      return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                             "{} is signed: it stays as it is, and what changes is version {}; say "
                             "with --out where that goes",
                             path, file.document.version + 1);
    }
    ++file.document.version;
  }
  DML_RETURN_IF_ERROR(change(file.document));
  return WriteChange(out.empty() ? path : out, file.document);
}

Timestamp ExpiryAfter(std::chrono::seconds validity) {
  return std::chrono::floor<std::chrono::seconds>(WallClockNow()) + validity;
}

struct InitArgs {
  std::vector<std::string> chain;
  std::string validity = kDefaultValidity;
  std::string out;
};

void DeclareInit(CLI::App& app, InitArgs& args) {
  app.add_option(
         "chain", args.chain,
         "The delegation that it speaks for: its name, after those above it from the root on")
      ->required()
      ->type_name("NAME...");
  app.add_option("--valid-for", args.validity, "Until it must be renewed")->type_name("DURATION");
  app.add_option("--out", args.out, "The file to write")->required()->type_name("FILE");
}

absl::StatusOr<Reply> Init(Context&, const InitArgs& args) {
  DML_ASSIGN_OR_RETURN(std::chrono::seconds validity, ParseValidityArgument(args.validity));
  DelegationDocument document;
  document.chain = args.chain;
  document.expires = ExpiryAfter(validity);
  return WriteChange(args.out, document);
}

struct ChangeArgs {
  std::string file;
  std::string out;
  std::string validity = kDefaultValidity;
  std::string key_id;
  std::string key;
  std::string passphrase_file;
  std::string holder;
  bool machine = false;
  bool raw_signatures = false;
  std::string role = "publisher";
  std::string delegation;
  std::vector<std::string> subjects;
  bool terminating = false;
  uint32_t threshold = 0;  // 0: as it was.
};

void DeclareFiles(CLI::App& app, ChangeArgs& args) {
  app.add_option("file", args.file, "A delegation's document, signed or a draft")
      ->required()
      ->type_name("FILE");
  app.add_option("--out", args.out, "Where the draft goes; default: where a draft came from")
      ->type_name("FILE");
}

std::vector<std::string> DelegableRoles() {
  std::vector<std::string> out;
  for (const SigningRoleTraits& traits : kSigningRoleTable) {
    if (traits.delegable) out.emplace_back(traits.word);
  }
  return out;
}

void DeclareAddKey(CLI::App& app, ChangeArgs& args) {
  DeclareFiles(app, args);
  app.add_option("--key", args.key, "The key; only its public half is read")
      ->required()
      ->type_name(kKeyTypeName);
  app.add_option("--passphrase-file", args.passphrase_file, "The passphrase of an encrypted key")
      ->type_name("FILE");
  app.add_flag("--raw-signatures", args.raw_signatures,
               "An ecdsa-p256 key whose signatures are r || s, as hardware tokens write them");
  app.add_option("--holder", args.holder, "Who holds the key; two keys of one holder count once")
      ->required()
      ->type_name("NAME");
  app.add_flag("--machine", args.machine, "The holder is a machine, not a person");
  app.add_option("--delegation", args.delegation, "The name under which it is passed on")
      ->required()
      ->type_name("NAME");
  AddRepeated(app, "--subject", args.subjects, "For which subjects, such as 'acme/tool-*'")
      ->type_name("PATTERN");
  app.add_option("--role", args.role, "The role that was delegated (default publisher)")
      ->check(OneOf(DelegableRoles()));
  app.add_option("--threshold", args.threshold, "How many different holders must sign from now on")
      ->check(WholeNumber("a number of holders", 1, kMaxThreshold))
      ->type_name("K");
  app.add_flag("--terminating", args.terminating, "Nobody after it is asked about its subjects");
}

absl::Status GiveKeyIn(DelegationDocument& document, const ChangeArgs& args, const TrustKey& key,
                       SigningRole role) {
  const TrustKey* known = FindTrustKey(document.keys, key.key.id());
  if (known != nullptr && !(*known == key)) {
    return InvalidArgument(ErrorReason("KEY_HELD_OTHERWISE"),
                           "key {} is there already, of {}; a key has one holder and one scheme",
                           key.key.id().ToString(), known->holder);
  }
  if (known == nullptr) {
    auto at = std::ranges::lower_bound(document.keys, key.key.id(), {},
                                       [](const TrustKey& item) { return item.key.id(); });
    document.keys.insert(at, key);
  }
  auto found = std::ranges::find(document.delegations, args.delegation, &Delegation::name);
  if (found == document.delegations.end()) {
    Delegation& added = document.delegations.emplace_back();
    added.name = args.delegation;
    added.role = role;
    added.terminating = args.terminating;
    for (const std::string& text : args.subjects) {
      DML_ASSIGN_OR_RETURN(SubjectPattern pattern, SubjectPattern::Parse(text));
      added.subjects.push_back(std::move(pattern));
    }
    found = document.delegations.end() - 1;
  } else if (!args.subjects.empty() || found->role != role) {
    return InvalidArgument(
        ErrorReason("ARGUMENT_INVALID"),
        "delegation {} is there already, for the role {}: leave --subject out to "
        "add a key to it",
        found->name, SigningRoleName(found->role));
  }
  GiveKey(found->keys, key.key.id());
  if (args.threshold != 0) found->keys.threshold = args.threshold;
  return absl::OkStatus();
}

absl::StatusOr<Reply> AddKey(Context&, const ChangeArgs& args) {
  DML_ASSIGN_OR_RETURN(SigningRole role, ParseSigningRole(args.role));
  DML_ASSIGN_OR_RETURN(PublicKey key, ReadPublicHalf(args.key, args.passphrase_file));
  DML_ASSIGN_OR_RETURN(SignatureScheme scheme, SchemeArgument(key, args.raw_signatures, args.key));
  const TrustKey trusted{std::move(key), scheme, args.holder, !args.machine};
  return Change(args.file, args.out, [&](DelegationDocument& document) {
    return GiveKeyIn(document, args, trusted, role);
  });
}

void DeclareRemoveKey(CLI::App& app, ChangeArgs& args) {
  DeclareFiles(app, args);
  app.add_option("id", args.key_id, "sha256:HEX, as dml delegation show prints it")->required();
}

absl::StatusOr<Reply> RemoveKey(Context&, const ChangeArgs& args) {
  DML_ASSIGN_OR_RETURN(Digest id, Digest::Parse(args.key_id));
  return Change(args.file, args.out, [&](DelegationDocument& document) -> absl::Status {
    if (std::erase_if(document.keys, [&](const TrustKey& key) { return key.key.id() == id; }) ==
        0) {
      return NotFound(ErrorReason("KEY_NOT_FOUND"), "the document of {} has no key {}",
                      NameOf(document), id.ToString());
    }
    for (Delegation& item : document.delegations) std::erase(item.keys.key_ids, id);
    std::erase_if(document.delegations,
                  [](const Delegation& item) { return item.keys.key_ids.empty(); });
    return absl::OkStatus();
  });
}

void DeclareRenew(CLI::App& app, ChangeArgs& args) {
  DeclareFiles(app, args);
  app.add_option("--valid-for", args.validity, "From now on; default: 90d")->type_name("DURATION");
}

absl::StatusOr<Reply> Renew(Context&, const ChangeArgs& args) {
  DML_ASSIGN_OR_RETURN(std::chrono::seconds validity, ParseValidityArgument(args.validity));
  return Change(args.file, args.out, [&](DelegationDocument& document) {
    document.expires = ExpiryAfter(validity);
    return absl::OkStatus();
  });
}

struct FileArgs : JudgeArgs {
  std::string file;
  std::string key;
  std::string passphrase_file;
};

void DeclareFile(CLI::App& app, FileArgs& args, bool root_required) {
  app.add_option("file", args.file, "A delegation's document, signed or a draft")
      ->required()
      ->type_name("FILE");
  DeclareJudge(app, args, root_required);
}
void DeclareShow(CLI::App& app, FileArgs& args) { DeclareFile(app, args, false); }
void DeclareVerify(CLI::App& app, FileArgs& args) { DeclareFile(app, args, true); }
void DeclareSign(CLI::App& app, FileArgs& args) {
  DeclareFile(app, args, true);
  app.add_option("--key", args.key, "The private key of one to whom it was delegated")
      ->required()
      ->type_name(kKeyTypeName);
  app.add_option("--passphrase-file", args.passphrase_file, "The passphrase of an encrypted key")
      ->type_name("FILE");
}

absl::StatusOr<Reply> Show(Context&, const FileArgs& args) {
  DML_ASSIGN_OR_RETURN(const DelegationFile file, ReadDelegationFile(args.file));
  if (args.root.empty()) return DescribeDelegation(file, nullptr);
  DML_ASSIGN_OR_RETURN(const TrustDomain domain, ReadDomain(args));
  return DescribeDelegation(file, &domain);
}

absl::StatusOr<Reply> Sign(Context&, const FileArgs& args) {
  DML_ASSIGN_OR_RETURN(const auto key, ReadSigner(args.key, args.passphrase_file));
  DML_ASSIGN_OR_RETURN(DelegationFile file, ReadDelegationFile(args.file));
  DML_ASSIGN_OR_RETURN(const TrustDomain domain, ReadDomain(args));
  DML_ASSIGN_OR_RETURN(const Authority authority, domain.DelegatedAuthority(file.document.chain));
  const Digest& id = key->public_key().id();
  const auto known = std::ranges::find_if(
      authority.keys, [&](const TrustKey& item) { return item.key.id() == id; });
  if (known == authority.keys.end()) {
    return PermissionDenied(ErrorReason("ROLE_NOT_HELD"),
                            "nobody has delegated {} to key {}: its signature would count for "
                            "nothing",
                            NameOf(file.document), id.ToString());
  }
  const Signer* const keys[] = {key.get()};
  const SchemedSigners signers(keys, [&](const Digest&) { return &*known; });
  std::string payload;
  if (file.envelope.has_value()) {
    payload = file.envelope->payload;
  } else {
    DML_ASSIGN_OR_RETURN(payload, FormatDelegationDocument(file.document));
  }
  DML_ASSIGN_OR_RETURN(DsseEnvelope own,
                       SignEnvelope(kDelegationPayloadType, payload, signers.get()));
  if (file.envelope.has_value()) {
    for (const DsseSignature& before : file.envelope->signatures) {
      if (before.key_id != id.hex()) own.signatures.push_back(before);
    }
  }
  file.envelope = std::move(own);
  const std::string text = FormatEnvelope(*file.envelope);
  DML_RETURN_IF_ERROR(ParseEnvelope(text).status());
  DML_RETURN_IF_ERROR(WriteFileAtomically(args.file, AsBytes(text + "\n"), 0644));
  DML_ASSIGN_OR_RETURN(Reply reply, DescribeDelegation(file, &domain));
  reply.notes.push_back(fmt::format("{}: signed as {}; once enough have: dml root set {}",
                                    args.file, known->holder, args.file));
  return reply;
}

absl::StatusOr<Reply> Verify(Context&, const FileArgs& args) {
  DML_ASSIGN_OR_RETURN(const DelegationFile file, ReadDelegationFile(args.file));
  DML_ASSIGN_OR_RETURN(const TrustDomain domain, ReadDomain(args));
  const absl::Status judged = JudgeFile(file, domain);
  Reply reply;
  reply.document = {{"trusted", judged.ok()},
                    {"chain", file.document.chain},
                    {"version", file.document.version},
                    {"reason", judged.ok() ? "" : Reason(judged)},
                    {"message", judged.ok() ? "" : std::string(Message(judged))}};
  if (judged.ok()) {
    reply.text.Line(
        {fmt::format("TRUSTED delegation {}, version {}, until {}", NameOf(file.document),
                     file.document.version, FormatTime(file.document.expires)),
         Style::kGood});
  } else {
    reply.code = ExitCode::kNegative;
    reply.text.Line({fmt::format("NOT TRUSTED: {}", Message(judged)), Style::kBad});
  }
  return reply;
}

}  // namespace

void AddDelegationCommands(CommandTree& tree) {
  CLI::App& noun = tree.AddNoun("delegation",
                                "Documents that pass a delegated role on to further keys; offline");
  tree.Add<InitArgs>(noun,
                     {"init", "Draft the first document of a delegation",
                      "dml delegation init acme --out acme.json"},
                     DeclareInit, Init);
  tree.Add<ChangeArgs>(noun,
                       {"add-key", "Pass the role on to a key, for some subjects",
                        "dml delegation add-key acme.json --delegation tools --subject "
                        "'acme/tool-*' --holder tim --key tim.key.pub"},
                       DeclareAddKey, AddKey);
  tree.Add<ChangeArgs>(noun,
                       {"remove-key", "Take a key out of a document",
                        "dml delegation remove-key acme-1.json sha256:9f86d0... --out acme-2.json"},
                       DeclareRemoveKey, RemoveKey);
  tree.Add<ChangeArgs>(noun,
                       {"renew", "Let a document expire later",
                        "dml delegation renew acme-1.json --valid-for 90d --out acme-2.json"},
                       DeclareRenew, Renew);
  tree.Add<FileArgs>(noun,
                     {"sign", "Sign a document, as one to whom it was delegated",
                      "dml delegation sign acme.json --root root.json --key ann.key"},
                     DeclareSign, Sign);
  tree.Add<FileArgs>(noun,
                     {"show", "What a document passes on, and who must still sign it",
                      "dml delegation show acme.json --root root.json"},
                     DeclareShow, Show);
  tree.Add<FileArgs>(noun,
                     {"verify", "Is a document signed by those to whom it was delegated",
                      "dml delegation verify acme.json --root root.json"},
                     DeclareVerify, Verify);
}

}  // namespace dml
