#include "core/crypto/pkcs11_uri.h"

#include <gtest/gtest.h>

namespace dml {
namespace {

absl::StatusOr<Pkcs11Uri> Parse(std::string_view text) {
  return ParsePkcs11Uri(text, PinValue::kRefused);
}

TEST(Pkcs11UriTest, AllAttributesAreRead) {
  absl::StatusOr<Pkcs11Uri> uri = Parse(
      "pkcs11:token=My%20token;serial=0a1;manufacturer=Acme;model=v2;slot-id=7;object=sign,1;"
      "id=%01%fF;type=private?module-path=/usr/lib/a%20b.so&pin-source=file:/etc/dml/pin");
  ASSERT_TRUE(uri.ok()) << uri.status();
  EXPECT_EQ(uri->token, "My token");
  EXPECT_EQ(uri->serial, "0a1");
  EXPECT_EQ(uri->manufacturer, "Acme");
  EXPECT_EQ(uri->model, "v2");
  EXPECT_EQ(uri->slot_id, 7);
  EXPECT_EQ(uri->object, "sign,1");
  EXPECT_EQ(uri->id, "\x01\xff");
  EXPECT_EQ(uri->module_path, "/usr/lib/a b.so");
  EXPECT_EQ(uri->pin_file, "/etc/dml/pin");
  EXPECT_FALSE(uri->pin.has_value());
  EXPECT_EQ(DescribePkcs11Uri(*uri),
            "pkcs11:token=My%20token;manufacturer=Acme;serial=0a1;model=v2;slot-id=7;"
            "object=sign%2C1;id=%01%FF");
}

TEST(Pkcs11UriTest, ThePinSourceIsAPathOfThisMachine) {
  for (const char* source : {"/p", "file:/p", "file:///p"}) {
    absl::StatusOr<Pkcs11Uri> uri =
        Parse(fmt::format("pkcs11:?module-path=/m.so&pin-source={}", source));
    ASSERT_TRUE(uri.ok()) << uri.status();
    EXPECT_EQ(uri->pin_file, "/p");
  }
  for (const char* source : {"p", "file:p", "file://host/p", "https://host/p", "|pin", "/p%00q"}) {
    EXPECT_EQ(
        Reason(Parse(fmt::format("pkcs11:?module-path=/m.so&pin-source={}", source)).status()),
        "PKCS11_URI_INVALID")
        << source;
  }
}

TEST(Pkcs11UriTest, APinIsTakenFromAFileOnlyAndNeverTold) {
  constexpr std::string_view kUri = "pkcs11:token=T?module-path=/m.so&pin-value=12%2034";
  const absl::Status exposed = Parse(kUri).status();
  EXPECT_EQ(Reason(exposed), "PKCS11_PIN_EXPOSED");
  EXPECT_EQ(Message(exposed).find("34"), std::string_view::npos);
  absl::StatusOr<Pkcs11Uri> uri = ParsePkcs11Uri(kUri, PinValue::kAllowed);
  ASSERT_TRUE(uri.ok()) << uri.status();
  EXPECT_EQ(uri->pin, "12 34");
  EXPECT_EQ(DescribePkcs11Uri(*uri), "pkcs11:token=T");
  const absl::Status bad =
      ParsePkcs11Uri("pkcs11:?module-path=/m.so&pin-value=sesam%zz", PinValue::kAllowed).status();
  EXPECT_EQ(Reason(bad), "PKCS11_URI_INVALID");
  EXPECT_EQ(Message(bad).find("sesam"), std::string_view::npos);
}

TEST(Pkcs11UriTest, WhatIsAmbiguousOrUnknownIsRefused) {
  for (std::string_view uri : {
           "file:/m.so",
           "PKCS11:token=T?module-path=/m.so",
           "pkcs11:token=T",
           "pkcs11:token=T?module-path=m.so",
           "pkcs11:token=T?module-path=/m%00.so",
           "pkcs11:token=T;token=U?module-path=/m.so",
           "pkcs11:token=T?module-path=/m.so&module-path=/n.so",
           "pkcs11:token=T?module-path=/m.so&module-name=n",
           "pkcs11:library-version=3?module-path=/m.so",
           "pkcs11:x-vendor=3?module-path=/m.so",
           "pkcs11:token?module-path=/m.so",
           "pkcs11:token=a b?module-path=/m.so",
           "pkcs11:token=a%2?module-path=/m.so",
           "pkcs11:token=a%?module-path=/m.so",
           "pkcs11:token=a%+1?module-path=/m.so",
           "pkcs11:slot-id=?module-path=/m.so",
           "pkcs11:slot-id=-1?module-path=/m.so",
           "pkcs11:slot-id=99999999999999999999?module-path=/m.so",
           "pkcs11:type=cert?module-path=/m.so",
           "pkcs11:object=\xc3\xa9?module-path=/m.so",
           "pkcs11:;token=T?module-path=/m.so",
       }) {
    EXPECT_EQ(Reason(Parse(uri).status()), "PKCS11_URI_INVALID") << uri;
  }
  const absl::Status both =
      ParsePkcs11Uri("pkcs11:?module-path=/m.so&pin-value=1&pin-source=/p", PinValue::kAllowed)
          .status();
  EXPECT_EQ(Reason(both), "PKCS11_URI_INVALID");
  const std::string label(kMaxPkcs11UriBytes, 'x');
  EXPECT_EQ(Reason(Parse(fmt::format("pkcs11:token={}?module-path=/m.so", label)).status()),
            "PKCS11_URI_INVALID");
}

TEST(Pkcs11UriTest, FilesAreNoUris) {
  EXPECT_TRUE(IsPkcs11Uri("pkcs11:"));
  EXPECT_FALSE(IsPkcs11Uri("./pkcs11:token=T"));
  EXPECT_FALSE(IsPkcs11Uri("me.key"));
}

}  // namespace
}  // namespace dml
