// Domain values <-> API messages of trust, access, admission and media; see core/wire/api.h.
#pragma once

#include "core/wire/api.h"
#include "dml/v1/access.pb.h"
#include "dml/v1/admission.pb.h"
#include "dml/v1/media.pb.h"
#include "dml/v1/trust.pb.h"

namespace dml::wire {

/// Without the envelope's bytes, which hold what they say of it.
void To(const RootRecord& record, v1::TrustDocument* out);
void To(const DelegationRecord& record, v1::TrustDocument* out);

void To(const AccessGrant& grant, v1::AccessGrant* out);
AccessGrant From(const v1::AccessGrant& in);
void To(const GrantRecord& record, v1::Grant* out);
GrantRecord From(const v1::Grant& in);
/// Without its secret, of which the library has the hash alone.
void To(const TokenRecord& record, v1::Token* out);
TokenRecord From(const v1::Token& in);

/// INVALID_ARGUMENT (ADMISSION_UNKNOWN) where it is none.
absl::StatusOr<AdmissionState> From(v1::Admission in);
void To(const HoldRecord& record, v1::Hold* out);
absl::StatusOr<HoldRecord> From(const v1::Hold& in);

void To(const MediaRecord& record, v1::Media* out);
absl::StatusOr<MediaRecord> From(const v1::Media& in);
void To(const CustodyRecord& record, v1::Custody* out);
absl::StatusOr<CustodyRecord> From(const v1::Custody& in);

std::string MediaResource(std::string_view name);  // media/N/M

}  // namespace dml::wire
