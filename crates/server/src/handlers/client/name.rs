//! CLIENT SETNAME, GETNAME and SETINFO.

use lastsave_resp::Request;

use crate::client::Client;
use crate::handlers::texts;
use crate::server::Server;

/// Whether bytes may be a client name: printable, no blanks.
pub(crate) fn is_valid_name(name: &[u8]) -> bool {
    name.iter().all(|byte| (b'!'..=b'~').contains(byte))
}

impl Server {
    /// CLIENT SETNAME name
    pub(in crate::handlers) fn client_setname(client: &mut Client, request: Request<'_>) {
        let name = request.arg(2);
        if !is_valid_name(name) {
            client.reply.error(texts::CLIENT_NAME);
            return;
        }
        client.session.name = String::from_utf8_lossy(name).into_owned();
        client.reply.ok();
    }

    /// CLIENT GETNAME
    pub(in crate::handlers) fn client_getname(client: &mut Client) {
        if client.session.name.is_empty() {
            client.reply.null();
        } else {
            client.reply.bulk(client.session.name.as_bytes());
        }
    }

    /// CLIENT SETINFO LIB-NAME name | LIB-VER version
    pub(in crate::handlers) fn client_setinfo(client: &mut Client, request: Request<'_>) {
        let option = request.arg(2);
        let value = request.arg(3);
        let is_name = option.eq_ignore_ascii_case(b"lib-name");
        if !is_name && !option.eq_ignore_ascii_case(b"lib-ver") {
            let text = format!("ERR Unrecognized option '{}'", String::from_utf8_lossy(option));
            client.reply.error(&text);
            return;
        }
        if !is_valid_name(value) {
            let option = String::from_utf8_lossy(option);
            let text = format!("ERR {option} cannot contain spaces, newlines or special characters.");
            client.reply.error(&text);
            return;
        }
        let value = String::from_utf8_lossy(value).into_owned();
        if is_name {
            client.session.library_name = value;
        } else {
            client.session.library_version = value;
        }
        client.reply.ok();
    }
}
