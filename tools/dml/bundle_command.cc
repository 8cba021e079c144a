// dml package bundle, and dml verify: a package with all that proves it, and its proof where no
// library is.
#include "client/package_bundle.h"
#include "core/os/file.h"
#include "core/trust/root_walk.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/records.h"
#include "tools/dml/root_document.h"

namespace dml {
namespace {

struct BundleArgs {
  std::string variant;
  std::string to;
};

void DeclareBundle(CLI::App& app, BundleArgs& args) {
  app.add_option("variant", args.variant, "NAMESPACE/PACKAGE@VERSION[:PLATFORM]")->required();
  app.add_option("--to", args.to, "The file to write")->required()->type_name("FILE");
}

absl::StatusOr<Reply> Bundle(Context& context, const BundleArgs& args) {
  DML_ASSIGN_OR_RETURN(VariantName name, ResolveVariant(context, args.variant));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(PackageBundle bundle, FetchPackageBundle(*client, name));
  DML_ASSIGN_OR_RETURN(const VariantDetails now, client->GetVariant(name));
  DML_ASSIGN_OR_RETURN(std::string document, FormatPackageBundle(bundle));
  DML_RETURN_IF_ERROR(WriteFileAtomically(args.to, AsBytes(document), 0644));
  Reply reply;
  reply.document = {{"file", args.to},
                    {"size", document.size()},
                    {"variant", name.ResourceName()},
                    {"state", VariantStateName(now.record.state)},
                    {"attestations", bundle.attestations.size()}};
  reply.text.Line(fmt::format("{}: {} with {} attestation(s), {}", args.to, name.ResourceName(),
                              bundle.attestations.size(), FormatBytes(document.size())));
  if (now.record.state != VariantState::kPublished) {
    reply.notes.push_back(fmt::format(
        "{} is {} in the library; a bundle tells nobody of that, since it proves the publication "
        "alone",
        name.ResourceName(), VariantStateName(now.record.state)));
  }
  return reply;
}

struct OfflineArgs {
  std::vector<std::string> paths;
  std::string bundle;
  std::vector<std::string> roots;
  std::vector<std::string> delegations;
  std::string log_key;
  std::vector<std::string> publishers;
};

void DeclareOffline(CLI::App& app, OfflineArgs& args) {
  app.add_option("path", args.paths,
                 "Files of the package, or a folder that must hold exactly its files")
      ->type_name("PATH");
  app.add_option("--bundle", args.bundle, "What dml package bundle wrote")
      ->required()
      ->type_name("FILE");
  CLI::Option* root = AddRepeated(app, "--root", args.roots,
                                  "The trust root that you trust; then those after it, in order")
                          ->type_name("FILE");
  AddRepeated(app, "--delegation", args.delegations, "A delegation document under the root")
      ->type_name("FILE")
      ->needs(root);
  CLI::Option* log = app.add_option("--log-key", args.log_key,
                                    "Instead of a root: the public key of the library's log")
                         ->type_name("FILE");
  CLI::Option* key = AddRepeated(app, "--key", args.publishers,
                                 "With --log-key: a publisher's public key; one must have signed")
                         ->type_name("FILE");
  log->needs(key)->excludes(root);
  key->needs(log)->excludes(root);
}

// Roots and delegations as they were read, not judged yet.
struct RootChain {
  TrustedRoot pinned;
  std::vector<std::string> next;
  std::vector<DsseEnvelope> delegations;
};

absl::StatusOr<RootChain> ReadRoots(const OfflineArgs& args) {
  RootChain out;
  DML_ASSIGN_OR_RETURN(out.pinned, ReadPinnedRoot(args.roots.front()));
  uint64_t last = out.pinned.root.version;
  for (size_t i = 1; i < args.roots.size(); ++i) {
    DML_ASSIGN_OR_RETURN(RootFile file, ReadRootFile(args.roots[i]));
    if (file.root.version <= last) {
      return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                             "{} is root {}, and comes after root {}: give them in order",
                             args.roots[i], file.root.version, last);
    }
    last = file.root.version;
    DML_ASSIGN_OR_RETURN(out.next.emplace_back(), ReadFile(args.roots[i], kMaxEnvelopeBytes));
  }
  for (const std::string& path : args.delegations) {
    DML_ASSIGN_OR_RETURN(std::string text, ReadFile(path, kMaxEnvelopeBytes));
    absl::StatusOr<DsseEnvelope> envelope = ParseEnvelope(text);
    if (!envelope.ok()) return Annotate(envelope.status(), path);
    out.delegations.push_back(*std::move(envelope));
  }
  return out;
}

absl::StatusOr<TrustDomain> Judge(const RootChain& roots) {
  const Timestamp now = WallClockNow();
  DML_ASSIGN_OR_RETURN(TrustedRoot root, WalkRoots(roots.pinned, roots.next, now));
  return TrustDomain::Create(std::move(root.root), roots.delegations, now);
}

absl::StatusOr<BundleTrust> ReadKeys(const OfflineArgs& args) {
  if (args.log_key.empty()) {
    return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                           "say what you trust: --root FILE, or --log-key FILE and --key FILE");
  }
  BundleTrust out;
  DML_ASSIGN_OR_RETURN(PublicKey log, ReadPublicHalf(args.log_key, ""));
  out.log_key.emplace(std::move(log));
  for (const std::string& path : args.publishers) {
    DML_ASSIGN_OR_RETURN(PublicKey key, ReadPublicHalf(path, ""));
    out.publishers.push_back(std::move(key));
  }
  return out;
}

Reply DescribeVerdict(const std::string& name, const BundleVerdict& verdict) {
  Reply reply = VerificationReply(name, verdict.report, "name the files, or their folder");
  reply.document["logOrigin"] = verdict.log_origin;
  reply.document["logIndex"] = verdict.log_index;
  return reply;
}

absl::StatusOr<Reply> VerifyOffline(Context&, const OfflineArgs& args) {
  DML_ASSIGN_OR_RETURN(std::string document, ReadFile(args.bundle, kMaxPackageBundleBytes));
  absl::StatusOr<PackageBundle> bundle = ParsePackageBundle(document);
  if (!bundle.ok()) return Annotate(bundle.status(), args.bundle);
  BundleTrust trust;
  if (args.roots.empty()) {
    DML_ASSIGN_OR_RETURN(trust, ReadKeys(args));
  } else {
    DML_ASSIGN_OR_RETURN(const RootChain roots, ReadRoots(args));
    absl::StatusOr<TrustDomain> domain = Judge(roots);
    if (absl::IsInvalidArgument(domain.status())) return domain.status();
    if (!domain.ok()) {  // Roots that do not follow: an answer, like that of dml root verify.
      BundleVerdict refused;
      refused.report.steps = {{"trust root", false, std::string(Message(domain.status()))}};
      return DescribeVerdict(args.bundle, refused);
    }
    trust.domain.emplace(*std::move(domain));
  }
  const std::vector<std::filesystem::path> paths(args.paths.begin(), args.paths.end());
  DML_ASSIGN_OR_RETURN(BundleVerdict verdict, VerifyPackageBundle(*bundle, trust, paths));
  const std::string name = verdict.report.passed || !verdict.variant.version.empty()
                               ? verdict.variant.ResourceName()
                               : args.bundle;
  Reply reply = DescribeVerdict(name, verdict);
  if (verdict.report.passed) {
    reply.notes.push_back(fmt::format(
        "what happened after entry {} of the log, such as a withdrawal, is not known here",
        verdict.log_index));
  }
  return reply;
}

}  // namespace

void AddBundleCommands(CommandTree& tree, CLI::App& package) {
  tree.Add<BundleArgs>(package,
                       {"bundle", "Write down all that proves a variant, for dml verify elsewhere",
                        "dml package bundle acme/api@2.4.1 --to api.bundle"},
                       DeclareBundle, Bundle);
  tree.Add<OfflineArgs>(tree.root(),
                        {"verify", "Verify files with a bundle and what you trust; asks no library",
                         "dml verify ./api --bundle api.bundle --root root.json"},
                        DeclareOffline, VerifyOffline);
}

}  // namespace dml
