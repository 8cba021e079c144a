#include "tests/core/evidence/permit_scene.h"

#include "core/wire/entry.h"

namespace dml::testing {
namespace {

constexpr uint64_t kDecisionIndex = 8;

ReleaseItem Item(const std::string& package, ReleaseAction action) {
  ReleaseItem out;
  out.variant = {*PackageName::Parse(package), "2.0.0", *Platform::Parse("linux-amd64")};
  const std::string manifest = "manifest of " + package;
  out.manifest = {Sha256(manifest), manifest.size()};
  out.action = action;
  out.changes = {"CHG-1"};
  return out;
}

Release TestRelease() {
  Release out;
  out.name = "payments";
  out.version = "2.0.0";
  out.environments = {"production"};
  out.items = {Item("acme/api", ReleaseAction::kUpgrade), Item("acme/old", ReleaseAction::kRemove),
               Item("other/tool", ReleaseAction::kInstall)};
  out.items[0].previous = out.items[0].variant;
  out.items[0].previous->version = "1.9.0";
  out.changes = {{.id = "CHG-1",
                  .title = "Pay by card",
                  .authorized_by = "pat",
                  .link = "https://changes.example/1"}};
  return out;
}

}  // namespace

PrivateKey NamedKey(const std::string& name) {
  // RFC 8410, 7: a PKCS #8 PrivateKeyInfo around the 32 bytes of the seed.
  const std::string der = *HexDecode("302e020100300506032b657004220420") +
                          std::string(Sha256("dml test key " + name).raw());
  return *PrivateKey::FromPkcs8Pem("-----BEGIN PRIVATE KEY-----\n" + Base64Encode(AsBytes(der)) +
                                   "\n-----END PRIVATE KEY-----\n");
}

void TestLog::Append(std::string leaf) {
  tree_.Append(LeafHash(AsBytes(leaf)),
               [this](NodeId id, const Digest& hash) { nodes_[id] = hash; });
  leaves_.push_back(std::move(leaf));
}

PermitScene::PermitScene()
    : release(TestRelease()),
      decided(TimeOf("2026-06-01T08:00:00Z")),
      now(TimeOf("2026-06-01T12:00:00Z")),
      witnessed(TimeOf("2026-06-01T08:10:00Z")) {
  root.origin = "library.example/dml";
  root.expires = TimeOf("2027-01-01T00:00:00Z");
  Know(root, {"rob", "ron", "rita", "paul", "ann", "carl", "amy", "abe", "pat", "pat.2", "wim",
              "ci-log", "ci-permit"});
  root.roles = {
      {SigningRole::kRoot, Role(2, {"rob", "ron"})},  {SigningRole::kLog, Role(1, {"ci-log"})},
      {SigningRole::kPermit, Role(1, {"ci-permit"})}, {SigningRole::kPolicy, Role(1, {"paul"})},
      {SigningRole::kRelease, Role(1, {"rita"})},     {SigningRole::kWitness, Role(1, {"wim"})}};
  root.delegations = {
      {"acme", SigningRole::kPublisher, {Pattern("acme/*")}, Role(1, {"ann"}), false},
      {"other", SigningRole::kPublisher, {Pattern("other/*")}, Role(1, {"carl"}), false},
      {"production",
       SigningRole::kApprover,
       {Pattern("production/*")},
       Role(1, {"amy", "abe", "pat", "pat.2"}),
       false}};
  policy = {"production", 7, 2, true, 1, 1, std::chrono::hours(24)};
  approval = {"production/eu", Sha256("findings that approvers saw"),
              TimeOf("2026-06-08T00:00:00Z")};
  permit.verifier = VerifierUri(root.origin);
  permit.resource = ReleaseUri(root.origin, release.name, release.version);
  permit.policy_uri = PolicyUri(root.origin, policy.environment, policy.revision);
  permit.decided = decided;
  permit.id = "0f8fad5b-d9cb-469f-a165-70867728950e";
  permit.environment = "production/eu";
  permit.nodes = {"node-1", "node-2"};
  permit.not_before = TimeOf("2026-06-01T10:00:00Z");
  permit.expires = TimeOf("2026-06-07T00:00:00Z");
  permit.max_revocation_age = std::chrono::hours(48);
  permit.journal_size = kDecisionIndex - 1;
  permit.policy_revision = policy.revision;
  permit.findings = Sha256("findings");
  permit.approved_findings = approval.findings;
  permit.order = {release.items[2].variant, release.items[0].variant, release.items[1].variant};
  decision.allowed = true;
  memory.environment = "production/eu";
  memory.node = "node-2";
}

const PrivateKey& PermitScene::Key(const std::string& name) {
  // The same in every scene, so made once.
  static auto* const keys = new std::map<std::string, PrivateKey>();
  auto it = keys->find(name);
  if (it == keys->end()) it = keys->emplace(name, NamedKey(name)).first;
  return it->second;
}

TrustKey PermitScene::Trust(const std::string& name) {
  return {Key(name).public_key(), SignatureScheme::kEd25519, name.substr(0, name.find('.')),
          !name.starts_with("ci")};
}

RoleKeys PermitScene::Role(uint32_t threshold, const std::vector<std::string>& names) {
  RoleKeys out{threshold, {}};
  for (const std::string& name : names) out.key_ids.push_back(Key(name).public_key().id());
  std::ranges::sort(out.key_ids);
  return out;
}

void PermitScene::Know(TrustRoot& to, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (FindTrustKey(to.keys, Key(name).public_key().id()) == nullptr) {
      to.keys.push_back(Trust(name));
      std::ranges::sort(to.keys, {}, [](const TrustKey& key) { return key.key.id(); });
    }
  }
}

std::string PermitScene::Sign(std::string_view type, std::string_view payload,
                              const std::vector<std::string>& by) {
  DsseEnvelope out{std::string(type), std::string(payload), {}};
  const std::string message = PreAuthEncoding(type, payload);
  for (const std::string& name : by) {
    EXPECT_TRUE(!held.has_value() || held->contains(name) || name.starts_with("eve"))
        << "nobody has stolen the key of " << name;
    out.signatures.push_back(
        {Key(name).public_key().id().hex(), *Key(name).Sign(AsBytes(message))});
  }
  return FormatEnvelope(out);
}

std::string PermitScene::Claim(std::string_view type, const Digest& subject,
                               std::string_view predicate, const std::vector<std::string>& by) {
  absl::StatusOr<std::string> statement = FormatClaim(type, {"", subject}, predicate);
  EXPECT_TRUE(statement.ok()) << statement.status();
  return Sign(kInTotoPayloadType, statement.value_or(""), by);
}

std::string PermitScene::SignRoot(const TrustRoot& document, const std::vector<std::string>& by) {
  absl::StatusOr<std::string> text = FormatTrustRoot(document);
  EXPECT_TRUE(text.ok()) << text.status();
  return Sign(kTrustRootPayloadType, text.value_or(""), by);
}

std::string PermitScene::Publish(const ReleaseItem& item, const std::vector<std::string>& by) {
  return Claim(kPublicationPredicate, item.manifest.digest,
               FormatPublicationPredicate({item.variant, std::string(kManifestMediaType)}), by);
}

std::string PermitScene::SignRelease(const std::string& document,
                                     const std::vector<std::string>& by) {
  return Claim(kReleasePredicate, Sha256(document),
               FormatReleaseClaim({release.name, release.version}), by);
}

std::string PermitScene::SignPolicy(const std::vector<std::string>& by) {
  return Claim(kPolicyPredicate, Sha256(policy_document), FormatPolicyClaim(policy), by);
}

std::string PermitScene::Approve(const std::string& document, const std::vector<std::string>& by) {
  return Claim(kApprovalPredicate, Sha256(document), FormatApprovalClaim(approval), by);
}

PermitBundle PermitScene::Honest() {
  PermitBundle out;
  absl::StatusOr<std::string> document = FormatRelease(release);
  EXPECT_TRUE(document.ok()) << document.status();
  out.release = document.value_or("");
  out.release_envelope = SignRelease(out.release, {"rita"});
  out.policy = policy_document;
  out.policy_envelope = SignPolicy({"paul"});
  for (const ReleaseItem& item : release.items) {
    if (item.action == ReleaseAction::kRemove) continue;
    out.publications.push_back(Publish(item, publishers.at(item.variant.package.ns)));
  }
  out.approvals = {Approve(out.release, {"amy"}), Approve(out.release, {"abe"})};
  Seal(out);
  return out;
}

void PermitScene::SignPermit(PermitBundle& bundle) {
  permit.policy = Sha256(bundle.policy);
  permit.inputs = InputsOf(bundle);
  absl::StatusOr<std::string> predicate = FormatPermitPredicate(permit);
  EXPECT_TRUE(predicate.ok()) << predicate.status();
  std::string text = predicate.value_or("{}");
  if (!permit_extra.empty()) text.insert(1, permit_extra + ",");
  bundle.permit = Claim(kVerificationSummaryPredicate, Sha256(bundle.release), text, permit_by);
}

void PermitScene::Enter(PermitBundle& bundle) {
  decision.id = permit.id;
  decision.release = Sha256(bundle.release);
  decision.environment = permit.environment;
  decision.nodes = permit.nodes;
  decision.policy = Sha256(bundle.policy);
  decision.policy_revision = permit.policy_revision;
  decision.journal_size = permit.journal_size;
  decision.findings = permit.findings;
  decision.permit = {};
  if (decision.allowed) {
    const std::string statement = ParseEnvelope(bundle.permit).value().payload;
    decision.permit = {Sha256(statement), statement.size()};
  }
  decision.expires = permit.expires;
  decision.not_before = permit.not_before;
  decision.back_out = permit.back_out;
  decision.is_back_out = permit.is_back_out;
  bundle.log_proof = ProofOf(decision);
}

void PermitScene::Seal(PermitBundle& bundle) {
  SignPermit(bundle);
  Enter(bundle);
}

std::string PermitScene::ProofOf(const EntryPayload& payload) {
  log = TestLog();
  for (uint64_t i = 0; i < log_size; ++i) {
    log.Append(i == kDecisionIndex
                   ? *wire::EncodeEntry({i, decided, "pat", "", payload}) + entry_extra
                   : fmt::format("{} {}", log_past, i));
  }
  LogProof proof = log.Prove(kDecisionIndex, log_size);
  Note note{FormatCheckpointBody({root.origin, log_size, log.Root(log_size)}), {}};
  for (const std::string& name : log_by) {
    EXPECT_TRUE(!held.has_value() || held->contains(name) || name.starts_with("eve")) << name;
    note.signatures.push_back({root.origin, NoteKeyId(root.origin, Key(name).public_key()),
                               *Key(name).Sign(AsBytes(note.text))});
  }
  for (const std::string& name : witnessed_by) {
    if (held.has_value() && !held->contains(name)) continue;  // A witness sees no second history.
    note.signatures.push_back(*CosignNote(note.text, name + ".example", Key(name), witnessed));
  }
  proof.checkpoint_note = FormatNote(note);
  return FormatLogProof(proof);
}

TrustedRoot PermitScene::Pinned() {
  absl::StatusOr<std::string> text = FormatTrustRoot(root);
  EXPECT_TRUE(text.ok()) << text.status();
  return {root, Sha256(text.value_or(""))};
}

}  // namespace dml::testing
