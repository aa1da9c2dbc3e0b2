//! INFO server.

use super::line;
use crate::identity::{LASTSAVE_VERSION, REDIS_VERSION};
use crate::server::Server;
use crate::system_files;

impl Server {
    pub(super) fn info_server(&self, text: &mut String) {
        let hz = self.settings.cron_hz;
        line(text, "redis_version", REDIS_VERSION);
        line(text, "lastsave_version", LASTSAVE_VERSION);
        line(text, "redis_git_sha1", "00000000");
        line(text, "redis_git_dirty", 0);
        line(text, "redis_build_id", 0);
        line(text, "redis_mode", "standalone");
        line(text, "os", operating_system());
        line(text, "arch_bits", usize::BITS);
        line(text, "monotonic_clock", "POSIX clock_gettime");
        line(text, "multiplexing_api", "epoll");
        line(text, "atomicvar_api", "rust-core");
        line(text, "gcc_version", "0.0.0");
        line(text, "process_id", std::process::id());
        line(text, "process_supervised", "no");
        line(text, "run_id", &self.identity.run_id);
        line(text, "tcp_port", self.config.port);
        line(text, "server_time_usec", self.clock.now_us());
        line(text, "uptime_in_seconds", self.clock.uptime_seconds());
        line(text, "uptime_in_days", self.clock.uptime_seconds() / 86_400);
        line(text, "hz", hz);
        line(text, "configured_hz", self.config.hz);
        line(text, "lru_clock", self.clock.now_seconds() & 0x00ff_ffff);
        line(text, "executable", self.identity.executable.display());
        line(text, "config_file", self.identity.config_file.display());
        line(text, "io_threads_active", 0);
        let mut listener = 0;
        if self.listeners.has_tcp() {
            let binds: Vec<String> = self.config.bind.iter().map(|bind| format!(",bind={bind}")).collect();
            let value = format!("name=tcp{},port={}", binds.concat(), self.config.port);
            line(text, &format!("listener{listener}"), value);
            listener += 1;
        }
        if !self.listeners.unix_path().is_empty() {
            let value = format!("name=unix,bind={}", self.listeners.unix_path());
            line(text, &format!("listener{listener}"), value);
        }
    }
}

fn operating_system() -> String {
    format!(
        "{} {} {}",
        system_files::read_line("/proc/sys/kernel/ostype"),
        system_files::read_line("/proc/sys/kernel/osrelease"),
        std::env::consts::ARCH
    )
}
