//! BACKUP: consistent copies of the log's files while the server runs.

use lastsave_commands::ServerCommand;
use lastsave_resp::Request;

use crate::client::Client;
use crate::server::Server;

impl Server {
    /// BACKUP CREATE [name], BACKUP LIST, BACKUP DELETE name
    pub(super) fn backup(&mut self, client: &mut Client, command: ServerCommand, request: Request<'_>) {
        if command == ServerCommand::BackupCreate && request.len() > 3 {
            return client
                .reply
                .error("ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try BACKUP HELP.");
        }
        let answer = match command {
            ServerCommand::BackupCreate => {
                self.persistence.create_backup(request.get(2), self.clock.now_ms())
            }
            ServerCommand::BackupDelete => self.persistence.delete_backup(request.arg(2)),
            _ => self.persistence.list_backups(),
        };
        self.give_answer(client, answer);
    }
}
