// What is there, as figures for a scrape: each function asks its part and tells a sink. Cheap: a
// few rows, no scan.
#pragma once

#include "server/rpc/services.h"
#include "server/runtime/metrics.h"
#include "storage/backup/backups.h"

namespace dml {

/// Tables, journal, queue, checkpoint, trust root's end.
void TellLibrary(Library& library, MetricSink& sink);

/// Collection, repacking, scrub, and the figures of storage that were measured last.
void TellMaintenance(const Maintenance& maintenance, MetricSink& sink);

/// The last backup.
void TellBackups(const Backups& backups, MetricSink& sink);

/// Transfers and their memory, searches, watches.
void TellTraffic(const ServiceContext& services, MetricSink& sink);

/// The process, by Prometheus' usual names (process_*), of /proc/self.
void TellProcess(MetricSink& sink);

}  // namespace dml
