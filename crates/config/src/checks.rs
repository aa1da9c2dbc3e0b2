//! What particular string directives accept, and what they say otherwise.

type Checked = Result<(), &'static str>;

/// No directory separators of any system.
fn is_base_name(value: &[u8]) -> bool {
    !value.iter().any(|byte| matches!(byte, b'/' | b'\\'))
}

pub(crate) fn dbfilename(value: &[u8]) -> Checked {
    if is_base_name(value) { Ok(()) } else { Err("dbfilename can't be a path, just a filename") }
}

pub(crate) fn appendfilename(value: &[u8]) -> Checked {
    match value {
        [] => Err("appendfilename can't be empty"),
        _ if is_base_name(value) => Ok(()),
        _ => Err("appendfilename can't be a path, just a filename"),
    }
}

pub(crate) fn appenddirname(value: &[u8]) -> Checked {
    match value {
        [] => Err("appenddirname can't be empty"),
        _ if is_base_name(value) => Ok(()),
        _ => Err("appenddirname can't be a path, just a dirname"),
    }
}

pub(crate) fn backupdirname(value: &[u8]) -> Checked {
    match value {
        [] => Err("backupdirname can't be empty"),
        _ if is_base_name(value) && !value.starts_with(b".") => Ok(()),
        _ => Err("backupdirname can't be a path, just a dirname"),
    }
}

pub(crate) fn announced_host_name(value: &[u8]) -> Checked {
    if value.len() >= 256 {
        Err("Hostnames must be less than 256 characters")
    } else if value.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.')) {
        Ok(())
    } else {
        Err("Hostnames may only contain alphanumeric characters, hyphens or dots")
    }
}

pub(crate) fn announced_node_name(value: &[u8]) -> Checked {
    const FORBIDDEN: &[u8] = b"!#$%&()*+:;<>?@[]^{|}~";
    if value.iter().any(|byte| FORBIDDEN.contains(byte)) {
        Err("Announced human node name contained invalid character")
    } else {
        Ok(())
    }
}

/// The variables of `proc-title-template`.
const TITLE_VARIABLES: &[&[u8]] =
    &[b"title", b"listen-addr", b"server-mode", b"port", b"tls-port", b"unixsocket", b"config-file"];

/// `{name}` stands for a variable and `{{` for a brace; what is left must not be blank.
pub(crate) fn proc_title_template(value: &[u8]) -> Checked {
    const REFUSED: Checked = Err("template format is invalid or contains unknown variables");
    let mut rest = value;
    let mut has_content = false;
    while let [byte, tail @ ..] = rest {
        rest = match tail {
            _ if *byte != b'{' => {
                has_content |= *byte != b' ';
                tail
            }
            [b'{', tail @ ..] => {
                has_content = true;
                tail
            }
            _ => {
                let Some(end) = tail.iter().position(|&byte| byte == b'}') else { return REFUSED };
                let name = &tail[..end];
                if !TITLE_VARIABLES.contains(&name) {
                    return REFUSED;
                }
                // These three may stand for nothing at all.
                has_content |= !matches!(name, b"title" | b"server-mode" | b"unixsocket");
                &tail[end + 1..]
            }
        };
    }
    if has_content { Ok(()) } else { REFUSED }
}

/// Only the locales that need nothing from the system's C library.
pub(crate) fn locale_collate(value: &[u8]) -> Checked {
    if matches!(value, b"" | b"C" | b"POSIX" | b"C.UTF-8" | b"C.utf8") {
        Ok(())
    } else {
        Err("Invalid locale name")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates() {
        for good in ["{title} {listen-addr} {server-mode}", "x", "{{", "{port}", "--my--title--template"] {
            assert_eq!(proc_title_template(good.as_bytes()), Ok(()), "{good:?}");
        }
        for bad in ["", "  ", "{", "{title", "{bogus}", "{title}", "a{"] {
            assert!(proc_title_template(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names() {
        assert!(dbfilename(b"").is_ok() && dbfilename(b"a/b").is_err() && dbfilename(b"a\\b").is_err());
        assert_eq!(appendfilename(b""), Err("appendfilename can't be empty"));
        assert_eq!(appenddirname(b"a/b"), Err("appenddirname can't be a path, just a dirname"));
        assert!(announced_host_name(b"a-b.c").is_ok() && announced_host_name(b"a_b").is_err());
        assert!(announced_node_name(b"node 1").is_ok() && announced_node_name(b"a:b").is_err());
    }
}
