// Precompiled for server and client: base.h, gRPC's headers and the stubs.
#pragma once

#include <dml/v1/catalog.grpc.pb.h>
#include <dml/v1/content.grpc.pb.h>
#include <dml/v1/journal.grpc.pb.h>
#include <google/rpc/error_details.pb.h>
#include <grpcpp/grpcpp.h>

#include "base.h"
