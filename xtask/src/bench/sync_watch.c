// Loaded into a server before its own code (LD_PRELOAD): makes its syncs slow on demand and notes each of them.
//
// It needs no cooperation: the kernel is told to trap fsync and fdatasync, however they are called, and the handler makes
// the call itself. `LASTSAVE_BENCH_SYNC_DELAY` names a file whose first eight bytes are a delay in microseconds, which may
// change at any time; a record per sync is appended to the file in `LASTSAVE_BENCH_SYNC_RECORDS`.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

// In the sixth argument, which these calls do not have: lets the handler's own call through.
#define PASS 0x6c737376

struct record {
    uint64_t started_ns;
    uint64_t took_ns;
    uint64_t is_log;
};

static volatile uint64_t *delay_us;
static int records = -1;

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static long pass(long number, long file) {
    register long sixth __asm__("r9") = PASS;
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(file), "r"(sixth) : "rcx", "r11", "memory");
    return result;
}

// "/proc/self/fd/N" without what is not allowed in a signal handler.
static int is_log(long file) {
    char link[40] = "/proc/self/fd/", target[4096], digits[20];
    int count = 0, at = 14;
    do {
        digits[count++] = (char)('0' + file % 10);
        file /= 10;
    } while (file > 0);
    while (count > 0) link[at++] = digits[--count];
    link[at] = 0;
    ssize_t length = readlink(link, target, sizeof target - 1);
    if (length < 0) return 0;
    target[length] = 0;
    return strstr(target, ".aof") != NULL && strstr(target, "temp") == NULL;
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
    registers[REG_RAX] = pass(info->si_syscall, file);
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
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGSYS, &action, NULL);
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fsync, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fdatasync, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[5])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PASS, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
    };
    struct sock_fprog filter = {.len = sizeof program / sizeof *program, .filter = program};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    // Without the flag old kernels would also slow down speculation, and with it everything else.
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &filter) != 0) {
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
    }
}
