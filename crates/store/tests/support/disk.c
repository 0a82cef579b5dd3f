/* A disk that can be cut at every step. Loaded before the C library, it counts each thing that changes a file below
 * AMENDS_DISK_UNDER, and at the one numbered AMENDS_DISK_AT does what AMENDS_DISK_DOES says:
 *
 *   count   nothing; at the end the number of things is in the file AMENDS_DISK_COUNT
 *   kill    the process ends before it
 *   half    of a write the first half is done, then the process ends
 *   power   the process ends, and of what was written and not yet synced a part is undone, by AMENDS_DISK_SEED:
 *           nothing, all of it, or some of it, a write torn in the middle among them
 *   enospc  from here on every write finds the disk full
 *   eio     this one fails; what comes after it goes on
 *   erofs   from here on nothing can be changed
 *
 * Names (making, renaming and removing files) count as on the disk at once. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define REAL(name, type) static __typeof__(type) real; if (!real) real = (__typeof__(type))dlsym(RTLD_NEXT, name)

static const char *under, *does;
static long at, count, seed;
static int lock;

/* What a write or a truncation replaced, while it is not synced. */
struct undo {
    struct undo *before;
    dev_t dev;
    ino_t ino;
    int fd;             /* one of our own, so that it outlives the program's */
    off_t from, length; /* what was written */
    off_t was;          /* how long the file was */
    char *bytes;        /* what was there, as far as the file went */
    off_t kept;
};
static struct undo *last;

__attribute__((constructor)) static void begin(void) {
    under = getenv("AMENDS_DISK_UNDER");
    does = getenv("AMENDS_DISK_DOES");
    if (!does) does = "count";
    at = getenv("AMENDS_DISK_AT") ? atol(getenv("AMENDS_DISK_AT")) : -1;
    seed = getenv("AMENDS_DISK_SEED") ? atol(getenv("AMENDS_DISK_SEED")) : 0;
}

__attribute__((destructor)) static void end(void) {
    const char *to = getenv("AMENDS_DISK_COUNT");
    if (!to || !under) return;
    FILE *out = fopen(to, "w");
    if (out) { fprintf(out, "%ld", count); fclose(out); }
}

static int is(const char *what) { return strcmp(does, what) == 0; }

static int path_counts(const char *path) { return under && path && strncmp(path, under, strlen(under)) == 0; }

static int fd_counts(int fd) {
    char link[64], path[4096];
    if (!under) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = 0;
    struct stat st;
    return path_counts(path) && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static void take(void) { while (__atomic_test_and_set(&lock, __ATOMIC_ACQUIRE)) usleep(50); }
static void give(void) { __atomic_clear(&lock, __ATOMIC_RELEASE); }

static uint64_t chance(void) {
    static uint64_t x;
    if (!x) x = (uint64_t)seed * 0x9e3779b97f4a7c15u + 1;
    x ^= x << 13; x ^= x >> 7; x ^= x << 17;
    return x;
}

static ssize_t put(int fd, const void *bytes, size_t n, off_t to) {
    REAL("pwrite64", ssize_t (*)(int, const void *, size_t, off_t));
    return real(fd, bytes, n, to);
}
static int cut_to(int fd, off_t length) {
    REAL("ftruncate64", int (*)(int, off_t));
    return real(fd, length);
}

static void note(int fd, off_t from, off_t length) {
    struct stat st;
    if (!is("power") || fstat(fd, &st) != 0) return;
    struct undo *u = calloc(1, sizeof *u);
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    REAL("open64", int (*)(const char *, int, ...));
    u->fd = real(link, O_RDWR | O_CLOEXEC);
    if (u->fd < 0) { free(u); return; }
    u->dev = st.st_dev; u->ino = st.st_ino; u->was = st.st_size;
    u->from = from; u->length = length;
    u->kept = from < st.st_size ? (st.st_size - from < length ? st.st_size - from : length) : 0;
    u->bytes = malloc(u->kept ? u->kept : 1);
    if (pread(u->fd, u->bytes, u->kept, from) != u->kept) u->kept = 0;
    u->before = last;
    last = u;
}

static void synced(int fd) {
    struct stat st;
    if (fstat(fd, &st) != 0) return;
    struct undo **link = &last;
    while (*link) {
        struct undo *u = *link;
        if (u->dev == st.st_dev && u->ino == st.st_ino) {
            *link = u->before;
            close(u->fd); free(u->bytes); free(u);
        } else link = &u->before;
    }
}

static void power_goes(void) {
    int how = chance() % 4; /* all is lost, or nothing, or some of it */
    for (struct undo *u = last; u; u = u->before) {
        int lost = how == 0 || (how >= 2 && chance() % 2);
        if (!lost) continue;
        off_t from = u->from, kept = u->kept;
        char *bytes = u->bytes;
        if (how == 3 && chance() % 2 && kept > 1024) { from += 512; kept -= 512; bytes += 512; } /* torn at a sector */
        put(u->fd, bytes, kept, from);
        struct stat st;
        if (how == 0 && fstat(u->fd, &st) == 0 && st.st_size > u->was) cut_to(u->fd, u->was);
        else if (how != 0 && u->from + u->length > u->was && fstat(u->fd, &st) == 0) {
            /* The file grew, and what is in the new part never came: zeros. */
            off_t hole = u->from + u->kept, to = u->from + u->length < st.st_size ? u->from + u->length : st.st_size;
            char zeros[4096] = {0};
            for (; hole < to; hole += sizeof zeros)
                put(u->fd, zeros, to - hole < (off_t)sizeof zeros ? (size_t)(to - hole) : sizeof zeros, hole);
        }
    }
}

/* Whether this step goes on; where not, errno is set. */
static int step(int is_write) {
    long n = ++count;
    if (n < at || at < 0) return 1;
    if (n == at) {
        if (is("power")) power_goes();
        if (is("kill") || is("half") || is("power")) { kill(getpid(), SIGKILL); for (;;) pause(); }
        if (is("eio")) { errno = EIO; return 0; }
    }
    if (is("enospc") && is_write) { errno = ENOSPC; return 0; }
    if (is("erofs")) { errno = EROFS; return 0; }
    return 1;
}

static ssize_t written(int fd, const void *bytes, size_t n, off_t to, int seeks) {
    REAL("write", ssize_t (*)(int, const void *, size_t));
    if (!fd_counts(fd)) return seeks ? put(fd, bytes, n, to) : real(fd, bytes, n);
    take();
    if (is("half") && count + 1 == at) {
        if (seeks) put(fd, bytes, n / 2, to); else if (real(fd, bytes, n / 2) < 0) {}
    }
    ssize_t done = -1;
    if (step(1)) {
        note(fd, seeks ? to : lseek(fd, 0, SEEK_CUR), n);
        done = seeks ? put(fd, bytes, n, to) : real(fd, bytes, n);
    }
    int why = errno;
    give();
    errno = why;
    return done;
}

ssize_t write(int fd, const void *bytes, size_t n) { return written(fd, bytes, n, 0, 0); }
ssize_t pwrite(int fd, const void *bytes, size_t n, off_t to) { return written(fd, bytes, n, to, 1); }
ssize_t pwrite64(int fd, const void *bytes, size_t n, off_t to) { return written(fd, bytes, n, to, 1); }

static int sync_of(int fd, const char *name) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    if (!fd_counts(fd)) return real(fd);
    take();
    int done = -1;
    if (step(0)) { done = real(fd); if (done == 0) synced(fd); }
    int why = errno;
    give();
    errno = why;
    return done;
}
int fsync(int fd) { return sync_of(fd, "fsync"); }
int fdatasync(int fd) { return sync_of(fd, "fdatasync"); }

static int truncated(int fd, off_t length) {
    if (!fd_counts(fd)) return cut_to(fd, length);
    take();
    int done = -1;
    struct stat st;
    if (step(0)) {
        if (fstat(fd, &st) == 0 && st.st_size > length) note(fd, length, st.st_size - length);
        done = cut_to(fd, length);
    }
    int why = errno;
    give();
    errno = why;
    return done;
}
int ftruncate(int fd, off_t length) { return truncated(fd, length); }
int ftruncate64(int fd, off_t length) { return truncated(fd, length); }

#define NAMES(call, ...) \
    take(); int done = -1; if (step(0)) done = call(__VA_ARGS__); int why = errno; give(); errno = why; return done

int rename(const char *from, const char *to) {
    REAL("rename", int (*)(const char *, const char *));
    if (!path_counts(from) && !path_counts(to)) return real(from, to);
    NAMES(real, from, to);
}
int unlink(const char *path) {
    REAL("unlink", int (*)(const char *));
    if (!path_counts(path)) return real(path);
    NAMES(real, path);
}
int link(const char *from, const char *to) {
    REAL("link", int (*)(const char *, const char *));
    if (!path_counts(to)) return real(from, to);
    NAMES(real, from, to);
}
int mkdir(const char *path, mode_t mode) {
    REAL("mkdir", int (*)(const char *, mode_t));
    if (!path_counts(path)) return real(path, mode);
    NAMES(real, path, mode);
}

static int opened(const char *name, const char *path, int flags, mode_t mode) {
    int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, name);
    int changes = (flags & O_TRUNC) || ((flags & O_CREAT) && access(path, F_OK) != 0);
    if (!changes || !path_counts(path)) return real(path, flags, mode);
    NAMES(real, path, flags, mode);
}
int open(const char *path, int flags, ...) {
    va_list more; va_start(more, flags); mode_t mode = va_arg(more, int); va_end(more);
    return opened("open", path, flags, mode);
}
int open64(const char *path, int flags, ...) {
    va_list more; va_start(more, flags); mode_t mode = va_arg(more, int); va_end(more);
    return opened("open64", path, flags, mode);
}
