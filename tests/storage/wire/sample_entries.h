// One entry of each kind with every field set, for golden files.
#pragma once

#include <map>
#include <string>

#include "core/crypto/sha256.h"
#include "core/journal/entry.h"

namespace dml::testing {

inline BlobRef SampleBlob(const std::string& text) { return {Sha256(text), text.size()}; }

inline VariantName SampleVariant() {
  return {{"acme", "payments-api"}, "2.4.1-rc.1", {"linux", "arm64", "v8"}};
}

inline AttestationRef SampleAttestation(const std::string& text) {
  return {SampleBlob(text),
          "https://dml.dev/publication/v1",
          Sha256("manifest"),
          {Digest(std::array<uint8_t, 32>{1}), Digest(std::array<uint8_t, 32>{2})}};
}

inline ReleaseEnvelope SampleReleaseEnvelope(const std::string& text) {
  return {SampleBlob(text),
          "https://dml.dev/release/v1",
          {Digest(std::array<uint8_t, 32>{1}), Digest(std::array<uint8_t, 32>{2})}};
}

inline RolloutPlan SamplePlan() {
  RolloutPlan plan;
  plan.waves = {{{{"ring", "canary"}}, 0}, {{}, 25}, {{}, 100}};
  plan.confirmed_percent = 95;
  plan.soak = std::chrono::hours(1);
  plan.failed_percent = 5;
  return plan;
}

inline ScanReport SampleScan() {
  return {ScanVerdict::kInfected, "ClamAV 1.0.9", "27465", "bin/tool: Win.Test.EICAR_HDB-1"};
}

inline Entitlement SampleTerms() {
  Entitlement terms;
  terms.id = "db-2026";
  terms.product = "Datenbank";
  terms.vendor = "Größe AG";
  terms.metric = SeatMetric::kCore;
  terms.quantity = uint64_t{1} << 28;
  terms.overage_percent = 10;
  terms.start = FromMicros(1767225600000000);
  terms.expiry = FromMicros(1798761600000000);
  terms.environments = {"production/eu", "test"};
  terms.contract_digest = Sha256("contract").ToString();
  terms.max_borrowed = 5;
  terms.max_borrow_duration = std::chrono::hours(72);
  terms.low_water = 3;
  return terms;
}

inline std::map<std::string, EntryPayload> SamplePayloads() {
  VersionPublished published;
  published.variant = SampleVariant();
  published.scheme = VersionScheme::kSemver;
  published.manifest = SampleBlob("manifest");
  published.spec = SampleBlob("spec");
  published.payload_size = uint64_t{5} << 32;
  published.file_count = 3;
  published.attestations = {SampleAttestation("envelope"), SampleAttestation("another")};
  VersionPublished quarantined = published;
  quarantined.admission = AdmissionState::kQuarantined;
  quarantined.quarantine_reason = "it has no SBOM";
  quarantined.scan = SampleScan();
  const VariantName deb{{"debian", "zlib1g"}, "1:1.2.13.dfsg-1", {}};
  return {
      {"library_created", LibraryCreated{"dml.local/0123456789abcdef", "spki"}},
      {"namespace_created", NamespaceCreated{"acme", "Größe", {{"a", "1"}, {"b", ""}}}},
      {"key_registered", KeyRegistered{"spki", "pat", {"publisher", "tester"}, {"*", "acme"}}},
      {"key_revoked", KeyRevoked{Sha256("spki"), "laptop stolen"}},
      {"version_published", published},
      {"version_quarantined", quarantined},
      {"attestation_attached", AttestationAttached{SampleVariant(), SampleAttestation("tests")}},
      {"version_withdrawn", VersionWithdrawn{deb, "loses data"}},
      {"payload_collected", PayloadCollected{{deb, SampleVariant()}, SampleBlob("digests")}},
      {"environment_created", EnvironmentCreated{"production/eu", "Live", {{"tier", "1"}}}},
      {"node_created", NodeCreated{"production/eu", "web-1.example.com", {{"rack", "7"}}}},
      {"policy_set", PolicySet{"production", SampleBlob("policy"), "1-0a1b2c3d"}},
      {"policy_set_signed", PolicySet{.environment = "production",
                                      .document = SampleBlob("policy"),
                                      .envelope = SampleBlob("envelope")}},
      {"policy_set_forced",
       PolicySet{"production", SampleBlob("policy"), "1-0a1b2c3d", {}, "all is to stand still"}},
      {"namespace_retention_set",
       NamespaceRetentionSet{
           "acme",
           {RetentionKeep::kMatching, 5, std::chrono::days(90), true, std::chrono::days(30)},
           "17"}},
      {"root_set", RootSet{7, SampleBlob("root")}},
      {"root_set_moved",
       RootSet{8, SampleBlob("root"),
               OriginMove{"library.example/two", "library.example/one", "library.example/one\n"}}},
      {"delegation_set", DelegationSet{{"acme", "tools"}, 3, SampleBlob("delegation")}},
      {"license_data_set", LicenseDataSet{LicenseDataKind::kMatrix, 3, "OSADL",
                                          SampleBlob("license-data"), SampleBlob("matrix")}},
      {"advisory_set",
       AdvisorySet{"DSA-5678-1",
                   2,
                   true,
                   {"acme/payments-api", "debian/curl"},
                   SampleBlob("advisory"),
                   {Digest(std::array<uint8_t, 32>{1}), Digest(std::array<uint8_t, 32>{2})}}},
      {"role_granted", RoleGranted{"spiffe://x/principals/pat", {"publisher", "namespaces/acme"}}},
      {"role_revoked", RoleRevoked{"spiffe://x/principals/pat", {"reader", ""}, "left"}},
      {"token_issued", TokenIssued{"6f1d0c2a9b3e4857",
                                   Sha256("secret"),
                                   {{"publisher", "namespaces/acme"}, {"reader", ""}},
                                   FromMicros(1775001600000000)}},
      {"token_revoked", TokenRevoked{"6f1d0c2a9b3e4857", "found in a log"}},
      {"permit_decided", PermitDecided{"9f8b2c44-2d63-4a57-8e56-6d0e4f3f7a11",
                                       true,
                                       Sha256("release"),
                                       "production/eu",
                                       {"web-1", "web-2"},
                                       Sha256("policy"),
                                       4,
                                       299,
                                       Sha256("findings"),
                                       SampleBlob("permit"),
                                       FromMicros(1767312000000000)}},
      {"permit_decided_whole", PermitDecided{"9f8b2c44-2d63-4a57-8e56-6d0e4f3f7a12",
                                             true,
                                             Sha256("release"),
                                             "production",
                                             {},
                                             Sha256("policy"),
                                             1,
                                             300,
                                             Sha256("findings"),
                                             SampleBlob("permit"),
                                             FromMicros(1767312000000000),
                                             FromMicros(1767225600000000),
                                             Sha256("request"),
                                             {},
                                             8,
                                             {{"db-2026", "web-1", 4}},
                                             "9f8b2c44-2d63-4a57-8e56-6d0e4f3f7a13",
                                             false}},
      {"permit_denied", PermitDecided{"9f8b2c44-2d63-4a57-8e56-6d0e4f3f7a14",
                                      false,
                                      Sha256("release"),
                                      "production",
                                      {},
                                      Digest(),
                                      0,
                                      301,
                                      Sha256("findings"),
                                      {},
                                      FromMicros(1767312000000000),
                                      FromMicros(1767225600000000),
                                      Sha256("request"),
                                      {{"approval.missing", 1}, {"scope.unauthorized", 12}},
                                      8,
                                      {},
                                      "",
                                      true}},
      {"permit_revoked", PermitRevoked{"9f8b2c44-2d63-4a57-8e56-6d0e4f3f7a11", "it loses data"}},
      {"permit_used",
       PermitUsed{"9f8b2c44-2d63-4a57-8e56-6d0e4f3f7a11", "web-1", SampleBlob("baseline")}},
      {"admission_decided", AdmissionDecided{SampleVariant(), AdmissionState::kQuarantined,
                                             "malware scan: infected", SampleScan()}},
      {"variant_scanned", VariantScanned{SampleVariant(), SampleScan()}},
      {"hold_placed", HoldPlaced{"case-4711", deb, "court order"}},
      {"hold_released", HoldReleased{"case-4711", deb, "case closed"}},
      {"media_registered", MediaRegistered{"acme/os-dvd-7",
                                           MediaKind::kDocument,
                                           "Vertrag",
                                           "Vault 2",
                                           "spiffe://x/principals/pat",
                                           2,
                                           Sha256("scan"),
                                           {{"signed", "yes"}}}},
      {"custody_recorded", CustodyRecorded{"acme/os-dvd-7", CustodyAction::kCheckedOut, 1,
                                           "spiffe://x/principals/ann", "site B", "for the audit"}},
      {"custody_of_copies", CustodyRecorded{"acme/os-dvd-7",
                                            CustodyAction::kCheckedOut,
                                            3,
                                            "spiffe://x/principals/ann",
                                            "site B",
                                            "for the audit",
                                            {{2, 3}, {7, 7}}}},
      {"entitlement_granted", EntitlementGranted{SampleTerms()}},
      {"entitlement_amended", EntitlementAmended{SampleTerms(), "17"}},
      {"entitlement_granted_signed", EntitlementGranted{SampleTerms(), 1, SampleBlob("claim")}},
      {"entitlement_amended_signed",
       EntitlementAmended{SampleTerms(), "17", 2, SampleBlob("claim")}},
      {"seats_reserved", SeatsReserved{"9f8b2c44-2d63-4a57-8e56-6d0e4f3f7a11",
                                       "production/eu",
                                       std::chrono::minutes(15),
                                       {{"db-2026", "web-1", 4}, {"db-2026", "Größe", 1}}}},
      {"lease_committed", LeaseCommitted{"9f8b2c44/0", std::chrono::hours(24)}},
      {"lease_extended", LeaseExtended{"9f8b2c44/1", std::chrono::microseconds(1)}},
      {"lease_released", LeaseReleased{"9f8b2c44/2", true, "the node burnt"}},
      {"lease_borrowed",
       LeaseBorrowed{
           "9f8b2c44", "production/eu", std::chrono::hours(72), {"db-2026", "ship-7", 2}}},
      {"audit_recorded", AuditRecorded{4711, Sha256("line")}},
      {"release_sealed", ReleaseSealed{"payments",
                                       "2.4.0",
                                       {"production/eu", "staging"},
                                       SampleBlob("release"),
                                       SampleReleaseEnvelope("seal"),
                                       {SampleBlob("configuration")}}},
      {"release_attested", ReleaseAttested{Sha256("release"), SampleReleaseEnvelope("tests")}},
      {"release_approved",
       ReleaseApproved{Sha256("release"), "production/eu", SampleReleaseEnvelope("approval"),
                       Sha256("findings"), FromMicros(1798761600000000)}},
      {"release_withdrawn", ReleaseWithdrawn{Sha256("release"), "loses data", "17"}},
      {"release_moved", ReleaseMoved{Sha256("release"), "production/eu", DeploymentEvent::kBackOut,
                                     "payments fail", "18"}},
      {"rollout_started",
       RolloutStarted{Sha256("release"), "production/eu", "9f8b2c44-2d63-4a57-8e56-6d0e4f3f7a11",
                      SamplePlan(), SampleBlob("nodes"), Sha256("before")}},
      {"node_reported",
       NodeReported{Sha256("release"), "production/eu", "environments/production/eu/nodes/web-1",
                    NodeStage::kFailed, "it does not start", SampleBlob("report")}},
      {"rollout_steered", RolloutSteered{Sha256("release"), "production/eu",
                                         RolloutAction::kBackOut, "payments fail", "19"}},
      {"release_overridden", ReleaseOverridden{Sha256("release"),
                                               "production/eu",
                                               SampleReleaseEnvelope("override"),
                                               Digest(std::array<uint8_t, 32>{1}),
                                               {"timing.freeze", "timing.planned"},
                                               "the shop is down",
                                               FromMicros(1767312000000000)}},
      {"release_reevaluated",
       ReleaseReevaluated{Sha256("release"), "production/eu", 299, 3, 2, SampleBlob("found")}},
      {"references_published",
       ReferencesPublished{
           "debian",
           VersionScheme::kDeb,
           {{{{"debian", "curl"}, "7.88.1-10+deb12u5", {"linux", "amd64", ""}}, SampleBlob("spec")},
            {deb, SampleBlob("another")}},
           SampleBlob("batch"),
           {Digest(std::array<uint8_t, 32>{1}), Digest(std::array<uint8_t, 32>{2})}}},
      {"clock_accepted", ClockAccepted{FromMicros(1798761600000001)}},
  };
}

inline Entry SampleEntry(const EntryPayload& payload) {
  Entry entry;
  entry.index = 300;
  entry.time = FromMicros(1767225600123456);
  entry.author = "spiffe://0123456789abcdef.dml.local/principals/pat";
  entry.request_id = "9f8b2c44-2d63-4a57-8e56-6d0e4f3f7a10";
  entry.payload = payload;
  return entry;
}

}  // namespace dml::testing
