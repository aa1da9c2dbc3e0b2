//! INFO cpu.

use super::line;
use crate::server::Server;
use crate::system_files;

impl Server {
    pub(super) fn info_cpu(&self, text: &mut String) {
        let (system, user) = system_files::cpu_seconds(None);
        let (main_system, main_user) = system_files::cpu_seconds(Some(self.identity.executor_thread));
        let rows = [
            ("used_cpu_sys", system),
            ("used_cpu_user", user),
            ("used_cpu_sys_children", 0.0),
            ("used_cpu_user_children", 0.0),
            ("used_cpu_sys_main_thread", main_system),
            ("used_cpu_user_main_thread", main_user),
        ];
        for (name, seconds) in rows {
            line(text, name, format_args!("{seconds:.6}"));
        }
    }
}
