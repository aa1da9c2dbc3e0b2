// Loaded into a server before its own code (LD_PRELOAD): makes its syncs slow on demand and notes each of them.
//
// `LASTSAVE_BENCH_SYNC_DELAY` names a file whose first eight bytes are a delay in microseconds, which may
// change at any time; a record per sync is appended to the file in `LASTSAVE_BENCH_SYNC_RECORDS`.
#include "trapped_calls.h"

struct record {
    uint64_t started_ns;
    uint64_t took_ns;
    uint64_t is_log;
};

static volatile uint64_t *delay_us;
static int records = -1;

static int is_log(long file) {
    char path[4096];
    if (path_of(file, path, sizeof path) < 0) return 0;
    return strstr(path, ".aof") != NULL && strstr(path, "temp") == NULL;
}

static void on_trap(int signal_number, siginfo_t *info, void *context) {
    (void)signal_number;
    int saved = errno;
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    long file = registers[REG_RDI];
    struct record record = {.started_ns = now_ns(), .is_log = (uint64_t)is_log(file)};
    uint64_t us = delay_us ? *delay_us : 0;
    if (us) {
        struct timespec left = {.tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000};
        while (nanosleep(&left, &left) != 0 && errno == EINTR) {}
    }
    registers[REG_RAX] = make_call(info->si_syscall, registers);
    record.took_ns = now_ns() - record.started_ns;
    if (records >= 0 && write(records, &record, sizeof record) < 0) records = -1;
    errno = saved;
}

__attribute__((constructor)) static void start(void) {
    const char *delay = getenv("LASTSAVE_BENCH_SYNC_DELAY"), *list = getenv("LASTSAVE_BENCH_SYNC_RECORDS");
    if (!delay || !list) return;
    int file = open(delay, O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        void *mapped = mmap(NULL, sizeof *delay_us, PROT_READ, MAP_SHARED, file, 0);
        if (mapped != MAP_FAILED) delay_us = mapped;
        close(file);
    }
    records = open(list, O_WRONLY | O_APPEND | O_CLOEXEC);
    const int calls[] = {SYS_fsync, SYS_fdatasync};
    trap_calls(calls, sizeof calls / sizeof *calls, on_trap);
}
