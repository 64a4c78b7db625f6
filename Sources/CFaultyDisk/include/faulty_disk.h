#ifndef FAULTY_DISK_H
#define FAULTY_DISK_H

#include <stdint.h>

// A SQLite VFS that behaves as failing disks do, below a path prefix, and passes everything else on
// to the VFS that was the default. Every function may be called from any thread.

enum faulty_disk_fault {
    FAULTY_DISK_NONE = 0,
    // The write is refused with SQLITE_FULL.
    FAULTY_DISK_FULL = 1,
    // The write is refused with SQLITE_IOERR_WRITE.
    FAULTY_DISK_WRITE_ERROR = 2,
    // The first half of the data is written, then the write fails with SQLITE_IOERR_WRITE.
    FAULTY_DISK_TORN_WRITE = 3,
    // The sync fails with SQLITE_IOERR_FSYNC, and nothing of it is done.
    FAULTY_DISK_SYNC_ERROR = 4,
    // Power fails: this call and every later one fails, and only what was synced is kept.
    FAULTY_DISK_POWER_LOSS = 5,
};

// Takes files whose path starts with `prefix` under control; they must not be open. Returns a
// handle, or -1 when there are too many. `records` keeps what was synced, for
// `faulty_disk_restore`.
int faulty_disk_open(const char *prefix, int records);

// Lets go of the prefix. Files that are open go on without faults.
void faulty_disk_close(int handle);

// From the `write`th write on (counted from 1, from now), `count` writes suffer `fault`; a negative
// count means all of them. 0 clears.
void faulty_disk_fail_writes(int handle, int64_t write, int64_t count, int fault);

// The same for syncs.
void faulty_disk_fail_syncs(int handle, int64_t sync, int64_t count, int fault);

// Adds this time to every sync.
void faulty_disk_delay_syncs(int handle, int64_t microseconds);

// Reads since it was opened.
int64_t faulty_disk_reads(int handle);

// Writes and syncs so far, since the faults of their kind were set last.
int64_t faulty_disk_writes(int handle);
int64_t faulty_disk_syncs(int handle);

// Writes the files as they were synced last into a folder, under their own names. Of what was
// written and not synced each write is kept with a chance of `percent`, as `seed` decides: disks
// reorder. Shared memory files are left out. Returns 0, or an errno.
int faulty_disk_restore(int handle, const char *folder, int percent, uint64_t seed);

#endif
