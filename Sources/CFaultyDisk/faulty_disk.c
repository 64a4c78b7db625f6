#define _GNU_SOURCE
#include "faulty_disk.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DISKS_MAX = 64 };

// One write or truncation that was not synced yet.
typedef struct Pending {
    struct Pending *next;
    int64_t offset;
    int64_t length;
    int is_truncation;
    unsigned char data[];
} Pending;

// A file as the disk would have it after a power loss.
typedef struct Image {
    struct Image *next;
    char *path;
    unsigned char *data;
    int64_t size;
    Pending *first;
    Pending **last;
    int is_deleted;
} Image;

typedef struct {
    int64_t at;
    int64_t count;
    int fault;
    int64_t seen;
} Plan;

typedef struct {
    char *prefix;
    int generation;
    int records;
    int has_no_power;
    int64_t sync_microseconds;
    int64_t reads;
    Plan writes;
    Plan syncs;
    Image *images;
} Disk;

typedef struct {
    sqlite3_file base;
    int disk;
    int generation;
    Image *image;
    sqlite3_file real[];
} File;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Disk disks[DISKS_MAX];
static sqlite3_vfs vfs;
static sqlite3_vfs *original;
static int last_generation;

// MARK: Plans. The lock is held.

static Disk *disk_of(int handle) {
    return handle >= 0 && handle < DISKS_MAX && disks[handle].prefix ? &disks[handle] : NULL;
}

static Disk *disk_of_file(File *file) {
    Disk *disk = disk_of(file->disk);
    return disk && disk->generation == file->generation ? disk : NULL;
}

static int next_fault(Disk *disk, Plan *plan) {
    plan->seen += 1;
    if (disk->has_no_power) return FAULTY_DISK_POWER_LOSS;
    if (plan->fault == FAULTY_DISK_NONE || plan->seen < plan->at) return FAULTY_DISK_NONE;
    if (plan->count >= 0 && plan->seen >= plan->at + plan->count) return FAULTY_DISK_NONE;
    if (plan->fault == FAULTY_DISK_POWER_LOSS) disk->has_no_power = 1;
    return plan->fault;
}

// MARK: Images. The lock is held.

static Image *image_of(Disk *disk, const char *path) {
    for (Image *image = disk->images; image; image = image->next) {
        if (strcmp(image->path, path) == 0) return image;
    }
    Image *image = calloc(1, sizeof *image);
    image->path = strdup(path);
    image->last = &image->first;
    image->next = disk->images;
    disk->images = image;
    return image;
}

static void note(Image *image, const void *data, int64_t length, int64_t offset, int truncates) {
    Pending *pending = malloc(sizeof *pending + (data ? (size_t)length : 0));
    pending->next = NULL;
    pending->offset = offset;
    pending->length = length;
    pending->is_truncation = truncates;
    if (data) memcpy(pending->data, data, (size_t)length);
    *image->last = pending;
    image->last = &pending->next;
}

static void resize(Image *image, int64_t size) {
    if (size > image->size) {
        image->data = realloc(image->data, (size_t)size);
        memset(image->data + image->size, 0, (size_t)(size - image->size));
    }
    image->size = size;
}

static void apply(Image *image, const Pending *pending) {
    if (pending->is_truncation) {
        resize(image, pending->length);
        return;
    }
    int64_t end = pending->offset + pending->length;
    if (end > image->size) resize(image, end);
    memcpy(image->data + pending->offset, pending->data, (size_t)pending->length);
}

static void drop_pending(Image *image) {
    while (image->first) {
        Pending *pending = image->first;
        image->first = pending->next;
        free(pending);
    }
    image->last = &image->first;
}

static void settle(Image *image) {
    for (Pending *pending = image->first; pending; pending = pending->next) apply(image, pending);
    drop_pending(image);
}

// MARK: Files

static int file_close(sqlite3_file *base) {
    File *file = (File *)base;
    return file->real->pMethods->xClose(file->real);
}

static int file_read(sqlite3_file *base, void *data, int count, sqlite3_int64 offset) {
    File *file = (File *)base;
    pthread_mutex_lock(&lock);
    Disk *disk = disk_of_file(file);
    int has_no_power = disk && disk->has_no_power;
    if (disk) disk->reads += 1;
    pthread_mutex_unlock(&lock);
    if (has_no_power) return SQLITE_IOERR_READ;
    return file->real->pMethods->xRead(file->real, data, count, offset);
}

static int file_write(sqlite3_file *base, const void *data, int count, sqlite3_int64 offset) {
    File *file = (File *)base;
    pthread_mutex_lock(&lock);
    Disk *disk = disk_of_file(file);
    int fault = disk ? next_fault(disk, &disk->writes) : FAULTY_DISK_NONE;
    int written = fault == FAULTY_DISK_NONE ? count : fault == FAULTY_DISK_TORN_WRITE ? count / 2 : 0;
    if (disk && file->image && written > 0) note(file->image, data, written, offset, 0);
    pthread_mutex_unlock(&lock);
    if (written > 0) {
        int code = file->real->pMethods->xWrite(file->real, data, written, offset);
        if (code != SQLITE_OK) return code;
    }
    switch (fault) {
    case FAULTY_DISK_NONE: return SQLITE_OK;
    case FAULTY_DISK_FULL: return SQLITE_FULL;
    default: return SQLITE_IOERR_WRITE;
    }
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size) {
    File *file = (File *)base;
    pthread_mutex_lock(&lock);
    Disk *disk = disk_of_file(file);
    int has_no_power = disk && disk->has_no_power;
    if (disk && file->image && !has_no_power) note(file->image, NULL, size, 0, 1);
    pthread_mutex_unlock(&lock);
    if (has_no_power) return SQLITE_IOERR_TRUNCATE;
    return file->real->pMethods->xTruncate(file->real, size);
}

static int file_sync(sqlite3_file *base, int flags) {
    File *file = (File *)base;
    pthread_mutex_lock(&lock);
    Disk *disk = disk_of_file(file);
    int fault = disk ? next_fault(disk, &disk->syncs) : FAULTY_DISK_NONE;
    int64_t microseconds = disk ? disk->sync_microseconds : 0;
    pthread_mutex_unlock(&lock);
    if (fault != FAULTY_DISK_NONE) return SQLITE_IOERR_FSYNC;
    if (microseconds > 0) {
        struct timespec time = {microseconds / 1000000, microseconds % 1000000 * 1000};
        nanosleep(&time, NULL);
    }
    int code = file->real->pMethods->xSync(file->real, flags);
    if (code != SQLITE_OK) return code;
    pthread_mutex_lock(&lock);
    if (disk_of_file(file) && file->image) settle(file->image);
    pthread_mutex_unlock(&lock);
    return SQLITE_OK;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *size) {
    File *file = (File *)base;
    return file->real->pMethods->xFileSize(file->real, size);
}

static int file_lock(sqlite3_file *base, int level) {
    File *file = (File *)base;
    return file->real->pMethods->xLock(file->real, level);
}

static int file_unlock(sqlite3_file *base, int level) {
    File *file = (File *)base;
    return file->real->pMethods->xUnlock(file->real, level);
}

static int file_check_reserved_lock(sqlite3_file *base, int *result) {
    File *file = (File *)base;
    return file->real->pMethods->xCheckReservedLock(file->real, result);
}

static int file_control(sqlite3_file *base, int operation, void *argument) {
    File *file = (File *)base;
    return file->real->pMethods->xFileControl(file->real, operation, argument);
}

static int file_sector_size(sqlite3_file *base) {
    File *file = (File *)base;
    return file->real->pMethods->xSectorSize(file->real);
}

static int file_characteristics(sqlite3_file *base) {
    File *file = (File *)base;
    return file->real->pMethods->xDeviceCharacteristics(file->real);
}

static int file_shm_map(sqlite3_file *base, int page, int size, int extend, void volatile **map) {
    File *file = (File *)base;
    return file->real->pMethods->xShmMap(file->real, page, size, extend, map);
}

static int file_shm_lock(sqlite3_file *base, int offset, int count, int flags) {
    File *file = (File *)base;
    return file->real->pMethods->xShmLock(file->real, offset, count, flags);
}

static void file_shm_barrier(sqlite3_file *base) {
    File *file = (File *)base;
    file->real->pMethods->xShmBarrier(file->real);
}

static int file_shm_unmap(sqlite3_file *base, int deletes) {
    File *file = (File *)base;
    return file->real->pMethods->xShmUnmap(file->real, deletes);
}

// Version 2: without memory-mapped reads, which would not pass through here.
static const sqlite3_io_methods methods = {
    2, file_close, file_read, file_write, file_truncate, file_sync, file_size, file_lock,
    file_unlock, file_check_reserved_lock, file_control, file_sector_size, file_characteristics,
    file_shm_map, file_shm_lock, file_shm_barrier, file_shm_unmap, NULL, NULL};

// MARK: The file system

static int find_disk(const char *path) {
    if (!path) return -1;
    for (int handle = 0; handle < DISKS_MAX; handle++) {
        Disk *disk = disk_of(handle);
        if (disk && strncmp(path, disk->prefix, strlen(disk->prefix)) == 0) return handle;
    }
    return -1;
}

static int vfs_open(
    sqlite3_vfs *self, const char *path, sqlite3_file *base, int flags, int *out_flags) {
    (void)self;
    File *file = (File *)base;
    file->base.pMethods = NULL;
    file->image = NULL;
    pthread_mutex_lock(&lock);
    file->disk = find_disk(path);
    Disk *disk = disk_of(file->disk);
    file->generation = disk ? disk->generation : 0;
    int has_no_power = disk && disk->has_no_power;
    pthread_mutex_unlock(&lock);
    if (has_no_power) return SQLITE_CANTOPEN;
    int code = original->xOpen(original, path, file->real, flags, out_flags);
    if (code != SQLITE_OK) return code;
    file->base.pMethods = &methods;
    pthread_mutex_lock(&lock);
    disk = disk_of_file(file);
    if (disk && disk->records) {
        file->image = image_of(disk, path);
        file->image->is_deleted = 0;
    }
    pthread_mutex_unlock(&lock);
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *self, const char *path, int syncs) {
    (void)self;
    pthread_mutex_lock(&lock);
    Disk *disk = disk_of(find_disk(path));
    int has_no_power = disk && disk->has_no_power;
    if (disk && disk->records && !has_no_power) {
        Image *image = image_of(disk, path);
        drop_pending(image);
        image->size = 0;
        image->is_deleted = 1;
    }
    pthread_mutex_unlock(&lock);
    if (has_no_power) return SQLITE_IOERR_DELETE;
    return original->xDelete(original, path, syncs);
}

static void register_vfs(void) {
    original = sqlite3_vfs_find(NULL);
    vfs = *original;
    vfs.zName = "faulty-disk";
    vfs.szOsFile = (int)sizeof(File) + original->szOsFile;
    vfs.xOpen = vfs_open;
    vfs.xDelete = vfs_delete;
    vfs.pNext = NULL;
    sqlite3_vfs_register(&vfs, 1);
}

// MARK: Control

int faulty_disk_open(const char *prefix, int records) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    sqlite3_initialize();
    pthread_once(&once, register_vfs);
    int result = -1;
    pthread_mutex_lock(&lock);
    for (int handle = 0; handle < DISKS_MAX && result < 0; handle++) {
        if (disks[handle].prefix) continue;
        memset(&disks[handle], 0, sizeof disks[handle]);
        disks[handle].prefix = strdup(prefix);
        disks[handle].records = records;
        disks[handle].generation = ++last_generation;
        result = handle;
    }
    pthread_mutex_unlock(&lock);
    return result;
}

void faulty_disk_close(int handle) {
    pthread_mutex_lock(&lock);
    Disk *disk = disk_of(handle);
    if (disk) {
        while (disk->images) {
            Image *image = disk->images;
            disk->images = image->next;
            drop_pending(image);
            free(image->data);
            free(image->path);
            free(image);
        }
        free(disk->prefix);
        memset(disk, 0, sizeof *disk);
    }
    pthread_mutex_unlock(&lock);
}

void faulty_disk_fail_writes(int handle, int64_t write, int64_t count, int fault) {
    pthread_mutex_lock(&lock);
    Disk *disk = disk_of(handle);
    if (disk) disk->writes = (Plan){write, count, fault, 0};
    pthread_mutex_unlock(&lock);
}

void faulty_disk_fail_syncs(int handle, int64_t sync, int64_t count, int fault) {
    pthread_mutex_lock(&lock);
    Disk *disk = disk_of(handle);
    if (disk) disk->syncs = (Plan){sync, count, fault, 0};
    pthread_mutex_unlock(&lock);
}

void faulty_disk_delay_syncs(int handle, int64_t microseconds) {
    pthread_mutex_lock(&lock);
    Disk *disk = disk_of(handle);
    if (disk) disk->sync_microseconds = microseconds;
    pthread_mutex_unlock(&lock);
}

int64_t faulty_disk_reads(int handle) {
    pthread_mutex_lock(&lock);
    Disk *disk = disk_of(handle);
    int64_t result = disk ? disk->reads : 0;
    pthread_mutex_unlock(&lock);
    return result;
}

int64_t faulty_disk_writes(int handle) {
    pthread_mutex_lock(&lock);
    Disk *disk = disk_of(handle);
    int64_t result = disk ? disk->writes.seen : 0;
    pthread_mutex_unlock(&lock);
    return result;
}

int64_t faulty_disk_syncs(int handle) {
    pthread_mutex_lock(&lock);
    Disk *disk = disk_of(handle);
    int64_t result = disk ? disk->syncs.seen : 0;
    pthread_mutex_unlock(&lock);
    return result;
}

static uint64_t next_random(uint64_t *state) {
    uint64_t mixed = *state += 0x9E3779B97F4A7C15;
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB;
    return mixed ^ mixed >> 31;
}

static int save(const Image *image, const char *folder, int percent, uint64_t *random) {
    Image copy = *image;
    copy.data = malloc((size_t)image->size + 1);
    if (image->size > 0) memcpy(copy.data, image->data, (size_t)image->size);
    for (Pending *pending = image->first; pending; pending = pending->next) {
        if ((int)(next_random(random) % 100) < percent) apply(&copy, pending);
    }
    const char *name = strrchr(image->path, '/');
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name ? name + 1 : image->path);
    FILE *file = fopen(path, "wb");
    int result = file ? 0 : errno;
    if (file) {
        size_t size = (size_t)copy.size;
        if (size > 0 && fwrite(copy.data, 1, size, file) != size) result = errno;
        if (fclose(file) != 0) result = errno;
    }
    free(copy.data);
    return result;
}

int faulty_disk_restore(int handle, const char *folder, int percent, uint64_t seed) {
    int result = 0;
    pthread_mutex_lock(&lock);
    Disk *disk = disk_of(handle);
    for (Image *image = disk ? disk->images : NULL; image && result == 0; image = image->next) {
        if (!image->is_deleted) result = save(image, folder, percent, &seed);
    }
    pthread_mutex_unlock(&lock);
    return result;
}
