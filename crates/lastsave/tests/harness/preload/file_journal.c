// Loaded into a server before its own code: writes down what it does to the files below one directory, in order.
//
// `LASTSAVE_JOURNAL_OF` names the directory, `LASTSAVE_JOURNAL` the file that gets the records. An operation that changes
// something is made and recorded under one lock, so the order of the records is that of the operations. A sync is
// recorded when it begins and, if it succeeds, when it has ended, and holds up nobody in between. What is missing here
// is noticed by whoever compares the records with the directory. The journal's first eight bytes are not zero while an
// operation and its record are being made: a killed server may have done one that is not recorded.
#include "trapped_calls.h"

#include <sched.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define PATH_BYTES 4096

// As in file_journal.rs.
enum kind { OPENED = 1, WRITTEN, TRUNCATED, ALLOCATED, RENAMED, UNLINKED, DIRECTORY_MADE, LINKED, SYNC_BEGUN, SYNCED };

struct record {
    uint32_t kind;
    uint32_t payload_bytes;
    uint64_t at_ns;
    uint64_t inode;
    uint64_t first;
    uint64_t second;
};

static char root[PATH_BYTES];
static size_t root_length;
static int journal = -1;
static volatile char is_locked;
static volatile uint64_t *is_busy;
static uint64_t syncs;

static void lock(void) {
    while (__atomic_test_and_set(&is_locked, __ATOMIC_ACQUIRE)) sched_yield();
    *is_busy = 1;
}

static void unlock(void) {
    *is_busy = 0;
    __atomic_clear(&is_locked, __ATOMIC_RELEASE);
}

// A record that is cut short would make the rest unreadable, so there is no going on.
static void append(struct record record, const struct iovec *payload, int count) {
    struct iovec parts[1 + 1024];
    parts[0] = (struct iovec){&record, sizeof record};
    size_t left = record.payload_bytes;
    int used = 1;
    for (int index = 0; index < count && left > 0; index++) {
        parts[used] = payload[index];
        if (parts[used].iov_len > left) parts[used].iov_len = left;
        left -= parts[used++].iov_len;
    }
    record.at_ns = now_ns();
    ssize_t wanted = (ssize_t)(sizeof record + record.payload_bytes);
    if (left > 0 || writev(journal, parts, used) != wanted) _exit(113);
}

// The part of a path below the directory; NULL if it is elsewhere.
static const char *below_root(const char *path) {
    if (strncmp(path, root, root_length) != 0) return NULL;
    if (path[root_length] == 0) return path + root_length;
    return path[root_length] == '/' ? path + root_length + 1 : NULL;
}

// What an open file is called below the directory; `path` is where that text lies.
static const char *name_of(long file, char *path) {
    return path_of(file, path, PATH_BYTES) < 0 ? NULL : below_root(path);
}

// What a path relative to an open directory is called below the directory.
static const char *name_at(long directory, const char *given, char *path) {
    size_t length = 0;
    if (given[0] != '/') {
        ssize_t base = directory == AT_FDCWD ? (getcwd(path, PATH_BYTES) ? (ssize_t)strlen(path) : -1)
                                             : path_of(directory, path, PATH_BYTES);
        if (base < 0) return NULL;
        length = (size_t)base;
        path[length++] = '/';
    }
    size_t given_length = strlen(given);
    if (length + given_length >= PATH_BYTES) return NULL;
    memcpy(path + length, given, given_length + 1);
    return below_root(path);
}

static void append_text(struct record record, const char *text) {
    record.payload_bytes = (uint32_t)strlen(text);
    append(record, &(struct iovec){(void *)text, record.payload_bytes}, 1);
}

static void append_two(enum kind kind, const char *from, const char *to) {
    if (!from || !to) return;
    struct iovec parts[] = {{(void *)from, strlen(from) + 1}, {(void *)to, strlen(to)}};
    append((struct record){.kind = kind, .payload_bytes = (uint32_t)(parts[0].iov_len + parts[1].iov_len)}, parts, 2);
}

// The number by which a file is known in the records, if it is a file or directory below the root.
static int is_ours(long file, char *path, const char **name, struct stat *status) {
    *name = name_of(file, path);
    return *name && fstat((int)file, status) == 0 && (S_ISREG(status->st_mode) || S_ISDIR(status->st_mode));
}

static long sync_file(long number, const greg_t *registers) {
    char path[PATH_BYTES];
    const char *name;
    struct stat status;
    if (!is_ours(registers[REG_RDI], path, &name, &status)) return make_call(number, registers);
    struct record record = {.kind = SYNC_BEGUN, .inode = status.st_ino, .second = S_ISDIR(status.st_mode)};
    lock();
    record.first = syncs++;
    append_text(record, name);
    unlock();
    long result = make_call(number, registers);
    if (result != 0) return result;
    record.kind = SYNCED;
    lock();
    append(record, NULL, 0);
    unlock();
    return result;
}

// Names that an operation takes away are looked up before it.
static long change_names(long number, const greg_t *registers) {
    char from_path[PATH_BYTES], to_path[PATH_BYTES];
    const char *from = name_at(registers[REG_RDI], (const char *)registers[REG_RSI], from_path), *to = NULL;
    int has_target = number == SYS_renameat || number == SYS_renameat2 || number == SYS_linkat;
    if (has_target) to = name_at(registers[REG_RDX], (const char *)registers[REG_R10], to_path);
    long result = make_call(number, registers);
    if (result != 0) return result;
    if (has_target) {
        append_two(number == SYS_linkat ? LINKED : RENAMED, from, to);
    } else if (from) {
        struct record record = {.kind = number == SYS_mkdirat ? DIRECTORY_MADE : UNLINKED};
        if (number == SYS_unlinkat) record.first = (registers[REG_RDX] & AT_REMOVEDIR) != 0;
        append_text(record, from);
    }
    return result;
}

static long change_bytes(long number, const greg_t *registers) {
    char path[PATH_BYTES];
    const char *name;
    struct stat status;
    long result = make_call(number, registers);
    long file = number == SYS_openat ? result : registers[REG_RDI];
    if (result < 0 || !is_ours(file, path, &name, &status)) return result;
    struct record record = {.inode = status.st_ino};
    if (number == SYS_openat) {
        record.kind = OPENED;
        record.first = (registers[REG_RDX] & O_CREAT) != 0;
        record.second = (registers[REG_RDX] & O_TRUNC) != 0;
        // Who only reads is recorded as well: records name files by number, so the number must be known.
        if (S_ISREG(status.st_mode)) append_text(record, name);
    } else if (number == SYS_pwrite64) {
        record.kind = WRITTEN;
        record.first = (uint64_t)registers[REG_R10];
        record.payload_bytes = (uint32_t)result;
        append(record, &(struct iovec){(void *)registers[REG_RSI], (size_t)result}, 1);
    } else if (number == SYS_pwritev) {
        record.kind = WRITTEN;
        record.first = (uint64_t)registers[REG_R10];
        record.payload_bytes = (uint32_t)result;
        append(record, (const struct iovec *)registers[REG_RSI], (int)registers[REG_RDX]);
    } else if (number == SYS_ftruncate) {
        record.kind = TRUNCATED;
        record.first = (uint64_t)registers[REG_RSI];
        append(record, NULL, 0);
    } else if (registers[REG_RSI] == 0) {
        record.kind = ALLOCATED;
        record.first = (uint64_t)registers[REG_RDX];
        record.second = (uint64_t)registers[REG_R10];
        append(record, NULL, 0);
    } else {
        _exit(114); // fallocate in a mode that nothing here can replay
    }
    return result;
}

static void on_trap(int signal_number, siginfo_t *info, void *context) {
    (void)signal_number;
    int saved = errno;
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    long number = info->si_syscall, result;
    if (number == SYS_fsync || number == SYS_fdatasync) {
        result = sync_file(number, registers);
    } else {
        lock();
        int is_about_names = number == SYS_renameat || number == SYS_renameat2 || number == SYS_linkat ||
                             number == SYS_unlinkat || number == SYS_mkdirat;
        result = is_about_names ? change_names(number, registers) : change_bytes(number, registers);
        unlock();
    }
    registers[REG_RAX] = result;
    errno = saved;
}

__attribute__((constructor)) static void start(void) {
    const char *directory = getenv("LASTSAVE_JOURNAL_OF"), *records = getenv("LASTSAVE_JOURNAL");
    if (!directory || !records) return;
    root_length = strlen(directory);
    if (root_length >= sizeof root) _exit(115);
    memcpy(root, directory, root_length + 1);
    journal = open(records, O_RDWR | O_APPEND | O_CLOEXEC);
    void *mapped = mmap(NULL, sizeof *is_busy, PROT_READ | PROT_WRITE, MAP_SHARED, journal, 0);
    if (journal < 0 || mapped == MAP_FAILED) _exit(116);
    is_busy = mapped;
    const int calls[] = {SYS_openat,  SYS_pwrite64,  SYS_pwritev, SYS_ftruncate, SYS_fallocate, SYS_renameat,
                         SYS_renameat2, SYS_linkat, SYS_unlinkat, SYS_mkdirat, SYS_fsync, SYS_fdatasync};
    if (trap_calls(calls, sizeof calls / sizeof *calls, on_trap) != 0) _exit(117);
}
