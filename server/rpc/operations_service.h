// Backups, and whether the library is what it says.
#pragma once

#include <memory>

#include "server/rpc/services.h"

namespace dml {

std::unique_ptr<grpc::Service> MakeOperationsService(const ServiceContext& context);

}  // namespace dml
