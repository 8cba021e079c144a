#include "core/evidence/revocation_list.h"

#include <nlohmann/json.hpp>

#include "tests/core/evidence/permit_scene.h"
#include "tests/support/golden.h"

namespace dml {
namespace {

using testing::PermitScene;
using testing::TimeOf;

RevocationList Sample() {
  return {"library.example/dml",
          3,
          TimeOf("2026-06-01T09:00:00Z"),
          40,
          {{"0f8fad5b-d9cb-469f-a165-708677289511", TimeOf("2026-06-02T00:00:00Z")},
           {"0f8fad5b-d9cb-469f-a165-708677289522", TimeOf("2026-06-07T00:00:00Z")}}};
}

class RevocationListTest : public ::testing::Test {
 protected:
  std::string Signed(const RevocationList& list, const std::vector<std::string>& by) {
    return scene_.Sign(kRevocationListPayloadType, FormatRevocationList(list).value(), by);
  }
  TrustDomain Domain() { return TrustDomain::Create(scene_.root, {}, scene_.now).value(); }
  std::string Opened(const std::string& envelope,
                     const std::optional<RememberedRevocations>& seen = std::nullopt) {
    return Reason(OpenRevocationList(envelope, Domain(), seen).status());
  }

  PermitScene scene_;
};

TEST_F(RevocationListTest, IsWrittenInOneWay) {
  const std::string text = FormatRevocationList(Sample()).value();
  EXPECT_EQ(text + "\n", testing::GoldenText("trust/revocations.json", text + "\n"));
  EXPECT_EQ(ParseRevocationList(text).value(), Sample());
  RevocationList none = Sample();
  none.permits.clear();
  EXPECT_EQ(ParseRevocationList(FormatRevocationList(none).value()).value(), none);
}

TEST_F(RevocationListTest, IsReadStrictly) {
  const nlohmann::json good = nlohmann::json::parse(FormatRevocationList(Sample()).value());
  for (const auto& [name, value] : good.items()) {
    nlohmann::json changed = good;
    changed[name] = nullptr;
    EXPECT_EQ(Reason(ParseRevocationList(changed.dump()).status()), "REVOCATION_LIST_INVALID")
        << name;
    changed.erase(name);
    EXPECT_EQ(Reason(ParseRevocationList(changed.dump()).status()), "REVOCATION_LIST_INVALID")
        << name;
  }
  nlohmann::json more = good;
  more["also"] = 1;
  EXPECT_EQ(Reason(ParseRevocationList(more.dump()).status()), "REVOCATION_LIST_INVALID");
  RevocationList list = Sample();
  std::swap(list.permits[0], list.permits[1]);
  EXPECT_EQ(Reason(FormatRevocationList(list).status()), "REVOCATION_LIST_INVALID");
  list.permits[1] = list.permits[0];
  EXPECT_EQ(Reason(FormatRevocationList(list).status()), "REVOCATION_LIST_INVALID");
  list.permits = {{"1", TimeOf("2026-06-02T00:00:00Z")}};
  EXPECT_EQ(Reason(FormatRevocationList(list).status()), "PERMIT_INVALID") << "no id";
}

TEST_F(RevocationListTest, OnlyTheRolePermitSigns) {
  EXPECT_EQ(Opened(Signed(Sample(), {"ci-permit"})), "");
  EXPECT_EQ(Opened(Signed(Sample(), {"ci-log"})), "THRESHOLD_NOT_MET");
  EXPECT_EQ(Opened(Signed(Sample(), {"eve"})), "THRESHOLD_NOT_MET");
  // The same bytes as something else.
  EXPECT_EQ(Opened(scene_.Sign(kInTotoPayloadType, FormatRevocationList(Sample()).value(),
                               {"ci-permit"})),
            "PAYLOAD_TYPE_UNEXPECTED");
  RevocationList other = Sample();
  other.origin = "library.example/other";
  EXPECT_EQ(Opened(Signed(other, {"ci-permit"})), "REVOCATION_LIST_UNEXPECTED");
}

TEST_F(RevocationListTest, DoesNotGoBack) {
  const std::string list = Signed(Sample(), {"ci-permit"});
  EXPECT_EQ(Opened(list, RememberedRevocations{3, TimeOf("2026-06-01T09:00:00Z")}), "");
  EXPECT_EQ(Opened(list, RememberedRevocations{4, TimeOf("2026-06-01T08:00:00Z")}),
            "REVOCATIONS_ROLLED_BACK");
  EXPECT_EQ(Opened(list, RememberedRevocations{3, TimeOf("2026-06-01T09:00:01Z")}),
            "REVOCATIONS_ROLLED_BACK");
}

TEST_F(RevocationListTest, TellsOfAPermitWhatItKnows) {
  Permit permit = scene_.permit;
  permit.max_revocation_age = std::chrono::hours(3);
  const auto check = [&](const RevocationList& list, uint64_t index = 8) {
    return std::string(Reason(CheckNotRevoked(list, permit, index, scene_.now)));
  };
  EXPECT_EQ(check(Sample()), "");
  EXPECT_EQ(check(Sample(), 39), "");
  EXPECT_EQ(check(Sample(), 40), "REVOCATIONS_STALE") << "it is from before the permit";
  RevocationList old = Sample();
  old.time -= std::chrono::seconds(1);
  EXPECT_EQ(check(old), "REVOCATIONS_STALE");
  permit.id = Sample().permits[1].id;
  EXPECT_EQ(check(Sample()), "PERMIT_REVOKED");
  EXPECT_EQ(check(old), "PERMIT_REVOKED") << "what is revoked stays so";
}

// attack 6: what cannot be read, or nobody signed, is no list without our permit.
TEST_F(RevocationListTest, AnEditedListIsNoList) {
  const std::string list = Signed(Sample(), {"ci-permit"});
  size_t refused = 0;
  for (size_t i = 0; i < list.size(); ++i) {
    std::string edited = list;
    edited[i] = static_cast<char>(edited[i] ^ 1);
    const auto opened = OpenRevocationList(edited, Domain());
    // The key id is a hint that nobody signed.
    if (opened.ok()) {
      EXPECT_EQ(*opened, Sample()) << i;
    } else {
      ++refused;
    }
  }
  EXPECT_GT(refused, list.size() / 2);
}

}  // namespace
}  // namespace dml
