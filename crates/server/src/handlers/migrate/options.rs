//! The arguments of MIGRATE.

use std::time::Duration;

use lastsave_resp::{Request, parse_integer};

use crate::handlers::texts;

/// Where the options begin: behind host, port, key, database and timeout.
const FIRST_OPTION: usize = 6;
/// In place of a timeout that is not above zero.
const DEFAULT_TIMEOUT_MS: u64 = 1000;
/// As good as for ever, and still a time that can be added to another one.
const TIMEOUT_MS_MAX: u64 = 365 * 24 * 3600 * 1000;

const KEYS_WITH_A_KEY: &str =
    "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string";

/// What the target wants to know before it obeys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Credentials<'a> {
    /// Without one, the user is `default`.
    pub(super) username: Option<&'a [u8]>,
    pub(super) password: &'a [u8],
}

/// The arguments of one MIGRATE.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MigrateOptions<'a> {
    pub(super) host: &'a [u8],
    pub(super) port: &'a [u8],
    /// The database at the target; whether it has one with this number is for it to say.
    pub(super) db: i64,
    /// Longest wait for each step: connecting, sending a piece, a reply.
    pub(super) timeout: Duration,
    /// The keys stay here as well.
    pub(super) copy: bool,
    /// Keys that the target has already are replaced.
    pub(super) replace: bool,
    pub(super) credentials: Option<Credentials<'a>>,
    /// At least one, unless KEYS is the last word.
    pub(super) keys: Vec<&'a [u8]>,
}

/// An option and its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MigrateOption {
    Copy,
    Replace,
    /// A password follows.
    Auth,
    /// A user's name and a password follow.
    Auth2,
    /// Everything else is keys.
    Keys,
}

impl MigrateOption {
    fn of(word: &[u8]) -> Option<Self> {
        const WORDS: [(&[u8], MigrateOption); 5] = [
            (b"copy", MigrateOption::Copy),
            (b"replace", MigrateOption::Replace),
            (b"auth", MigrateOption::Auth),
            (b"auth2", MigrateOption::Auth2),
            (b"keys", MigrateOption::Keys),
        ];
        WORDS.iter().find(|(known, _)| word.eq_ignore_ascii_case(known)).map(|(_, option)| *option)
    }

    /// Arguments that belong to it and are nobody's business.
    fn secrets(self) -> usize {
        match self {
            Self::Auth => 1,
            Self::Auth2 => 2,
            Self::Copy | Self::Replace | Self::Keys => 0,
        }
    }
}

impl<'a> MigrateOptions<'a> {
    /// # Errors
    /// The error reply, when the arguments make no sense.
    pub(super) fn parse(request: Request<'a>) -> Result<Self, &'static str> {
        let mut options = Self {
            host: request.arg(1),
            port: request.arg(2),
            db: 0,
            timeout: Duration::ZERO,
            copy: false,
            replace: false,
            credentials: None,
            keys: vec![request.arg(3)],
        };
        let mut username = None;
        let mut index = FIRST_OPTION;
        while index < request.len() {
            let option = MigrateOption::of(request.arg(index)).ok_or(texts::SYNTAX)?;
            if index + option.secrets() >= request.len() {
                return Err(texts::SYNTAX);
            }
            match option {
                MigrateOption::Copy => options.copy = true,
                MigrateOption::Replace => options.replace = true,
                MigrateOption::Auth => {
                    options.credentials = Some(Credentials { username, password: request.arg(index + 1) });
                }
                MigrateOption::Auth2 => {
                    // A later AUTH has another password for the same user.
                    username = Some(request.arg(index + 1));
                    options.credentials = Some(Credentials { username, password: request.arg(index + 2) });
                }
                MigrateOption::Keys if !request.arg(3).is_empty() => return Err(KEYS_WITH_A_KEY),
                MigrateOption::Keys => {
                    options.keys = request.args().skip(index + 1).collect();
                    break;
                }
            }
            index += 1 + option.secrets();
        }
        let timeout_ms = parse_integer(request.arg(5)).ok_or(texts::NOT_AN_INTEGER)?;
        options.db = parse_integer(request.arg(4)).ok_or(texts::NOT_AN_INTEGER)?;
        let timeout_ms = u64::try_from(timeout_ms).ok().filter(|ms| *ms > 0).unwrap_or(DEFAULT_TIMEOUT_MS);
        options.timeout = Duration::from_millis(timeout_ms.min(TIMEOUT_MS_MAX));
        Ok(options)
    }
}

/// Whether an argument of MIGRATE is a user's name or a password. The other arguments need not make sense.
pub(crate) fn is_secret_of_migrate(request: Request<'_>, index: usize) -> bool {
    let mut at = FIRST_OPTION;
    while at < index {
        let secrets = match MigrateOption::of(request.arg(at)) {
            Some(MigrateOption::Keys) => return false,
            Some(option) => option.secrets(),
            None => 0,
        };
        if index <= at + secrets {
            return true;
        }
        at += 1 + secrets;
    }
    false
}

#[cfg(test)]
mod tests {
    use lastsave_resp::OwnedRequest;

    use super::*;

    fn request(line: &str) -> OwnedRequest {
        let words: Vec<&[u8]> = line.split(' ').map(|word| word.trim_matches('"').as_bytes()).collect();
        OwnedRequest::from_args(&words)
    }

    #[test]
    fn every_option_is_understood() {
        let request = request("MIGRATE host 7000 \"\" 9 250 copy REPLACE AUTH2 user word KEYS a COPY b");
        let options = MigrateOptions::parse(request.as_request()).expect("valid arguments");
        let expected = MigrateOptions {
            host: b"host",
            port: b"7000",
            db: 9,
            timeout: Duration::from_millis(250),
            copy: true,
            replace: true,
            credentials: Some(Credentials { username: Some(b"user"), password: b"word" }),
            keys: vec![b"a", b"COPY", b"b"],
        };
        assert_eq!(options, expected);
    }

    #[test]
    fn a_timeout_that_is_none_is_a_second() {
        for (text, ms) in [("0", 1000), ("-7", 1000), ("1", 1), ("9223372036854775807", TIMEOUT_MS_MAX)] {
            let request = request(&format!("MIGRATE host 7000 key 0 {text}"));
            let options = MigrateOptions::parse(request.as_request()).expect("valid arguments");
            assert_eq!(options.timeout, Duration::from_millis(ms), "{text}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (line, text) in [
            ("MIGRATE h 1 key 0 10 COPYING", texts::SYNTAX),
            ("MIGRATE h 1 key 0 10 AUTH", texts::SYNTAX),
            ("MIGRATE h 1 key 0 10 AUTH2 user", texts::SYNTAX),
            ("MIGRATE h 1 key 0 10 KEYS a", KEYS_WITH_A_KEY),
            ("MIGRATE h 1 key zero 10", texts::NOT_AN_INTEGER),
            ("MIGRATE h 1 key 0 ten", texts::NOT_AN_INTEGER),
            ("MIGRATE h 1 key zero ten COPYING", texts::SYNTAX),
        ] {
            assert_eq!(MigrateOptions::parse(request(line).as_request()), Err(text), "{line}");
        }
    }
}
